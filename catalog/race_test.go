package catalog_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/trace"
)

// TestVotesRace lets twenty votes of two seats, for and against, and two keepers race over one request: it ends in
// one state, at most one release comes of it, and every try is in the trace (S37).
func TestVotesRace(t *testing.T) {
	c := newCity(t, plenty())
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	var all sync.WaitGroup
	for range 5 {
		for _, v := range []struct {
			who      person
			seat     output.Seat
			decision output.Choice
		}{
			{c.officer, output.OperatorSeat, output.Approve}, {c.officer, output.OperatorSeat, output.Reject},
			{c.reviewer, output.AgencySeat, output.Approve}, {c.reviewer, output.AgencySeat, output.Reject},
		} {
			all.Go(func() { _ = c.vote(v.who, r.Number, v.seat, v.decision) })
		}
	}
	for range 2 {
		all.Go(func() { _, _ = c.keeper.Turn(c.ctx) })
	}
	all.Wait()
	c.turns()
	r, err = c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number)
	c.must(err)
	if len(r.Votes) != 2 {
		t.Fatalf("%d votes count", len(r.Votes))
	}
	want := output.Released
	if r.Votes[0].Decision == output.Reject || r.Votes[1].Decision == output.Reject {
		want = output.Rejected
	}
	if r.State != string(want) || (r.Release != "") != (want == output.Released) {
		t.Fatalf("the request is %s with release %q, want %s", r.State, r.Release, want)
	}
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: "review.vote", Limit: 100})
	c.must(err)
	if len(entries) != 20 {
		t.Fatalf("%d of 20 tries are in the trace", len(entries))
	}
}

// TestExcludedCapacitiesRace has two administrators make one organization at once what it may not be both: never more
// than one of them comes through.
func TestExcludedCapacitiesRace(t *testing.T) {
	c := newCity(t, plenty())
	for i := range 5 {
		home, err := c.serve.Orgs.Create(c.ctx, c.admin.Subject, org.Spec{Name: fmt.Sprintf("公司%d", i)})
		c.must(err)
		var all sync.WaitGroup
		for _, capacity := range []org.Capacity{org.Operator, org.BusinessEntity, org.Registrar} {
			all.Go(func() {
				_, _ = c.serve.Orgs.GrantCapacity(c.ctx, c.admin.Subject, home.Number, org.CapacitySpec{Capacity: capacity, Document: "文号"})
			})
		}
		all.Wait()
		home, err = c.serve.Orgs.Show(c.ctx, c.admin.Subject, home.Number)
		c.must(err)
		have := make([]org.Capacity, 0, len(home.Capacities))
		for _, h := range home.Designations {
			have = append(have, org.Capacity(h.Capacity))
		}
		if len(have) == 0 || org.CheckCapacities(have) != nil {
			t.Fatalf("it is %v", have)
		}
	}
}
