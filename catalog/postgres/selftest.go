package postgres

import (
	"context"
	"fmt"
	"time"
)

// SelfTest is what one test of a worker's runtime found out.
type SelfTest struct {
	ID      string
	Worker  string
	Runtime string
	Digest  string // of what the verdict is about
	MadeAt  time.Time
	Broken  []string // canaries that did not hold
}

// Tell notes what a test found out, once.
func (q *Queue) Tell(ctx context.Context, s SelfTest) error {
	err := q.db.InTx(ctx, func(t *Tx) error {
		return t.exec(ctx, "select worker_tell($1, $2, $3, $4, $5, $6)", s.ID, s.Worker, s.Runtime, s.Digest, s.MadeAt, s.Broken)
	})
	if err != nil {
		return fmt.Errorf("telling of a self-test: %w", err)
	}
	return nil
}

// UntracedSelfTest locks the oldest test that is not in the trace yet. ErrNone when there is none.
func (t *Tx) UntracedSelfTest(ctx context.Context) (SelfTest, error) {
	return one[SelfTest](ctx, t, `select id::text, worker, runtime, runtime_digest as digest, made_at, broken
		from self_test where leaf is null order by told_at, id limit 1 for update skip locked`)
}

// SetSelfTestLeaf notes the entry of a test.
func (t *Tx) SetSelfTestLeaf(ctx context.Context, id, leaf string) error {
	return t.exec(ctx, "update self_test set leaf = $2 where id = $1", id, leaf)
}

// NewestSelfTests reads the newest test of each runtime of each worker.
func (t *Tx) NewestSelfTests(ctx context.Context) ([]SelfTest, error) {
	return many[SelfTest](ctx, t, `select distinct on (worker, runtime) id::text, worker, runtime, runtime_digest as digest, made_at, broken
		from self_test order by worker, runtime, made_at desc, id desc`)
}
