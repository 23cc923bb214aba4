package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// Queue is all a worker may do to the record.
type Queue interface {
	// Claim takes the oldest work that may run under one of some runtimes; ok is false when there is none.
	Claim(ctx context.Context, worker string, publicKey []byte, lease time.Duration, under []task.Runtime) (c postgres.Claimed, ok bool, err error)
	// Append notes an event, extends the lease and tells the work's standing; postgres.ErrLost when the
	// lease is another's now.
	Append(ctx context.Context, c postgres.Claimed, event string, detail json.RawMessage, lease time.Duration) (postgres.Standing, error)
	// Seal ends the worker's part.
	Seal(ctx context.Context, c postgres.Claimed, outcome string, result json.RawMessage) error
	// Tell notes what a self-test of the runtime found out; the same one again changes nothing.
	Tell(ctx context.Context, s postgres.SelfTest) error
}

// Worker claims work and drives it through containers. Several may run beside each other: every effect
// carries the fence of its claim.
type Worker struct {
	Name   string
	Queue  Queue
	Store  *object.Store
	Engine Engine
	Log    *slog.Logger
	// Dir is a folder of this worker alone for collected files. What earlier ones left there goes before the first claim.
	Dir string
	// Lease is how long a claim lasts unrenewed; Beat how often it is renewed, and so how soon a stop is
	// seen; Pause how long an idle worker waits before it looks again.
	Lease time.Duration
	Beat  time.Duration
	Pause time.Duration
	// Now is the clock; it only measures.
	Now func() time.Time
	// Sealed, when set, is told of every piece of work that was sealed, by kind and outcome.
	Sealed func(kind, outcome string)
	// Prover, when set, is asked about the runtimes: nothing is claimed for one while a bound of it does not hold.
	Prover Prover
	// Slots is how many pieces of work run beside each other; 0 means one.
	Slots int

	proved   atomic.Pointer[[]Proof]
	learning sync.Mutex // held while verdicts are told
	folders  folders
}

// Serve works until ctx ends, in as many slots as the worker has. Errors of one piece of work do not end it. It fails
// at once when the worker's folder is another's, or cannot be emptied of what earlier workers left.
func (w *Worker) Serve(ctx context.Context) error {
	held, err := w.moveIn()
	if err != nil {
		return err
	}
	defer held.Close()
	var slots sync.WaitGroup
	if w.Prover != nil {
		slots.Go(func() { w.watch(ctx) })
	}
	for range max(1, w.Slots) {
		slots.Go(func() { w.slot(ctx) })
	}
	slots.Wait()
	return nil
}

// slot does one piece of work after the other.
func (w *Worker) slot(ctx context.Context) {
	for ctx.Err() == nil {
		if w.Standing() != nil {
			wait(ctx, w.Pause)
			continue
		}
		worked, err := w.Once(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "working failed", "err", err)
		}
		if !worked || err != nil {
			wait(ctx, w.Pause)
		}
	}
}

// Once claims and finishes one piece of work; it returns false when there was none.
func (w *Worker) Once(ctx context.Context) (bool, error) {
	private, err := keyring.NewPrivateKey()
	if err != nil {
		return false, fmt.Errorf("making claim key: %w", err)
	}
	claimed, ok, err := w.claim(ctx, private.Public())
	if err != nil || !ok {
		return false, err
	}
	return true, w.finish(ctx, claimed, private)
}

// claim asks for work. An answer that comes after the lease is worth nothing.
func (w *Worker) claim(ctx context.Context, key keyring.PublicKey) (postgres.Claimed, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Lease)
	defer cancel()
	return w.Queue.Claim(ctx, w.Name, key.Bytes(), w.Lease, w.runtimes())
}

// errStopped says that somebody ended the work: the grant, the dataset or the job is no longer there for it.
var errStopped = errors.New("work stopped")

// finish runs one claimed piece of work under a heartbeat and seals how it ended. A result that cannot be
// sealed does not count: the work is done again by whoever claims it next.
func (w *Worker) finish(ctx context.Context, c postgres.Claimed, private keyring.PrivateKey) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	admitted := make(chan []byte, 1)
	var beating sync.WaitGroup
	beating.Go(func() { w.beat(running, c, admitted, cancel) })

	outcome, result, err := w.admitted(running, c, private, admitted)
	cancel(nil) // the first cause counts
	beating.Wait()
	if errors.Is(context.Cause(running), postgres.ErrLost) {
		return nil
	}
	if err != nil {
		w.Log.ErrorContext(ctx, "running work failed", "work", c.ID, "kind", c.Kind, "err", err)
		outcome, result = Interrupted, work.Result{}
	}
	return w.seal(context.WithoutCancel(ctx), c, outcome, result)
}

func (w *Worker) seal(ctx context.Context, c postgres.Claimed, outcome Outcome, result work.Result) error {
	body, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encoding result: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, w.Lease)
	defer cancel()
	err = w.Queue.Seal(ctx, c, string(outcome), body)
	if errors.Is(err, postgres.ErrLost) {
		return nil
	}
	if err == nil && w.Sealed != nil {
		w.Sealed(string(c.Kind), string(outcome))
	}
	return err
}

// admitted waits for the keeper and then runs the work.
func (w *Worker) admitted(ctx context.Context, c postgres.Claimed, private keyring.PrivateKey, keys <-chan []byte) (Outcome, work.Result, error) {
	var sealed []byte
	select {
	case <-ctx.Done():
		return Interrupted, work.Result{}, nil
	case sealed = <-keys:
	}
	p := &piece{w: w, c: c}
	if err := json.Unmarshal(c.Letter, &p.letter); err != nil {
		return "", work.Result{}, fmt.Errorf("reading letter: %w", err)
	}
	if p.under = p.letter.Under(w.runtimes()); p.under == "" {
		return Interrupted, work.Result{}, nil // a verdict changed since the claim
	}
	plain, err := keyring.Open(private, work.SealInfo(c.ID, c.Fence), sealed)
	if err != nil {
		return "", work.Result{}, fmt.Errorf("opening keys: %w", err)
	}
	if err := json.Unmarshal(plain, &p.keys); err != nil {
		return "", work.Result{}, fmt.Errorf("reading keys: %w", err)
	}
	if p.dir, err = w.openFolder(ctx, c); err != nil {
		return "", work.Result{}, err
	}
	err = p.run(ctx)
	p.clean(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return Interrupted, work.Result{}, nil
	}
	return p.outcome, p.result, err
}

// wait pauses without sleeping through an end.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
