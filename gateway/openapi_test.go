package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

var update = flag.Bool("update", false, "write golden files")

// description is what of the OpenAPI document is looked at.
type description struct {
	OpenAPI string                          `json:"openapi"`
	Paths   map[string]map[string]operation `json:"paths"`
}

type operation struct {
	ID        string                     `json:"operationId"`
	Summary   string                     `json:"summary"`
	Security  *[]map[string][]string     `json:"security"`
	Responses map[string]json.RawMessage `json:"responses"`
}

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

// TestEveryOperationIsDescribed: each has a name, a summary, says who may, and how it fails; and each route of
// the contents page is there.
func TestEveryOperationIsDescribed(t *testing.T) {
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Errorf("version %s", d.OpenAPI)
	}
	open := map[string]bool{"key-offer": true, "token-get": true}
	seen := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			seen[op.ID] = true
			if op.ID == "" || op.Summary == "" || op.Security == nil && !open[op.ID] || op.Responses["401"] == nil {
				t.Errorf("%s %s is not described: %+v", method, path, op.ID)
			}
		}
	}
	i := gatewaytest.Start(t)
	for _, r := range gateway.Describe(gateway.Config{Catalog: i.Catalog, BaseURL: i.URL, Now: time.Now}) {
		if !seen[r.ID] {
			t.Errorf("%s is not described", r.ID)
		}
	}
	for _, banned := range []string{`"type":["array","null"]`, "ErrorModel", `"value"`} {
		if strings.Contains(strings.Join(strings.Fields(string(raw)), ""), banned) {
			t.Errorf("the description holds %s", banned)
		}
	}
}
