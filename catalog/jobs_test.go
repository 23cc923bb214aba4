package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
)

// TestReleasePath walks one job from submit to a released product, with every role's own rights.
func TestReleasePath(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	j := c.ran(c.grant.Number)
	if j.State != string(job.OutputQuarantined) {
		t.Fatalf("the job is %s", j.State)
	}
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	if got := code(c.vote(c.developer, r.Number, output.OperatorSeat, output.Approve)); got != "approver.is_author" {
		t.Errorf("the author's vote: got %q", got)
	}
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	if got := code(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve)); got != "seat.taken" {
		t.Errorf("a second vote of one seat: got %q", got)
	}
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	c.turns()
	r, err = c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number)
	c.must(err)
	if r.State != string(output.Released) || r.Release == "" {
		t.Fatalf("the request is %s, its release %q", r.State, r.Release)
	}
}

// TestDeadKeepersCopyIsFound: a keeper that dies between the copy of a product and its record leaves one copy, which the
// next turn finds where the intent says, and none beside it.
func TestDeadKeepersCopyIsFound(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	died := errors.New("died")
	for range 3 {
		_, err := c.keeper.Catalog.Releases.Decide(c.ctx)
		c.must(err)
		_, err = c.keeper.Catalog.Trace.Sequence(c.ctx, c.keeper.Sequencer)
		c.must(err)
		provider, err := keyring.NewFileProvider(c.keeper.Keys.Wrap)
		c.must(err)
		if _, err = c.keeper.Catalog.Releases.Finish(c.ctx, provider, catalog.Signer{
			Prove: func(context.Context, string) (release.Entry, json.RawMessage, error) {
				return release.Entry{}, nil, died
			},
		}); !errors.Is(err, died) {
			t.Fatalf("got %v", err)
		}
	}
	c.turns()
	if r, err = c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number); err != nil || r.State != string(output.Released) {
		t.Fatalf("the request is %s, %v", r.State, err)
	}
	copies := 0
	for _, err := range c.objects.List(c.ctx, object.Release) {
		c.must(err)
		copies++
	}
	if copies != 1 {
		t.Errorf("%d copies lie in the delivery area", copies)
	}
}

// TestBudgetOfOne lets two submits race for a budget of one: exactly one wins, every time.
func TestBudgetOfOne(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 100, Rows: 100_000})
	for range 20 {
		g := c.newGrant(grant.Budget{Runs: 1, Rows: 100})
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() {
				_, errs[i] = c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(g.Number))
			})
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("got %v and %v, want one of them refused", errs[0], errs[1])
		}
		lost := code(errs[0]) + code(errs[1])
		if lost != "budget.runs" && lost != "budget.rows" {
			t.Fatalf("the loser was told %q", lost)
		}
	}
}

// TestDebugComesFirst holds the gate of the city's rule set: no run on real data of code that was never debugged.
func TestDebugComesFirst(t *testing.T) {
	c := (&city{t: t, ctx: context.Background(), debugFirst: true}).start(plenty())
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "job.not_debugged" {
		t.Fatalf("got %v", err)
	}
	c.sql("insert into job (id, number, org, author, kind, state, package, code_digest, rule_set, created_at) " +
		"select gen_random_uuid(), 'J-2026-9999', '" + c.developer.Org + "', '" + c.developer.Member + "', 'debug', 'succeeded', '{}', '" +
		c.codeDigest() + "', 'x', now()")
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); err != nil {
		t.Fatal(err)
	}
}

func (c *city) codeDigest() string {
	_, digest, err := c.pack(c.grant.Number).Encode()
	c.must(err)
	return string(digest)
}

// TestInputsShareABudget sums what several inputs of one grant read.
func TestInputsShareABudget(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 150})
	p := c.pack(c.grant.Number)
	again := p.Inputs[0]
	again.Name = "again"
	p.Inputs = append(p.Inputs, again) // 100 rows each
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p); code(err) != "budget.rows" {
		t.Fatalf("got %v", err)
	}
	g, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, c.grant.Number)
	c.must(err)
	if g.RunsLeft != 10 || g.RowsLeft != 150 {
		t.Fatalf("%d runs and %d rows left", g.RunsLeft, g.RowsLeft)
	}
}

// races is how often a release and a revocation meet.
const races = 200

// TestReleaseNeverPassesRevocation lets the release of a product race the revocation of its grant: once the
// revocation has returned, nothing of that grant becomes released (invariant 10).
func TestReleaseNeverPassesRevocation(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 1000, Rows: 1_000_000})
	won := map[string]int{}
	for range races {
		won[c.raceOnce()]++
	}
	t.Logf("outcomes of %d races: %v", races, won)
}

// raceOnce prepares a release whose votes are in, lets keeper and revocation race, and returns who won.
func (c *city) raceOnce() string {
	c.t.Helper()
	g := c.newGrant(grant.Budget{Runs: 5, Rows: 1000})
	j := c.ran(g.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))

	var both sync.WaitGroup
	var keeperErr error
	both.Go(func() {
		for {
			worked, err := c.keeper.Turn(c.ctx)
			if err != nil || !worked {
				keeperErr = err
				return
			}
		}
	})
	_, err = c.serve.Grants.Revoke(c.ctx, c.chief.Subject, g.Number)
	c.must(err)
	before := c.released(r.Number)
	both.Wait()
	c.must(keeperErr)
	c.turns()
	after := c.released(r.Number)
	if !before && after {
		c.t.Fatal("a release committed after its grant's revocation")
	}
	if after {
		return "released before the revocation"
	}
	return "stopped by the revocation"
}

// released tells whether a request's product can be had.
func (c *city) released(number string) (is bool) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		r, err := tx.Request(c.ctx, number)
		is = r.State == string(output.Released)
		return err
	})
	return is
}
