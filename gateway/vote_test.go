package gateway_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestRejectionsAreReasoned: over the API too a vote to reject without words is refused at their place, and nothing of it is
// kept; with words, both are.
func TestRejectionsAreReasoned(t *testing.T) {
	c := newCity(t)
	boss := c.Person(t, c.Admin, c.operator, "second", org.OrgAdmin)
	officer := c.Person(t, boss, c.operator, "officer", org.SecurityOfficer)
	for _, text := range []string{"", " "} {
		_, err := officer.Requests.VoteSaying(t.Context(), theRequest, output.OperatorSeat, output.Reject, text)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || p.Code != "opinion.invalid" {
			t.Fatalf("in silence: %v", err)
		}
		if diff := cmp.Diff([]wire.Place{{Location: "text", Code: "text.missing"}}, p.Errors, told()); diff != "" {
			t.Error(diff)
		}
	}
	if r, err := officer.Requests.Show(t.Context(), theRequest); err != nil || len(r.Voted) != 0 || len(r.Comments) != 0 {
		t.Fatalf("half of it is done: %+v, %v", r, err)
	}
	r, err := officer.Requests.VoteSaying(t.Context(), theRequest, output.OperatorSeat, output.Reject, "超出授权用途")
	if err != nil || len(r.Voted) != 1 || len(r.Comments) != 1 || r.Comments[0].Text != "超出授权用途" {
		t.Errorf("with words: %+v, %v", r, err)
	}
}
