package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
)

// UnprovedError says why a worker claims nothing: canaries of its runtimes that did not hold, none tried yet, or an
// engine that does not answer.
type UnprovedError struct{ Proofs []Proof }

// Error implements error. It names canaries, and what was seen of the machine: it is for the machine's own log.
func (e *UnprovedError) Error() string {
	if len(e.Proofs) == 0 {
		return "the runtime has not been tested, or its engine does not answer"
	}
	all := make([]string, 0, len(e.Proofs))
	for _, p := range e.Proofs {
		all = append(all, string(p.Runtime.Or())+": "+p.Why())
	}
	return "no runtime takes jobs: " + strings.Join(all, "; ")
}

// Standing is nil when the worker may claim: a runtime was tested and every canary held.
func (w *Worker) Standing() error {
	if w.Prover == nil || len(w.runtimes()) > 0 {
		return nil
	}
	e := &UnprovedError{}
	if p := w.proved.Load(); p != nil {
		e.Proofs = *p
	}
	return e
}

// runtimes are those the worker may use, the stronger wall first. One nobody can test has gVisor alone.
func (w *Worker) runtimes() []task.Runtime {
	if w.Prover == nil {
		return []task.Runtime{task.GVisor}
	}
	if p := w.proved.Load(); p != nil {
		return proven(*p)
	}
	return nil
}

// Prove has the runtimes tested again and tells what came of it.
func (w *Worker) Prove(ctx context.Context) ([]Proof, error) {
	p, err := w.Prover.Proofs(ctx, true)
	if err != nil {
		return p, fmt.Errorf("testing the runtimes: %w", err)
	}
	return p, w.learn(ctx, p)
}

// watch asks again and again what is proved, so that a verdict counts within a beat. While nobody answers nothing is
// claimed: an engine that hangs would only use up the attempts of whatever waits.
func (w *Worker) watch(ctx context.Context) {
	for ctx.Err() == nil {
		p, err := w.Prover.Proofs(ctx, false)
		if err != nil {
			w.proved.Store(nil)
		} else {
			err = w.learn(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "asking about the runtimes failed", "err", err)
		}
		wait(ctx, w.Beat)
	}
}

// learn takes verdicts and tells the new ones. One that could not be told is told with the next beat; what does not
// hold counts at once, what holds counts only when it was told.
func (w *Worker) learn(ctx context.Context, found []Proof) error {
	w.learning.Lock()
	defer w.learning.Unlock()
	var before, known []Proof
	if p := w.proved.Load(); p != nil {
		before = *p
	}
	var failed error
	for _, p := range found {
		if slices.ContainsFunc(before, func(b Proof) bool { return b.ID == p.ID }) {
			known = append(known, p)
			continue
		}
		if !p.Holds() {
			w.Log.ErrorContext(ctx, "the runtime takes no jobs: a bound does not hold", "runtime", p.Runtime.Or(), "why", p.Why())
		}
		if err := w.tell(ctx, p); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		known = append(known, p)
	}
	w.proved.Store(&known)
	return failed
}

func (w *Worker) tell(ctx context.Context, p Proof) error {
	told := postgres.SelfTest{
		ID: p.ID, Worker: w.Name, Runtime: string(p.Runtime.Or()), Digest: p.Of, MadeAt: p.At, Broken: []string{},
	}
	for _, c := range p.Broken() {
		told.Broken = append(told.Broken, string(c))
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin) // a record that hangs must not keep a verdict from counting
	defer cancel()
	return w.Queue.Tell(ctx, told)
}
