package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
)

// verdicts stands for a launcher that says what the test lets it say.
type verdicts struct {
	mu     sync.Mutex
	p      []sandbox.Proof
	silent bool
}

func (v *verdicts) fallSilent(silent bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.silent = silent
}

func (v *verdicts) say(p ...sandbox.Proof) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.p = p
}

func (v *verdicts) Proofs(context.Context, bool) ([]sandbox.Proof, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.silent {
		return nil, errors.New("no answer")
	}
	return v.p, nil
}

// counting is a queue that is empty, and counts.
type counting struct {
	claims chan []task.Runtime // what the last claim was for
	told   chan postgres.SelfTest
}

func (q counting) Claim(_ context.Context, _ string, _ []byte, _ time.Duration, under []task.Runtime) (postgres.Claimed, bool, error) {
	select {
	case q.claims <- under:
	default:
	}
	return postgres.Claimed{}, false, nil
}

func (counting) Append(context.Context, postgres.Claimed, string, json.RawMessage, time.Duration) (postgres.Standing, error) {
	return postgres.Standing{}, postgres.ErrLost
}

func (counting) Seal(context.Context, postgres.Claimed, string, json.RawMessage) error {
	return postgres.ErrLost
}

func (q counting) Tell(_ context.Context, s postgres.SelfTest) error {
	q.told <- s
	return nil
}

// proof is a verdict in which everything holds but what is named.
func proof(id string, broken ...task.Canary) sandbox.Proof {
	p := sandbox.Proof{ID: id}
	for _, c := range task.Canaries() {
		held := true
		for _, b := range broken {
			held = held && b != c
		}
		p.Tried = append(p.Tried, task.Tried{Canary: c, Held: held})
	}
	return p
}

// A worker claims nothing before its runtime is proved, and tells each verdict once.
func TestUnprovedWorkersClaimNothing(t *testing.T) {
	v := &verdicts{p: []sandbox.Proof{proof("first", task.Memory)}}
	q := counting{claims: make(chan []task.Runtime, 1), told: make(chan postgres.SelfTest, 10)}
	w := &sandbox.Worker{Dir: t.TempDir(), Queue: q, Prover: v, Log: slog.New(slog.DiscardHandler), Beat: time.Millisecond, Pause: time.Millisecond}
	var unproved *sandbox.UnprovedError
	if err := w.Standing(); !errors.As(err, &unproved) {
		t.Fatalf("a worker nobody has tested: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.Serve(ctx) }()
	if told := <-q.told; told.ID != "first" || len(told.Broken) != 1 || told.Broken[0] != "memory" {
		t.Errorf("it told %+v", told)
	}
	if len(q.claims) > 0 || w.Standing() == nil {
		t.Error("it claims under a runtime without a bound of memory")
	}
	v.say(proof("second"))
	if told := <-q.told; told.ID != "second" || len(told.Broken) != 0 {
		t.Errorf("it told %+v", told)
	}
	<-q.claims
	if err := w.Standing(); err != nil {
		t.Errorf("a proved worker: %v", err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if len(q.told) > 0 {
		t.Errorf("it told a verdict twice: %+v", <-q.told)
	}
}

// A worker claims for each runtime that is proved, the stronger wall first, and for no other.
func TestWorkersClaimForWhatIsProved(t *testing.T) {
	runc := func(p sandbox.Proof) sandbox.Proof { p.Runtime = task.Runc; return p }
	for what, c := range map[string]struct {
		proofs []sandbox.Proof
		want   []task.Runtime
	}{
		"both":         {[]sandbox.Proof{proof("a"), runc(proof("b"))}, []task.Runtime{task.GVisor, task.Runc}},
		"gVisor alone": {[]sandbox.Proof{proof("a"), runc(proof("b", task.Calls))}, []task.Runtime{task.GVisor}},
		"runc alone":   {[]sandbox.Proof{proof("a", task.Calls), runc(proof("b"))}, []task.Runtime{task.Runc}},
	} {
		t.Run(what, func(t *testing.T) {
			q := counting{claims: make(chan []task.Runtime, 1), told: make(chan postgres.SelfTest, 10)}
			w := &sandbox.Worker{Dir: t.TempDir(), Queue: q, Prover: &verdicts{p: c.proofs}, Log: slog.New(slog.DiscardHandler), Beat: time.Millisecond, Pause: time.Millisecond}
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- w.Serve(ctx) }()
			if got := <-q.claims; !slices.Equal(got, c.want) {
				t.Errorf("it claims for %v, want %v", got, c.want)
			}
			stop()
			if err := <-served; err != nil || len(q.told) != len(c.proofs) {
				t.Errorf("told %d verdicts of %d, %v", len(q.told), len(c.proofs), err)
			}
		})
	}
}

// A worker whose engine does not answer claims nothing until it does again.
func TestWorkersOfSilentEnginesClaimNothing(t *testing.T) {
	v := &verdicts{p: []sandbox.Proof{proof("first")}}
	q := counting{claims: make(chan []task.Runtime, 1), told: make(chan postgres.SelfTest, 100)}
	w := &sandbox.Worker{Dir: t.TempDir(), Queue: q, Prover: v, Log: slog.New(slog.DiscardHandler), Beat: time.Millisecond, Pause: time.Millisecond}
	go func() { _ = w.Serve(t.Context()) }()
	standing := func(want bool) {
		t.Helper()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for limit := time.After(time.Minute); (w.Standing() == nil) != want; {
			select {
			case <-tick.C:
			case <-limit:
				t.Fatalf("it never stood otherwise than %v", w.Standing())
			}
		}
	}
	standing(true)
	v.fallSilent(true)
	standing(false)
	v.fallSilent(false)
	standing(true)
	<-q.claims
}

// mute is a queue that answers nothing but the first verdict.
type mute struct {
	counting
	asked *atomic.Int64 // claims
}

func (q mute) Claim(ctx context.Context, _ string, _ []byte, _ time.Duration, _ []task.Runtime) (postgres.Claimed, bool, error) {
	q.asked.Add(1)
	<-ctx.Done()
	return postgres.Claimed{}, false, ctx.Err()
}

func (q mute) Tell(ctx context.Context, s postgres.SelfTest) error {
	if s.ID == "first" {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// A record that does not answer holds up neither a slot nor a verdict: what does not hold counts.
func TestSilentRecordsHoldNothingUp(t *testing.T) {
	t.Parallel()
	v := &verdicts{p: []sandbox.Proof{proof("first")}}
	q := mute{asked: new(atomic.Int64)}
	w := &sandbox.Worker{
		Dir: t.TempDir(), Queue: q, Prover: v, Log: slog.New(slog.DiscardHandler),
		Lease: time.Millisecond, Beat: time.Millisecond, Pause: time.Millisecond,
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- w.Serve(ctx) }()
	until(t, "a second claim", func() bool { return q.asked.Load() > 1 })
	v.say(proof("second", task.Memory))
	until(t, "the verdict to count", func() bool { return w.Standing() != nil })
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A verdict that lacks a canary proves nothing.
func TestEveryCanaryMustBeTried(t *testing.T) {
	p := proof("short")
	p.Tried = p.Tried[1:]
	if p.Holds() || len(p.Broken()) != 1 || p.Broken()[0] != task.Canaries()[0] {
		t.Errorf("broken: %v", p.Broken())
	}
}
