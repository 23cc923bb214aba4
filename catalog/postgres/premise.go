package postgres

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
		ahead = append(ahead, statement{doing: "looking at who calls", sql: stands, args: []any{p.standing}, answer: p.check})
	}
	return ahead
}

// stands fails on the server when Standing tells something else: then the server does nothing of what travels behind
// it, be it the commit itself.
const stands = "select 1 / coalesce((select (changes = $1)::int from standing), 0)"

// divisionByZero is the code of that failure (PostgreSQL manual, appendix A).
const divisionByZero = "22012"

// check takes what stands answers.
func (p *premise) check(r pgx.BatchResults) error {
	_, err := r.Exec()
	var failure *pgconn.PgError
	switch {
	case errors.As(err, &failure) && failure.Code == divisionByZero:
		return ErrPremise
	case err != nil:
		return err
	}
	p.held.Store(true)
	return nil
}
