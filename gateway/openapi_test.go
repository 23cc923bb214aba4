package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/description"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

var update = flag.Bool("update", false, "write golden files")

// TestDescription holds the API's description to its golden file: what changes in it is seen and meant.
func TestDescription(t *testing.T) {
	i := gatewaytest.Start(t)
	got := call(t, "GET", i.URL+"/api/v1/openapi.json", nil)
	if got.status != http.StatusOK {
		t.Fatalf("got %d", got.status)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, bytes.ReplaceAll(got.body, []byte(i.URL), nil), "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Fatalf("the description changed (go test ./gateway -run TestDescription -update):\n%.4000s", diff)
	}
}

// TestEveryRouteIsDescribed: the description and the contents page have the same operations, and nothing of the
// framework's own. What each must say, package description holds.
func TestEveryRouteIsDescribed(t *testing.T) {
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	described := []string{}
	for _, op := range d.Operations() {
		described = append(described, op.ID)
	}
	i := gatewaytest.Start(t)
	routes := []string{"token-get"} // beside the table: it speaks OAuth
	for _, r := range gateway.Describe(gateway.Config{Catalog: i.Catalog, BaseURL: i.URL, Now: time.Now}) {
		routes = append(routes, r.ID)
	}
	slices.Sort(described)
	slices.Sort(routes)
	if diff := cmp.Diff(routes, described); diff != "" {
		t.Error(diff)
	}
	for _, banned := range []string{"ErrorModel", `"value"`} {
		if bytes.Contains(raw, []byte(banned)) {
			t.Errorf("the description holds %s", banned)
		}
	}
}
