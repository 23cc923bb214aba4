package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// proofAge is how long a verdict counts for a runtime that is still the same.
const proofAge = 24 * time.Hour

// proofAgain is how long a verdict that does not hold keeps a runtime from being tested once more: what failed may
// have been a machine with too much to do.
const proofAgain = 10 * time.Minute

var _ sandbox.Prover = (*Launcher)(nil)

// Proof implements sandbox.Prover. Where there is no verdict yet the first who asks waits for the test, so that a
// launcher serves at once. Tests do not run beside each other; runs go on under the last verdict until a new one is
// there. A verdict is of use only while the engine answers: of one that does not it is Unavailable.
func (l *Launcher) Proof(ctx context.Context, anew bool) (sandbox.Proof, error) {
	if l.opt.Foreign {
		return sandbox.Proof{}, Invalid
	}
	l.proving.Lock()
	defer l.proving.Unlock()
	if known := l.proved(); !anew && known.ID != "" && (known.Holds() || l.opt.Now().Sub(known.At) < proofAgain) {
		return known, l.answers(ctx)
	}
	p, err := l.prove(ctx)
	if err != nil {
		return p, errors.Join(Unavailable, err)
	}
	if !p.Holds() {
		l.opt.Log.Error("the runtime takes no jobs: a bound of the container template does not hold", "why", p.Why())
	}
	l.take(p)
	return p, l.keepProof(p)
}

// answers is nil when the engine does.
func (l *Launcher) answers(ctx context.Context) error {
	if err := l.engine.Alive(ctx); err != nil {
		return errors.Join(Unavailable, err)
	}
	return nil
}

// begun takes over a verdict of this very runtime that is not too old.
func (l *Launcher) begun(ctx context.Context) error {
	if l.opt.Foreign {
		return nil
	}
	of, err := l.engine.Identity(ctx, l.image, l.opt.Limits[task.TryBounds])
	if err != nil {
		return err
	}
	if kept := l.keptProof(); kept.Of == of && kept.Holds() && l.fresh(kept) {
		l.take(kept)
	}
	return nil
}

// fresh tells whether a verdict is of the last day. One from the future is of a clock that was set back.
func (l *Launcher) fresh(p sandbox.Proof) bool {
	age := l.opt.Now().Sub(p.At)
	return age >= 0 && age < proofAge
}

// unproved is the refusal of every run while the last test did not hold.
func (l *Launcher) unproved() error {
	if l.opt.Foreign || l.proved().Holds() {
		return nil
	}
	return Unproved
}

func (l *Launcher) proved() sandbox.Proof {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proof
}

func (l *Launcher) take(p sandbox.Proof) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proof = p
}

// proofFile lies beside the directory of runs, where only root writes.
func (l *Launcher) proofFile() string { return l.opt.Base + ".proof.json" }

// keptProof is what an earlier launcher found; one that cannot be read is none.
func (l *Launcher) keptProof() (p sandbox.Proof) {
	raw, err := os.ReadFile(l.proofFile())
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.opt.Log.Warn("an earlier verdict cannot be read", "error", err)
		}
		return sandbox.Proof{}
	}
	return p
}

func (l *Launcher) keepProof(p sandbox.Proof) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("writing a verdict: %w", err)
	}
	fresh := l.proofFile() + ".new"
	if err := errors.Join(os.WriteFile(fresh, raw, 0o600), os.Rename(fresh, l.proofFile())); err != nil {
		return fmt.Errorf("keeping a verdict: %w", err)
	}
	return nil
}

// prove tests the runtime, one container after the other: beside each other they only wait for the one core.
func (l *Launcher) prove(ctx context.Context) (sandbox.Proof, error) {
	of, err := l.engine.Identity(ctx, l.image, l.opt.Limits[task.TryBounds])
	if err != nil {
		return sandbox.Proof{}, err
	}
	p := sandbox.Proof{ID: uuid.NewString(), Runtime: docker.Runtime, Of: of, At: l.opt.Now().UTC()}
	t := &trial{l: l, work: p.ID}
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
