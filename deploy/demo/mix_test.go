//go:build faults

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/client"
)

// mix is a city under a random load while parts of it die and stop.
type mix struct {
	*drill
	seed  uint64
	until time.Time
	soak  bool // the processes whose vitals are watched live on

	mu     sync.Mutex
	told   history
	grants []string // newest last: the last one is in force
}

// TestMix plays a random mix of submits, approvals, votes and revocations while parts are killed and stopped, for
// MIX_MINUTES from the seed MIX_SEED (of what everybody does and when; not of how long the machine takes), and holds what people were told and what is on record against the model. With
// MIX_SOAK set, gateway, keeper and worker are only stopped, and must not have grown in the end.
func TestMix(t *testing.T) {
	minutes, seed := setting("MIX_MINUTES", 5), setting("MIX_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("MIX_SEED=%d MIX_MINUTES=%d", seed, minutes)
	m := &mix{
		drill: newDrill(t, filepath.Join(t.TempDir(), "data")), told: newHistory(), soak: os.Getenv("MIX_SOAK") != "",
		seed: uint64(seed),
	}
	m.until = time.Now().Add(time.Duration(minutes) * time.Minute)
	m.newGrant()
	var all sync.WaitGroup
	for stream, life := range []func(*rand.Rand){m.submits, m.submits, m.people, m.revokes, m.breaks} {
		dice := rand.New(rand.NewPCG(m.seed, uint64(stream)))
		all.Go(func() { life(dice) })
	}
	var v *vitals
	if m.soak {
		v = m.watch()
	}
	all.Wait()
	m.rest()
	for _, fault := range m.told.broken(m.record()) {
		t.Error(fault)
	}
	m.fsck()
	if v != nil {
		v.flat(t)
	}
	tell(t, fmt.Sprintf("random mix of %d minutes, seed %d", minutes, seed), fmt.Sprintf("%d jobs, %d crashes, as the model says", len(m.told.shown), len(m.crashes)))
}

// number reads a setting of a run.
func setting(key string, standard int) int {
	if n, err := strconv.Atoi(os.Getenv(key)); err == nil {
		return n
	}
	return standard
}

// again does something at random times, least apart, while the mix lasts.
func (m *mix) again(dice *rand.Rand, least time.Duration, do func()) {
	for time.Now().Before(m.until) && m.ctx.Err() == nil {
		if pause(m.ctx, least+least*time.Duration(dice.IntN(100))/100) != nil {
			return
		}
		do()
	}
}

// must notes what may never come of a call: an answer that is no refusal and no loss of the connection. What was
// refused or lost is nobody's fault in a mix.
func (m *mix) must(doing string, err error) bool {
	var p *client.Problem
	if errors.As(err, &p) && p.Status == 500 {
		m.t.Errorf("%s: %v", doing, err)
	}
	return err == nil
}

// newGrant puts another grant in force.
func (m *mix) newGrant() {
	spec := m.grantSpec("plan", "health", "visits")
	spec.Scope.Budget = grant.Budget{Runs: 100_000, Rows: 1 << 40}
	g, err := m.developer.Grants.Propose(m.ctx, spec)
	if m.must("proposing", err) {
		if _, err = m.chief.Grants.Approve(m.ctx, g.Number); m.must("granting", err) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.grants = append(m.grants, g.Number)
		}
	}
}

// mostUnderWay is how many jobs may wait or run before nobody submits another: the load is what the machine can do.
const mostUnderWay = 8

// room returns the grant in force, and whether another job may be submitted.
func (m *mix) room() (under string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	underWay := 0
	for _, states := range m.told.shown {
		if last := states[len(states)-1]; !job.Flow().Ended(last) && last != job.OutputQuarantined {
			underWay++
		}
	}
	return m.grants[len(m.grants)-1], underWay < mostUnderWay
}

// submits submits jobs under the grant in force.
func (m *mix) submits(dice *rand.Rand) {
	m.again(dice, 3*time.Second, func() {
		under, ok := m.room()
		if !ok {
			return
		}
		p, err := m.packaged("visits-by-cover")
		if err != nil {
			m.t.Error(err)
			return
		}
		p.Inputs[0].Grant = name.Number(under)
		j, err := m.developer.Jobs.Submit(m.ctx, p)
		if !m.must("submitting", err) {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.told.show(j.Number, flow.State(j.State))
		m.told.under[j.Number] = under
	})
}

// people do what waits for them, job by job, as they are shown it.
func (m *mix) people(dice *rand.Rand) {
	m.again(dice, time.Second, func() {
		all, err := m.developer.Jobs.List(m.ctx)
		if !m.must("listing", err) {
			return
		}
		for _, j := range all {
			m.mu.Lock()
			_, ours := m.told.under[j.Number]
			if ours {
				m.told.show(j.Number, flow.State(j.State))
			}
			m.mu.Unlock()
			if ours {
				m.turn(j, dice)
			}
		}
		m.votes(dice)
	})
}

// turn does what a job waits for.
func (m *mix) turn(j job.View, dice *rand.Rand) {
	state := flow.State(j.State)
	if state == job.Checked || state == job.Approved {
		if dice.IntN(12) == 0 {
			if _, err := m.developer.Jobs.Cancel(m.ctx, j.Number); m.must("canceling", err) {
				m.mu.Lock()
				m.told.canceled[j.Number] = true
				m.mu.Unlock()
			}
			return
		}
		for _, seat := range []*persona{m.officer, m.chief} {
			_, err := seat.Jobs.Approve(m.ctx, j.Number)
			m.must("approving", err)
		}
	}
	if state == job.OutputQuarantined {
		r, err := m.developer.Requests.Open(m.ctx, output.RequestSpec{Job: j.Number, Output: "visits_by_cover", Context: "A mix."})
		if m.must("opening", err) {
			m.mu.Lock()
			m.told.of[r.Number] = j.Number
			m.mu.Unlock()
		}
	}
}

// votes lets both seats vote on what is under review, seldom against it.
func (m *mix) votes(dice *rand.Rand) {
	all, err := m.reviewer.Requests.List(m.ctx)
	if !m.must("listing requests", err) {
		return
	}
	for _, r := range all {
		if r.State != string(output.InReview) {
			continue
		}
		for _, one := range []struct {
			seat output.Seat
			by   *persona
		}{{output.OperatorSeat, m.officer}, {output.AgencySeat, m.reviewer}} {
			choice, text := output.Approve, ""
			if dice.IntN(8) == 0 {
				choice, text = output.Reject, "too coarse for what it is for"
			}
			if _, err := one.by.Requests.VoteSaying(m.ctx, r.Number, one.seat, choice, text); m.must("voting", err) {
				m.mu.Lock()
				m.told.votes[r.Number] = append(m.told.votes[r.Number], choice)
				m.mu.Unlock()
			}
		}
	}
}

// revokes ends the grant in force from time to time, once another is there.
func (m *mix) revokes(dice *rand.Rand) {
	m.again(dice, 40*time.Second, func() {
		m.mu.Lock()
		old := m.grants[len(m.grants)-1]
		m.mu.Unlock()
		m.newGrant()
		if _, err := m.chief.Grants.Revoke(m.ctx, old); m.must("revoking", err) {
			m.mu.Lock()
			m.told.revoked[old] = time.Now()
			m.mu.Unlock()
		}
	})
}

// breaks kills a part, or stops it for some seconds.
func (m *mix) breaks(dice *rand.Rand) {
	stopped := append(victims(), "launcher")
	killed := stopped
	if m.soak {
		killed = []string{"dockerd", "postgres", "store", "launcher"}
	}
	m.again(dice, 12*time.Second, func() {
		if dice.IntN(2) == 0 {
			m.kill(killed[dice.IntN(len(killed))])
			return
		}
		part := stopped[dice.IntN(len(stopped))]
		m.signal(part, syscall.SIGSTOP)
		_ = pause(m.ctx, time.Duration(1+dice.IntN(8))*time.Second) // it goes on however the pause ends
		m.signal(part, syscall.SIGCONT)
	})
}

// rest lets everything under way come to its end.
func (m *mix) rest() {
	m.t.Helper()
	for number := range m.told.under {
		m.settles(number)
	}
	m.await("every review to be decided", func() (bool, error) {
		return m.asked("select count(*) from release where state = 'releasing'") == "0", nil
	})
}

// record reads what there is in the end.
func (m *mix) record() record {
	m.t.Helper()
	r := record{jobs: map[string]flow.State{}}
	for _, j := range m.listed() {
		r.jobs[j.Number] = flow.State(j.State)
	}
	ctx, cancel := context.WithTimeout(m.ctx, recovery)
	defer cancel()
	all, err := m.reviewer.Releases.List(ctx)
	must(m.t, err)
	for _, l := range all {
		one := left{number: l.Number, request: l.Request, state: l.State}
		if l.ReleasedAt != nil {
			one.at = *l.ReleasedAt
		}
		r.releases = append(r.releases, one)
	}
	return r
}
