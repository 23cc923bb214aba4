package client

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/wire"
)

// rehearsalServer knows one job, refuses to show agreements, and fails the test when anything is changed.
func rehearsalServer(t *testing.T) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(status int, body any) {
			w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
			w.WriteHeader(status)
			if err := json.NewEncoder(w).Encode(body); err != nil {
				t.Error(err)
			}
		}
		switch path := strings.TrimPrefix(r.URL.Path, prefix); {
		case path == "/token":
			answer(http.StatusOK, wire.Token{AccessToken: "t"})
		case r.Method != http.MethodGet:
			t.Errorf("a rehearsal sent %s %s", r.Method, r.URL.Path)
		case path == "/jobs/J-2026-0001", path == "/healthz":
			answer(http.StatusOK, wire.Job{Number: "J-2026-0001"})
		case strings.HasPrefix(path, "/agreements/"):
			answer(http.StatusForbidden, wire.Problem{Status: http.StatusForbidden, Code: "access.not_permitted"})
		default:
			answer(http.StatusNotFound, wire.Problem{Status: http.StatusNotFound, Code: "unknown"})
		}
	}))
	t.Cleanup(server.Close)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(server.URL, key).Rehearse()
}

// A rehearsal changes nothing, returns what it would have sent, and knows what is not there.
func TestRehearsalsSendNothing(t *testing.T) {
	c := rehearsalServer(t)
	approve := func(number string) error { _, err := c.Jobs.Approve(t.Context(), number); return err }
	sign := func(number string) error { _, err := c.Agreements.Sign(t.Context(), number); return err }
	for situation, v := range map[string]struct {
		err      error
		path     string
		unsigned bool
	}{
		"an object that is there":       {approve("J-2026-0001"), "/api/v1/jobs/J-2026-0001/approve", false},
		"one that may not be looked at": {sign("A-2026-0001"), "/api/v1/agreements/A-2026-0001/sign", false},
		"one step stays one": {func() error {
			_, err := c.Orgs.Create(t.Context(), org.Spec{Name: "a"})
			return err
		}(), "/api/v1/orgs", false},
		"a key": {func() error { _, err := c.Keys.Offer(t.Context(), "ORG-0001", "kaifa"); return err }(), "/api/v1/keys", true},
	} {
		var r *Rehearsed
		if !errors.As(v.err, &r) || r.Method != http.MethodPost || r.Path != v.path || r.Unsigned != v.unsigned {
			t.Errorf("%s: got %v, %+v", situation, v.err, r)
		}
	}
	if err := approve("J-2026-9999"); !missing(err) {
		t.Errorf("an object that is not there: got %v", err)
	}
	// What would be signed is shown without a signature: with one, it would be the vote itself.
	_, err := c.Requests.Cast(t.Context(), "Q-2026-0001", output.Vote{Request: "Q-2026-0001"}, "")
	if !missing(err) {
		t.Errorf("a vote on nothing: got %v", err)
	}
}
