//go:build faults

package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
)

// victims are the parts that die, each in every state.
func victims() []string { return []string{"worker", "serve", "dockerd", "postgres", "store", "keeper"} }

// TestKilledInEachState takes jobs from their submit to their release while one part is killed in every state on the
// way: before the outside effect of what is under way, and after it but before its commit.
func TestKilledInEachState(t *testing.T) {
	d := newDrill(t, filepath.Join(t.TempDir(), "data"))
	for _, victim := range victims() {
		for _, after := range []bool{false, true} {
			when := "before"
			if after {
				when = "after"
			}
			t.Run(victim+" "+when, func(t *testing.T) {
				defer d.in(t)()
				k := &killing{drill: d, victim: victim, after: after}
				k.life()
				d.endsWell()
				if want := len(moments()); k.kills != want {
					t.Errorf("%d kills in %d states", k.kills, want)
				}
				tell(t, victim+" killed "+when+" the effect, in each state", fmt.Sprintf("%d kills, released once", k.kills))
			})
		}
	}
}

// in has a drill speak for a subtest, until what it returns is called.
func (d *drill) in(t *testing.T) (back func()) {
	outer := d.t
	d.t = t
	return func() {
		d.t = outer
		if t.Failed() { // the next one begins with an instance that runs
			_ = d.up.stop()
			d.crashes, d.jobs = nil, nil // told already
			d.start()
		}
	}
}

// tell prints a line of the table of drills.
func tell(t *testing.T, what, outcome string) {
	t.Helper()
	if t.Failed() {
		outcome = "DIFFERS"
	}
	t.Logf("DRILL  %-70s  %s", what, outcome)
}

// killing is one job's life in which one part dies again and again.
type killing struct {
	*drill
	victim string
	after  bool // the effect, before its commit
	kills  int

	number, request string
}

// die kills the victim.
func (k *killing) die() {
	k.t.Helper()
	k.kills++
	k.t.Logf("%s dies (%d)", k.victim, k.kills)
	k.kill(k.victim)
}

// life is a job's, in the order of moments(). Nobody waits for the supervisor's forgiveness while something is under way
// or stopped.
func (k *killing) life() {
	k.t.Helper()
	k.breathe(2)
	// Nobody takes the check before its number is known here: a submit that is sent again comes back late.
	k.act("submit", func() { k.signal("worker", syscall.SIGSTOP) }, func() error {
		p, err := k.packaged("visits-by-cover")
		if err != nil {
			return err
		}
		j, err := k.developer.Jobs.Submit(k.ctx, p)
		k.number = j.Number
		return err
	})
	k.jobs = append(k.jobs, k.number)
	k.signal("worker", syscall.SIGCONT)
	k.sealing("check")
	k.reaches(k.number, job.Checked)
	k.act("approve", nil, func() error { _, err := k.officer.Jobs.Approve(k.ctx, k.number); return err })
	k.breathe(4)
	k.queued()
	outputs := k.hold(unwritten("output"))
	k.sealing("run")
	outputs.keep()
	outputs.waits("keeper", "")
	k.die()
	outputs.letGo()
	k.reaches(k.number, job.OutputQuarantined)
	k.act("open", nil, func() error {
		r, err := k.developer.Requests.Open(k.ctx, output.RequestSpec{Job: k.number, Output: "visits_by_cover", Context: "A drill."})
		k.request = r.Number
		return err
	})
	k.act("vote", nil, k.votes(k.officer, output.OperatorSeat))
	k.breathe(3)
	k.leaving()
	k.released(k.request)
}

// votes has the seat look first: the vote alone is what is cut.
func (k *killing) votes(by *persona, seat output.Seat) func() error {
	k.t.Helper()
	statement, err := by.Requests.Statement(k.ctx, k.request, seat, output.Approve)
	must(k.t, err)
	return func() error { _, err := by.Requests.Cast(k.ctx, k.request, statement, ""); return err }
}

// act has somebody act while the victim is dead, or dies once the act waits for nothing but its commit. What must be
// ready before the act counts is done by arm.
func (k *killing) act(what string, arm func(), act func() error) {
	k.t.Helper()
	if arm == nil {
		arm = func() {}
	}
	if !k.after {
		k.die()
		arm()
		must(k.t, act())
		return
	}
	commit := k.hold(unwritten("trace_pending"))
	done := make(chan error, 1)
	go func() { done <- act() }()
	commit.waits("serve", "")
	k.die()
	arm()
	commit.letGo()
	if err := <-done; err != nil {
		k.t.Fatalf("%s: %v", what, err)
	}
}

// queued has the second approval queue the run while nobody claims it, or nobody admits what is claimed.
func (k *killing) queued() {
	k.t.Helper()
	stopped := "worker"
	if k.after {
		stopped = "keeper"
	}
	k.act("approve", func() { k.signal(stopped, syscall.SIGSTOP) }, func() error { _, err := k.chief.Jobs.Approve(k.ctx, k.number); return err })
	want := "queued"
	if k.after {
		want = "claimed"
	}
	k.await("the run to be "+want, func() (bool, error) { return k.work("run", "state") == want, nil })
	k.die()
	k.signal(stopped, syscall.SIGCONT)
}

// work reads a column of the job's newest work of a kind.
func (k *killing) work(kind, column string) string {
	k.t.Helper()
	return k.asked(fmt.Sprintf("select w.%s from work w join job j on j.id = w.subject where j.number = '%s' and w.kind = '%s' order by w.queued_at desc limit 1",
		column, k.number, kind))
}

// sealing kills the victim while work runs in containers, or when its worker comes to seal it.
func (k *killing) sealing(kind string) {
	k.t.Helper()
	if !k.after {
		k.await(kind+" to be under way", func() (bool, error) { return k.underWay(kind), nil })
		k.die()
		return
	}
	k.gateSeals()
	sealed := k.hold(sealsGate)
	k.await(kind+" to be under way", func() (bool, error) { return k.underWay(kind), nil })
	sealed.waits("worker", "worker_seal")
	k.die()
	sealed.letGo()
}

// underWay tells whether a living worker has the job's newest work of a kind, and its keys. What was given back keeps
// all but these.
func (k *killing) underWay(kind string) bool {
	k.t.Helper()
	want := fmt.Sprintf("claimed true true worker-%d", k.pid("worker")) // not one that has died
	return k.work(kind, "state || ' ' || w.admitted || ' ' || (w.keys is not null) || ' ' || w.worker") == want
}

// leaving is the way from the second vote to the release: the keeper alone works.
func (k *killing) leaving() {
	k.t.Helper()
	var intent, place *hold
	k.act("vote", func() { intent = k.hold(unwritten("release")) }, k.votes(k.reviewer, output.AgencySeat))
	intent.keep()
	intent.waits("keeper", "")
	if k.victim != "keeper" {
		k.signal("keeper", syscall.SIGSTOP)
	}
	k.die()
	place = k.hold(logHead)
	intent.letGo()
	if k.victim != "keeper" {
		k.signal("keeper", syscall.SIGCONT)
	}
	place.waits("keeper", "trace_head")
	if !k.after {
		k.die()
		place.letGo()
		return
	}
	copied := k.hold(unwritten("release"))
	place.letGo()
	copied.waits("keeper", "release")
	k.die()
	copied.letGo()
}
