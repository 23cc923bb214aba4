package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluicedata/sluice/catalog/task"
)

// ErrLost says that a lease is no longer this worker's: whatever it did must not count.
var ErrLost = errors.New("lease lost")

// Queue is all a worker's role may do: claim, append, seal. It is safe for concurrent use.
type Queue struct{ db *DB }

// NewQueue makes a queue over a pool opened under the worker's role.
func NewQueue(db *DB) *Queue { return &Queue{db} }

// Claimed is one piece of work with its fencing number.
type Claimed struct {
	ID     string
	Kind   string
	Fence  int64
	Letter json.RawMessage
}

// Standing is what a claimed piece of work's row says now.
type Standing struct {
	Admitted bool    // the keeper asked policy again and allowed
	Stop     *string // a reason to stop at once
	Keys     []byte  // sealed to the worker's key, once admitted
}

// Claim takes the oldest work that may run under one of some runtimes, or nothing (ok false).
func (q *Queue) Claim(ctx context.Context, worker string, publicKey []byte, lease time.Duration, under []task.Runtime) (c Claimed, ok bool, err error) {
	err = q.db.InTx(ctx, func(t *Tx) error {
		c, err = one[Claimed](ctx, t, "select * from worker_claim($1, $2, $3, $4)", worker, publicKey, lease, under)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Claimed{}, false, nil
	}
	if err != nil {
		return Claimed{}, false, fmt.Errorf("claiming work: %w", err)
	}
	return c, true, nil
}

// Append notes what happened ("renew" notes nothing), extends the lease and returns the work's standing.
func (q *Queue) Append(ctx context.Context, c Claimed, event string, detail json.RawMessage, lease time.Duration) (s Standing, err error) {
	if detail == nil {
		detail = json.RawMessage("{}")
	}
	err = q.db.InTx(ctx, func(t *Tx) error {
		s, err = one[Standing](ctx, t, "select * from worker_append($1, $2, $3, $4, $5)", c.ID, c.Fence, event, detail, lease)
		return err
	})
	return s, lost(err, "appending to work")
}

// Seal ends the worker's part with an outcome and a result.
func (q *Queue) Seal(ctx context.Context, c Claimed, outcome string, result json.RawMessage) error {
	err := q.db.InTx(ctx, func(t *Tx) error {
		return t.exec(ctx, "select worker_seal($1, $2, $3, $4)", c.ID, c.Fence, outcome, result)
	})
	return lost(err, "sealing work")
}

// lost names a refused fence.
func lost(err error, doing string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Message == "work.lost" {
		return ErrLost
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
