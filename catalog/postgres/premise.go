package postgres

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// ErrPremise says that a premise did not hold: nothing was done.
var ErrPremise = errors.New("what was supposed of a caller has changed")

// premise is that nothing callers are read from has changed since it was supposed. Its question travels ahead of the
// first statement under its context, in the same trip, and whatever that statement is part of fails when the premise
// does not hold. It is safe for concurrent use.
type premise struct {
	standing int64
	held     atomic.Bool
}

type premiseKey struct{}

// Suppose makes a context under which everything is done on the premise that Standing still tells the same; what is
// done first under it fails with ErrPremise if it does not.
func Suppose(ctx context.Context, standing int64) context.Context {
	return context.WithValue(ctx, premiseKey{}, &premise{standing: standing})
}

// Certain makes a context under which nothing is supposed.
func Certain(ctx context.Context) context.Context {
	return context.WithValue(ctx, premiseKey{}, (*premise)(nil))
}

// Held tells whether nothing is supposed under a context, or something was done there and found it to hold.
func Held(ctx context.Context) bool {
	p, _ := ctx.Value(premiseKey{}).(*premise)
	return p == nil || p.held.Load()
}

// opening is what travels ahead of a transaction's first statement, beginning with begin if it is not "".
func opening(ctx context.Context, begin string) (ahead []statement) {
	if begin != "" {
		ahead = append(ahead, statement{sql: begin})
	}
	if p, _ := ctx.Value(premiseKey{}).(*premise); p != nil && !p.held.Load() {
		ahead = append(ahead, statement{doing: "looking at who calls", sql: standing, answer: p.check})
	}
	return ahead
}

// check reads what Standing tells now.
func (p *premise) check(r pgx.BatchResults) error {
	var now int64
	if err := r.QueryRow().Scan(&now); err != nil {
		return err
	}
	if now != p.standing {
		return ErrPremise
	}
	p.held.Store(true)
	return nil
}
