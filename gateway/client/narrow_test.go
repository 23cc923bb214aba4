package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestNarrowedLists: what narrows a list goes with every part of it, since a cursor is good under the same filters only.
func TestNarrowedLists(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.Query().Encode())
		part := wire.List[wire.Dataset]{Items: []wire.Dataset{{Slug: "one"}}, NextCursor: "next"}
		if r.URL.Query().Has("cursor") {
			part.NextCursor = ""
		}
		_ = json.NewEncoder(w).Encode(part)
	}))
	defer server.Close()
	c := client.New(server.URL, nil).Use("token")
	all, err := c.Datasets.List(t.Context(), client.Matching("就诊"), client.AtLevel(2), client.OfProvider("ORG-0002"), client.InState(""))
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v", all, err)
	}
	if _, err := c.Members.List(t.Context(), "ORG-0002", client.InState("active")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/api/v1/datasets?level=2&match=%E5%B0%B1%E8%AF%8A&provider=ORG-0002",
		"/api/v1/datasets?cursor=next&level=2&match=%E5%B0%B1%E8%AF%8A&provider=ORG-0002",
		"/api/v1/orgs/ORG-0002/members?state=active", "/api/v1/orgs/ORG-0002/members?cursor=next&state=active",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}
