package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
)

func plenty() grant.Budget { return grant.Budget{Runs: 100, Rows: 100_000} }

// TestNoActWithoutTrace takes the trace away: every act is refused and changes nothing (invariant 1, S46).
func TestNoActWithoutTrace(t *testing.T) {
	c := newCity(t, plenty())
	c.sql("revoke insert on trace_pending from sluice_serve")
	if _, err := c.serve.Datasets.Freeze(c.ctx, c.steward.Subject, slug); err == nil {
		t.Error("froze a dataset without a trace")
	}
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack("G-2026-9999")); code(err) != "trace.unavailable" {
		t.Errorf("a refusal without a trace: got %q", code(err))
	}
	c.sql("grant insert on trace_pending to sluice_serve")
	d, err := c.serve.Datasets.Show(c.ctx, c.steward.Subject, slug)
	c.must(err)
	if d.State != "authorizable" {
		t.Errorf("the dataset is %s", d.State)
	}
}

// sql runs a statement as the database's owner.
func (c *city) sql(statement string) {
	c.t.Helper()
	pgtest.Exec(c.t, c.address, statement)
}

// TestRefusalsAreTraced finds a refusal with all its reasons, and a try at what is not there, in the trace.
func TestRefusalsAreTraced(t *testing.T) {
	c := newCity(t, plenty())
	p := c.pack(c.grant.Number)
	p.Purpose = "marketing"
	_, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
	if code(err) != "purpose.outside_grant" {
		t.Fatalf("got %q", code(err))
	}
	if _, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, "G-2026-9999"); code(err) != "unknown" {
		t.Fatalf("got %q", code(err))
	}
	c.turns()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	found, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Decision: "deny"})
	c.must(err)
	var told []string
	for _, e := range found {
		body, err := trace.DecodeBody(e.Body)
		c.must(err)
		told = append(told, body.Act+" "+strings.Join(body.Reasons, ","))
		if strings.Contains(string(e.Body), "marketing") {
			t.Error("the trace repeats the caller's value")
		}
	}
	want := []string{"grant.show ", "job.submit purpose.outside_grant,purpose.outside_terms"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestDecisionsReplay decides every recorded decision again and gets the same answer (invariant 6).
func TestDecisionsReplay(t *testing.T) {
	c := newCity(t, plenty())
	c.ran(c.grant.Number)
	_, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack("G-2026-9999"))
	if code(err) != "grant.unknown" {
		t.Fatalf("got %q", code(err))
	}
	again, err := bundle.Embedded()
	c.must(err)
	var kept []postgres.Decision
	c.tx(func(tx *postgres.Tx) (err error) {
		kept, err = tx.Decisions(c.ctx, 1000)
		return err
	})
	denied := 0
	for _, k := range kept {
		var q policy.Request
		c.must(json.Unmarshal(k.Request, &q))
		d, err := again.Decide(c.ctx, q)
		c.must(err)
		reasons, err := json.Marshal(d.Reasons)
		c.must(err)
		var was, is []policy.Reason
		c.must(errors.Join(json.Unmarshal(k.Reasons, &was), json.Unmarshal(reasons, &is)))
		if d.Allow != k.Allow || d.Revision != k.Revision || !cmp.Equal(was, is) {
			t.Errorf("%s: was %v %s, is %v %s", q.Action, k.Allow, k.Reasons, d.Allow, reasons)
		}
		if !d.Allow {
			denied++
		}
	}
	if len(kept) < 20 || denied != 1 {
		t.Errorf("%d decisions, %d denied", len(kept), denied)
	}
}

// TestLateFencesAreRefused lets a second worker take over work whose lease ran out: nothing the first one does
// counts any more (invariant 9).
func TestLateFencesAreRefused(t *testing.T) {
	c := newCity(t, plenty())
	_, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	key := c.claimKey()
	slow, ok, err := c.queue.Claim(c.ctx, "slow", key, time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	c.turns()
	c.sql("update work set lease_until = now() - interval '1 second' where id = '" + slow.ID + "'")
	fast, ok, err := c.queue.Claim(c.ctx, "fast", key, time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok || fast.ID != slow.ID || fast.Fence <= slow.Fence {
		t.Fatal(fast, ok, err)
	}
	if err := c.queue.Seal(c.ctx, fast, "success", []byte("{}")); !errors.Is(err, postgres.ErrLost) {
		t.Errorf("sealing before admission: %v", err)
	}
	c.turns()
	if _, err := c.queue.Append(c.ctx, slow, "renew", nil, time.Hour); !errors.Is(err, postgres.ErrLost) {
		t.Errorf("the slow worker's append: %v", err)
	}
	if err := c.queue.Seal(c.ctx, slow, "success", []byte("{}")); !errors.Is(err, postgres.ErrLost) {
		t.Errorf("the slow worker's seal: %v", err)
	}
	c.must(c.queue.Seal(c.ctx, fast, "success", []byte("{}")))
}

func (c *city) claimKey() []byte {
	private, err := keyring.NewPrivateKey()
	c.must(err)
	return private.Public().Bytes()
}

// TestGivenUpWorkIsNotTheJobsFault ends a run that three workers lost: the job is killed as interrupted and
// its budget given back (I11).
func TestGivenUpWorkIsNotTheJobsFault(t *testing.T) {
	c := newCity(t, plenty())
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	for range 3 {
		claimed, ok, err := c.queue.Claim(c.ctx, "dying", c.claimKey(), time.Hour, []task.Runtime{task.GVisor})
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		c.sql("update work set lease_until = now() - interval '1 second' where id = '" + claimed.ID + "'")
	}
	c.turns()
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	g, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, c.grant.Number)
	c.must(err)
	if j.State != string(job.Killed) || j.Stopped != "platform.interrupted" || g.RunsLeft != plenty().Runs || g.RowsLeft != plenty().Rows {
		t.Errorf("job %s (%s), %d runs and %d rows left", j.State, j.Stopped, g.RunsLeft, g.RowsLeft)
	}
}

// interrupted lets a worker give back the next piece of work by no fault of its own, and its pause pass.
func (c *city) interrupted() {
	c.t.Helper()
	c.work(func(work.Letter, work.Keys) (string, work.Result) { return "interrupted", work.Result{} })
	c.sql("update work set lease_until = now() - interval '1 second' where state = 'claimed'")
}

// TestInterruptedWorkIsDoneAgain: what a worker gave back twice a third one ends, and the job never hears of it; a
// third interruption ends it (I11).
func TestInterruptedWorkIsDoneAgain(t *testing.T) {
	c := newCity(t, plenty())
	shown := func(number string) job.View {
		t.Helper()
		j, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, number)
		c.must(err)
		return j
	}
	whole, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	before := shown(whole.Number)
	c.interrupted()
	c.interrupted()
	if got := shown(whole.Number); got.State != before.State || got.Stopped != "" {
		t.Fatalf("after two interruptions: %s (%s)", got.State, got.Stopped)
	}
	c.check()
	if got := shown(whole.Number); got.State != string(job.Checked) {
		t.Fatalf("after the third attempt: %s (%s)", got.State, got.Stopped)
	}
	broken, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	for range 3 {
		c.interrupted()
	}
	if got := shown(broken.Number); got.State != string(job.Killed) || got.Stopped != "platform.interrupted" {
		t.Fatalf("after three interruptions: %s (%s)", got.State, got.Stopped)
	}
}

// TestFreezeStopsWhatRuns ends queued and running jobs in the transaction of the freeze, tells their workers,
// and refuses what comes after (invariant 10).
func TestFreezeStopsWhatRuns(t *testing.T) {
	c := newCity(t, plenty())
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	claimed, ok, err := c.queue.Claim(c.ctx, "busy", c.claimKey(), time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	c.turns()
	_, err = c.serve.Datasets.Freeze(c.ctx, c.steward.Subject, slug)
	c.must(err)
	standing, err := c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	c.must(err)
	if standing.Stop == nil || *standing.Stop != "dataset.frozen" {
		t.Errorf("the worker is told %v", standing.Stop)
	}
	// What a worker seals after all does not count.
	body, err := json.Marshal(work.Result{Check: &task.CheckReport{}})
	c.must(err)
	c.must(c.queue.Seal(c.ctx, claimed, "success", body))
	c.turns()
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	if j.State != string(job.Killed) || j.Stopped != "dataset.frozen" {
		t.Errorf("the job is %s (%s)", j.State, j.Stopped)
	}
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "dataset.frozen" {
		t.Errorf("a later submit: got %q", code(err))
	}
	_, err = c.serve.Datasets.Thaw(c.ctx, c.steward.Subject, slug)
	c.must(err)
	_, err = c.serve.Datasets.Withdraw(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "version.withdrawn" {
		t.Errorf("a submit on a withdrawn version: got %q", code(err))
	}
}

// TestWhatEndedIsNotStopped: a pre-check that has told its answer has ended, in the state in which a run waits for consent.
// It is none of what ends with a grant or a dataset, before or after.
func TestWhatEndedIsNotStopped(t *testing.T) {
	c := newCity(t, plenty())
	told, err := c.serve.Jobs.Check(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.checked()
	waits, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.checked()
	stops, err := c.serve.Datasets.Stops(c.ctx, c.steward.Subject, slug)
	c.must(err)
	if len(stops) != 1 || stops[0].Number != waits.Number {
		t.Errorf("a freeze would stop %+v", stops)
	}
	_, err = c.serve.Datasets.Freeze(c.ctx, c.steward.Subject, slug)
	c.must(err)
	for number, want := range map[string]flow.State{told.Number: job.Checked, waits.Number: job.Killed} {
		j, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, number)
		c.must(err)
		if j.State != string(want) || j.EndedAt == nil {
			t.Errorf("%s is %s, want %s", number, j.State, want)
		}
	}
}

// TestJobsEndWithTheirAuthor: a removed member's live jobs end in the transaction of the removal, and those of an
// organization that is no operator any more in the transaction of that; other people's go on until then.
func TestJobsEndWithTheirAuthor(t *testing.T) {
	c := newCity(t, plenty())
	colleague := c.colleague(c.developer, org.Developer)
	var numbers []string
	for _, author := range []person{colleague, c.developer} {
		j, err := c.serve.Jobs.Submit(c.ctx, author.Subject, c.pack(c.grant.Number))
		c.must(err)
		numbers = append(numbers, j.Number)
	}
	claimed, ok, err := c.queue.Claim(c.ctx, "busy", c.claimKey(), time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	c.move(colleague, nil, false)
	standing, err := c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	c.must(err)
	if standing.Stop == nil || *standing.Stop != "member.removed" {
		t.Errorf("the worker is told %v", standing.Stop)
	}
	c.ended(numbers[0], "member.removed")
	c.ended(numbers[1], "")
	operator := c.developer.home
	_, err = c.serve.Orgs.EndCapacity(c.ctx, c.admin.Subject, operator, org.Operator)
	c.must(err)
	c.ended(numbers[1], "capacity.ended")
}

// ended holds that a job was stopped for a reason, or is live when there is none.
func (c *city) ended(number, reason string) {
	c.t.Helper()
	var row postgres.Job
	c.tx(func(tx *postgres.Tx) (err error) {
		row, err = tx.Job(c.ctx, number)
		return err
	})
	if told := told(row.Stopped); told != reason || (row.State == string(job.Killed)) != (reason != "") {
		c.t.Errorf("%s is %s (%q), want it stopped for %q", number, row.State, told, reason)
	}
}

func told(reason *string) string {
	if reason == nil {
		return ""
	}
	return *reason
}

// TestVotesAreSealed keeps a vote from the other seat until both are in, and lets the worse vote win.
func TestVotesAreSealed(t *testing.T) {
	c := newCity(t, plenty())
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Reject))
	seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
	c.must(err)
	if len(seen.Voted) != 1 || len(seen.Votes) != 0 {
		t.Errorf("the other seat sees %v", seen.Votes)
	}
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	c.turns()
	seen, err = c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
	c.must(err)
	if len(seen.Votes) != 2 || seen.State != "rejected" || seen.Release != "" {
		t.Errorf("after both: %d votes, %s, release %q", len(seen.Votes), seen.State, seen.Release)
	}
}

// TestOutputsMustBeCompared refuses the review of an output whose run did not know of another one that came
// under review on the same dataset since.
func TestOutputsMustBeCompared(t *testing.T) {
	c := newCity(t, plenty())
	one, two := c.ran(c.grant.Number), c.ran(c.grant.Number)
	_, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: one.Number, Output: "by_health"})
	c.must(err)
	_, err = c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: two.Number, Output: "by_health"})
	if code(err) != "difference.not_compared" {
		t.Errorf("got %q", code(err))
	}
	three := c.ran(c.grant.Number) // this one is told apart from the first
	_, err = c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: three.Number, Output: "by_health"})
	c.must(err)
}

// TestNoValuesBeforeRelease gives the table to the agency's seat only.
func TestNoValuesBeforeRelease(t *testing.T) {
	c := newCity(t, plenty())
	j := c.ran(c.grant.Number)
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	go func() {
		for ctx.Err() == nil {
			if _, err := c.keeper.Turn(ctx); err != nil && ctx.Err() == nil {
				c.t.Error(err)
			}
		}
	}()
	_, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health"})
	c.must(err)
	for _, p := range []person{c.developer, c.officer, c.steward, c.chief} {
		if _, err := c.serve.Outputs.Fetch(c.ctx, p.Subject, j.Number, "by_health"); err == nil {
			t.Errorf("%v got values", p.Roles)
		}
	}
	body, err := c.serve.Outputs.Fetch(c.ctx, c.reviewer.Subject, j.Number, "by_health")
	c.must(err)
	if !strings.HasPrefix(string(body), "health,people\n") {
		t.Errorf("got %q", body)
	}
}
