package sandbox

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// UnprovedError says why a worker claims nothing: canaries of its runtime that did not hold, none tried yet, or an engine
// that does not answer.
type UnprovedError struct{ Proof Proof }

// Error implements error. It names canaries, and what was seen of the machine: it is for the machine's own log.
func (e *UnprovedError) Error() string {
	if e.Proof.ID == "" {
		return "the runtime has not been tested, or its engine does not answer"
	}
	return "the runtime takes no jobs: " + e.Proof.Why()
}

// Standing is nil when the worker may claim: its runtime was tested and every canary held.
func (w *Worker) Standing() error {
	if w.Prover == nil {
		return nil
	}
	p := w.proved.Load()
	if p == nil {
		return &UnprovedError{}
	}
	if !p.Holds() {
		return &UnprovedError{Proof: *p}
	}
	return nil
}

// Prove has the runtime tested again and tells what came of it.
func (w *Worker) Prove(ctx context.Context) (Proof, error) {
	p, err := w.Prover.Proof(ctx, true)
	if err != nil {
		return p, fmt.Errorf("testing the runtime: %w", err)
	}
	return p, w.learn(ctx, p)
}

// watch asks again and again what is proved, so that a verdict counts within a beat. While nobody answers nothing is
// claimed: an engine that hangs would only use up the attempts of whatever waits.
func (w *Worker) watch(ctx context.Context) {
	for ctx.Err() == nil {
		p, err := w.Prover.Proof(ctx, false)
		if err != nil {
			w.proved.Store(nil)
		} else {
			err = w.learn(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "asking about the runtime failed", "err", err)
		}
		wait(ctx, w.Beat)
	}
}

// learn takes a verdict and tells it where it is new. One that could not be told is told with the next beat; what
// does not hold counts at once, what holds counts only when it was told.
func (w *Worker) learn(ctx context.Context, p Proof) error {
	before := w.proved.Load()
	if before != nil && before.ID == p.ID {
		return nil
	}
	if !p.Holds() {
		w.Log.ErrorContext(ctx, "no jobs are taken: a bound of the runtime does not hold", "why", p.Why())
	}
	told := postgres.SelfTest{ID: p.ID, Worker: w.Name, Runtime: p.Runtime, Digest: p.Of, MadeAt: p.At, Broken: []string{}}
	for _, c := range p.Broken() {
		told.Broken = append(told.Broken, string(c))
	}
	if err := w.Queue.Tell(ctx, told); err != nil {
		if !p.Holds() {
			w.proved.CompareAndSwap(before, &Proof{})
		}
		return err
	}
	w.proved.Store(&p)
	return nil
}
