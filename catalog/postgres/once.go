package postgres

import (
	"context"
	"encoding/json"
	"time"
)

// Once is a row of once: a key of one person's request, and what it was answered with.
type Once struct {
	Member string
	Key    string
	Asked  []byte
	Leaf   string
	Answer json.RawMessage
	At     time.Time
}

// ClaimOnce takes a key; ErrNone when it is taken. It waits for another transaction that is taking it.
func (t *Tx) ClaimOnce(ctx context.Context, o Once) error {
	return t.touch(ctx, `insert into once (member, key, asked, leaf, at) values ($1, $2, $3, $4, $5)
		on conflict do nothing`, o.Member, o.Key, o.Asked, o.Leaf, o.At)
}

// Once reads a taken key.
func (t *Tx) Once(ctx context.Context, member, key string) (Once, error) {
	return one[Once](ctx, t, "select * from once where member = $1 and key = $2", member, key)
}

// KeepAnswer writes what a key's request was answered with.
func (t *Tx) KeepAnswer(ctx context.Context, member, key string, answer json.RawMessage) error {
	return t.touch(ctx, "update once set answer = $3 where member = $1 and key = $2", member, key, answer)
}

// SweepOnce forgets a person's keys from before a moment.
func (t *Tx) SweepOnce(ctx context.Context, member string, before time.Time) error {
	return t.exec(ctx, "delete from once where member = $1 and at < $2", member, before)
}
