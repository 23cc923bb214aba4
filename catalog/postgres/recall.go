package postgres

import (
	"context"
	"encoding/json"
	"time"
)

// Recall is a row of recall.
type Recall struct {
	Release   string
	Reason    string
	AskedBy   string
	AskedAt   time.Time
	Statement json.RawMessage // nil until the keeper has signed it
}

// InsertRecall takes a release back.
func (t *Tx) InsertRecall(ctx context.Context, r Recall) error {
	return t.exec(ctx, "insert into recall (release, reason, asked_by, asked_at) values ($1, $2, $3, $4)",
		r.Release, r.Reason, r.AskedBy, r.AskedAt)
}

// RecallOf reads the recall of a release; ErrNone when it was not recalled.
func (t *Tx) RecallOf(ctx context.Context, release string) (Recall, error) {
	return one[Recall](ctx, t, "select * from recall where release = $1", release)
}

// UnsignedRecall locks one recall that has no statement yet. ErrNone when there is none.
func (t *Tx) UnsignedRecall(ctx context.Context) (Recall, error) {
	return one[Recall](ctx, t, "select * from recall where statement is null order by asked_at limit 1 for update skip locked")
}

// SignRecall keeps a statement and moves the release.
func (t *Tx) SignRecall(ctx context.Context, release string, statement json.RawMessage) error {
	if err := t.touch(ctx, "update recall set statement = $2 where release = $1 and statement is null", release, statement); err != nil {
		return err
	}
	return t.touch(ctx, "update release set state = 'recalled' where id = $1 and state = 'released'", release)
}

// Statements lists every signed recall, oldest first.
func (t *Tx) Statements(ctx context.Context) ([]json.RawMessage, error) {
	return values[json.RawMessage](ctx, t, "select statement from recall where statement is not null order by asked_at, release")
}
