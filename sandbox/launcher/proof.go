package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
)

// proofAge is how long a verdict counts for a runtime that is still the same.
const proofAge = 24 * time.Hour

// A verdict that does not hold keeps a runtime from being tested once more for proofAgain, or, where nothing was found
// out, for proofSoon: what failed then was an engine that died, hung or had too much to do.
const (
	proofAgain = 10 * time.Minute
	proofSoon  = 30 * time.Second
)

var _ sandbox.Prover = (*Launcher)(nil)

// runtimes are those the machine offers, the stronger wall first.
func (l *Launcher) runtimes() []task.Runtime {
	if l.opt.Runc {
		return task.Runtimes()
	}
	return []task.Runtime{task.GVisor}
}

// Proofs implements sandbox.Prover. Where there is no verdict yet the first who asks waits for the test, so that a
// launcher serves at once. Tests do not run beside each other; runs go on under the last verdict until a new one is
// there. A verdict is of use only while the engine answers: of one that does not it is Unavailable.
func (l *Launcher) Proofs(ctx context.Context, anew bool) ([]sandbox.Proof, error) {
	if l.opt.Foreign {
		return nil, Invalid
	}
	l.proving.Lock()
	defer l.proving.Unlock()
	var all []sandbox.Proof
	for _, r := range l.runtimes() {
		p, err := l.proof(ctx, r, anew)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, l.keepProofs(all)
}

// proof is the verdict about one runtime: the one in force, or a new one.
func (l *Launcher) proof(ctx context.Context, r task.Runtime, anew bool) (sandbox.Proof, error) {
	if known := l.proved(r); !anew && known.ID != "" && (known.Holds() || l.opt.Now().Sub(known.At) < again(known)) {
		return known, l.answers(ctx)
	}
	p, err := l.prove(ctx, r)
	if err != nil {
		return p, errors.Join(Unavailable, err)
	}
	if !p.Holds() {
		l.opt.Log.Error("the runtime takes no jobs: a bound of the container template does not hold", "runtime", r, "why", p.Why())
	}
	l.take(p)
	return p, nil
}

// again is how long a verdict that does not hold is left alone.
func again(p sandbox.Proof) time.Duration {
	if slices.ContainsFunc(p.Tried, func(t task.Tried) bool { return t.Unknown }) {
		return proofSoon
	}
	return proofAgain
}

// answers is nil when the engine does.
func (l *Launcher) answers(ctx context.Context) error {
	if err := l.engine.Alive(ctx); err != nil {
		return errors.Join(Unavailable, err)
	}
	return nil
}

// begun takes over verdicts of these very runtimes that are not too old.
func (l *Launcher) begun(ctx context.Context) error {
	if l.opt.Foreign {
		return nil
	}
	kept := l.keptProofs()
	for _, r := range l.runtimes() {
		of, err := l.engine.Identity(ctx, r, l.image, l.opt.Share, l.opt.Limits[task.TryBounds])
		if err != nil {
			return err
		}
		for _, p := range kept {
			if p.Runtime == r && p.Of == of && p.Holds() && l.fresh(p) {
				l.take(p)
			}
		}
	}
	return nil
}

// fresh tells whether a verdict is of the last day. One from the future is of a clock that was set back.
func (l *Launcher) fresh(p sandbox.Proof) bool {
	age := l.opt.Now().Sub(p.At)
	return age >= 0 && age < proofAge
}

// unproved is the refusal of every run under a runtime whose last test did not hold.
func (l *Launcher) unproved(r task.Runtime) error {
	if l.opt.Foreign || l.proved(r).Holds() {
		return nil
	}
	return Unproved
}

func (l *Launcher) proved(r task.Runtime) sandbox.Proof {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proofs[r]
}

func (l *Launcher) take(p sandbox.Proof) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proofs[p.Runtime] = p
}

// proofFile lies beside the directory of runs, where only root writes.
func (l *Launcher) proofFile() string { return l.opt.Base + ".proof.json" }

// keptProofs is what an earlier launcher found; what cannot be read is nothing.
func (l *Launcher) keptProofs() (all []sandbox.Proof) {
	raw, err := os.ReadFile(l.proofFile())
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.opt.Log.Warn("earlier verdicts cannot be read", "error", err)
		}
		return nil
	}
	return all
}

func (l *Launcher) keepProofs(all []sandbox.Proof) error {
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("writing verdicts: %w", err)
	}
	fresh := l.proofFile() + ".new"
	if err := errors.Join(os.WriteFile(fresh, raw, 0o600), os.Rename(fresh, l.proofFile())); err != nil {
		return fmt.Errorf("keeping verdicts: %w", err)
	}
	return nil
}

// prove tests a runtime, one container after the other: beside each other they only wait for the one core.
func (l *Launcher) prove(ctx context.Context, r task.Runtime) (sandbox.Proof, error) {
	of, err := l.engine.Identity(ctx, r, l.image, l.opt.Share, l.opt.Limits[task.TryBounds])
	if err != nil {
		return sandbox.Proof{}, err
	}
	p := sandbox.Proof{ID: uuid.NewString(), Runtime: r, Of: of, At: l.opt.Now().UTC()}
	t := &trial{l: l, work: p.ID, runtime: r}
	for _, part := range []func(context.Context) []task.Tried{t.inside, t.processes, t.memory, t.spin} {
		p.Tried = append(p.Tried, part(ctx)...)
	}
	p.Tried = inOrder(append(p.Tried, t.leftovers(ctx)))
	return p, ctx.Err()
}

// inOrder sorts what was tried as the list of canaries has it.
func inOrder(tried []task.Tried) []task.Tried {
	sorted := make([]task.Tried, 0, len(tried))
	for _, c := range task.Canaries() {
		for _, t := range tried {
			if t.Canary == c {
				sorted = append(sorted, t)
			}
		}
	}
	return sorted
}

// runDir is where a run's files lie.
func (l *Launcher) runDir(key sandbox.Run) string { return filepath.Join(l.opt.Base, name(key)) }
