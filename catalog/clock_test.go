package catalog_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
)

// TestClockJumpsHoldNoLeaseTwice: a lease is the database's to end. However the processes' clocks jump, nobody else
// gets the work while it lasts, and whoever held it before its end is refused after it.
func TestClockJumpsHoldNoLeaseTwice(t *testing.T) {
	c := newCity(t, plenty())
	_, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	began := c.clock()
	held, ok, err := c.queue.Claim(c.ctx, "first", c.claimKey(), time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, jump := range []time.Duration{10 * 24 * time.Hour, -time.Hour, -10 * 365 * 24 * time.Hour} {
		c.at(began.Add(jump))
		c.turns()
		if other, ok, err := c.queue.Claim(c.ctx, "second", c.claimKey(), time.Hour, []task.Runtime{task.GVisor}); err != nil || ok {
			t.Fatalf("after a jump of %s another claims %+v: %v", jump, other, err)
		}
		if _, err := c.queue.Append(c.ctx, held, "renew", nil, time.Hour); err != nil {
			t.Fatalf("after a jump of %s who holds it is refused: %v", jump, err)
		}
	}
	c.at(began)
	c.sql("update work set lease_until = now() - interval '1 second' where id = '" + held.ID + "'")
	next, ok, err := c.queue.Claim(c.ctx, "second", c.claimKey(), time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok || next.ID != held.ID || next.Fence <= held.Fence {
		t.Fatalf("%+v %t %v", next, ok, err)
	}
	if err := c.queue.Seal(c.ctx, held, "success", []byte("{}")); !errors.Is(err, postgres.ErrLost) {
		t.Errorf("the first one's seal: %v", err)
	}
}

// TestClockJumpsOpenNothingAgain: what a deadline has ended stays ended when the clock is set back.
func TestClockJumpsOpenNothingAgain(t *testing.T) {
	c := newCity(t, plenty())
	began := c.clock()
	up := c.started("a file nobody completes")
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))

	const beyond = 40 * 24 * time.Hour // the grant's term, the upload's and the vote's
	c.at(began.Add(beyond))
	c.turns()
	ended := func() {
		t.Helper()
		g, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, c.grant.Number)
		c.must(err)
		if g.State != "expired" {
			t.Errorf("the grant is %s", g.State)
		}
		if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "grant.not_active" {
			t.Errorf("a submit under it: %q", code(err))
		}
		if err := c.chunk(up, 1, "a file nobody completes"); err == nil {
			t.Error("the upload takes a chunk")
		}
	}
	ended()
	c.at(began)
	c.turns()
	ended()
	_ = c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve)
	c.turns()
	if c.released(r.Number) {
		t.Error("it was released though its right had ended")
	}
	if got, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number); err != nil || got.State == string(job.Running) {
		t.Errorf("the job is %s, %v", got.State, err)
	}
}

// TestClockJumpsKeepPlaces: an entry's place in the log follows from when it was committed, whatever time it names.
func TestClockJumpsKeepPlaces(t *testing.T) {
	c := newCity(t, plenty())
	began := c.clock()
	var made []string
	for _, jump := range []time.Duration{0, time.Hour, -time.Hour, 24 * time.Hour, -30 * time.Minute, time.Minute} {
		c.at(began.Add(jump))
		j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
		c.must(err)
		made = append(made, j.Number)
		c.turns()
	}
	c.at(began)
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: "job.submit", Limit: 100})
	c.must(err)
	slices.SortFunc(entries, func(a, b trace.View) int { return int(a.Index - b.Index) })
	if len(entries) != len(made) {
		t.Fatalf("%d entries of %d submits", len(entries), len(made))
	}
	for i, e := range entries {
		if !bytes.Contains(e.Body, []byte(made[i])) {
			t.Errorf("at place %d lies %s, made as number %d was %s", e.Index, e.Body, i, made[i])
		}
	}
}
