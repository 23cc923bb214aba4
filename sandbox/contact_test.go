package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/sandbox"
)

// record is a real one with one piece of work. The test is its keeper, and the clock of its workers.
type record struct {
	t     *testing.T
	dsn   pgtest.Database
	owner *postgres.DB
	id    string // of the work

	mu  sync.Mutex
	now time.Time
}

func newRecord(t *testing.T) *record {
	t.Helper()
	r := &record{t: t, dsn: pgtest.New(t), id: name.NewID().String(), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	r.owner = pgtest.Open(t, r.dsn.Owner)
	org := name.NewID().String()
	r.exec(fmt.Sprintf(`insert into org (id, number, name, created_at) values ('%[1]s', 'ORG-0001', 'org', now());
		insert into turn (org) values ('%[1]s');
		insert into work (id, kind, subject, org, letter, state, queued_at)
		values ('%[2]s', 'check', '%[1]s', '%[1]s', '{"kind": "check", "check": {}}', 'queued', now())`, org, r.id))
	go r.keep()
	return r
}

func (r *record) exec(statement string) {
	r.t.Helper()
	pgtest.Exec(r.t, r.dsn.Owner, statement)
}

// keep admits whatever is claimed, until the test ends.
func (r *record) keep() {
	ctx := r.t.Context()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		_ = r.owner.InTx(ctx, func(tx *postgres.Tx) error { // none is claimed yet, or the test ends
			found, err := tx.NextWork(ctx)
			if err != nil || found.State != "claimed" {
				return err
			}
			to, err := keyring.ParsePublicKey(found.WorkerKey)
			if err != nil {
				return err
			}
			sealed, err := keyring.Seal(to, work.SealInfo(found.ID, found.Fence), []byte("{}"))
			if err != nil {
				return err
			}
			return tx.AdmitWork(ctx, found.ID, found.Fence, sealed)
		})
		<-tick.C
	}
}

func (r *record) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *record) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// row reads the work.
func (r *record) row() (row postgres.Work) {
	r.t.Helper()
	err := r.owner.InTx(r.t.Context(), func(tx *postgres.Tx) (err error) {
		row, err = tx.WorkByID(r.t.Context(), r.id)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return row
}

// overheard is the queue as a worker has it, and counts how renewals end.
type overheard struct {
	*postgres.Queue
	renewed, failed atomic.Int64
}

func (q *overheard) Append(ctx context.Context, c postgres.Claimed, event string, detail json.RawMessage, lease time.Duration) (postgres.Standing, error) {
	s, err := q.Queue.Append(ctx, c, event, detail, lease)
	if err != nil {
		q.failed.Add(1)
	} else {
		q.renewed.Add(1)
	}
	return s, err
}

// goesOn waits until a count has grown by two, so that whatever follows from the first of them has happened, and fails if
// that was the end of the container.
func (e *lasting) goesOn(count *atomic.Int64) {
	e.t.Helper()
	from := count.Load()
	until(e.t, "two renewals", func() bool { return count.Load() >= from+2 || len(e.ended) > 0 })
	if len(e.ended) > 0 {
		e.t.Fatal("it ends before it must")
	}
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(time.Minute); !so(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// lasting is an engine whose containers run until they are ended, or well, once the test says so.
type lasting struct {
	t     *testing.T
	began chan struct{}
	ended chan struct{}
	well  chan struct{}
}

func newLasting(t *testing.T) *lasting {
	return &lasting{t, make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})}
}

func (e *lasting) Prepare(context.Context, sandbox.Run) (string, error) { return e.t.TempDir(), nil }

func (e *lasting) Run(ctx context.Context, _ sandbox.Run) (sandbox.Outcome, error) {
	e.began <- struct{}{}
	select {
	case <-ctx.Done():
		e.ended <- struct{}{}
		return sandbox.Interrupted, ctx.Err()
	case <-e.well:
		return sandbox.Success, nil
	}
}

func (e *lasting) Collect(_ context.Context, _ sandbox.Run, fn func(string, int64, io.Reader) error) error {
	const report = `{"check": {}}`
	return fn(task.ReportFile, int64(len(report)), strings.NewReader(report))
}

func (e *lasting) Remove(context.Context, sandbox.Run) error { return nil }

// worker is one with a folder of its own.
func (r *record) worker(e sandbox.Engine) (*sandbox.Worker, *overheard) {
	r.t.Helper()
	q := &overheard{Queue: postgres.NewQueue(pgtest.Open(r.t, r.dsn.Worker))}
	return &sandbox.Worker{
		Name: "w", Queue: q, Engine: e, Log: slog.New(slog.DiscardHandler), Dir: r.t.TempDir(), Now: r.clock,
		Lease: 15 * time.Second, Beat: 10 * time.Millisecond, Pause: time.Millisecond,
	}, q
}

// once has a worker do one piece of work beside the test.
func once(t *testing.T, w *sandbox.Worker) <-chan error {
	done := make(chan error, 1)
	go func() {
		worked, err := w.Once(t.Context())
		if err == nil && !worked {
			err = errors.New("there was no work")
		}
		done <- err
	}()
	return done
}

// A worker that hears nothing from the record for four seconds ends what it runs, whichever way the record is silent:
// the work may have been stopped. It is no result, and is done again.
func TestOutOfTouchWorkersStop(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		cut  func(*record) (mend func())
		back bool // it can still give the work back
	}{
		"renewals are refused": {(*record).refuse, true},
		"everything is":        {(*record).refuseAll, false},
		"no answer":            {(*record).fallSilent, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r, e := newRecord(t), newLasting(t)
			w, q := r.worker(e)
			done := once(t, w)
			<-e.began
			mend := c.cut(r)
			r.pass(3900 * time.Millisecond)
			e.goesOn(&q.failed)
			r.pass(100 * time.Millisecond)
			until(t, "the container to be ended", func() bool { return len(e.ended) > 0 })
			if !c.back {
				if err := <-done; err == nil {
					t.Error("it gave the work back to a record that does not listen")
				}
			}
			mend()
			if c.back {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if left, err := os.ReadDir(w.Dir); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
			r.isDoneAgain(e)
		})
	}
}

// isDoneAgain has another worker do what the first gave up, once its pause or lease is over.
func (r *record) isDoneAgain(e *lasting) {
	r.t.Helper()
	if row := r.row(); row.State != "claimed" || row.Outcome != nil {
		r.t.Fatalf("the work is %s, %v", row.State, row.Outcome)
	}
	r.exec("update work set lease_until = now() - interval '1 second'")
	close(e.well)
	next, _ := r.worker(e)
	if err := <-once(r.t, next); err != nil {
		r.t.Fatal(err)
	}
	row := r.row()
	if row.State != "sealed" || row.Outcome == nil || *row.Outcome != "success" || row.Attempts != 2 {
		r.t.Errorf("the work is %s after %d attempts: %s", row.State, row.Attempts, row.Result)
	}
}

// refuse takes the right to renew from the worker.
func (r *record) refuse() func() {
	r.exec("revoke execute on function worker_append from sluice_worker")
	return func() { r.exec("grant execute on function worker_append to sluice_worker") }
}

// refuseAll takes every right.
func (r *record) refuseAll() func() {
	r.exec("revoke execute on function worker_claim, worker_append, worker_seal from sluice_worker")
	return func() {
		r.exec("grant execute on function worker_claim, worker_append, worker_seal to sluice_worker")
	}
}

// fallSilent has every call about the work wait for a lock.
func (r *record) fallSilent() func() {
	r.t.Helper()
	row := r.row()
	held, letGo, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- r.owner.InTx(r.t.Context(), func(tx *postgres.Tx) error {
			err := tx.AdmitWork(r.t.Context(), row.ID, row.Fence, row.Keys) // as it is already
			close(held)
			select {
			case <-letGo:
			case <-r.t.Context().Done(): // the test has failed
			}
			return err
		})
	}()
	<-held
	return func() {
		close(letGo)
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

// A record that is away for less than that ends nothing: the same claim goes on.
func TestShortSilenceEndsNothing(t *testing.T) {
	t.Parallel()
	r, e := newRecord(t), newLasting(t)
	w, q := r.worker(e)
	done := once(t, w)
	<-e.began
	for range 2 {
		mend := r.refuse()
		r.pass(3 * time.Second)
		e.goesOn(&q.failed)
		mend()
		e.goesOn(&q.renewed)
	}
	close(e.well)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if row := r.row(); row.State != "sealed" || *row.Outcome != "success" || row.Attempts != 1 {
		t.Errorf("the work is %s after %d attempts", row.State, row.Attempts)
	}
}
