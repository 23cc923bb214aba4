package postgres

import (
	"context"
	"time"
)

// KeepConsole stores what the console remembers of a browser, in the place of what it did before.
func (t *Tx) KeepConsole(ctx context.Context, hash string, memory []byte, expires time.Time) error {
	return t.exec(ctx, `insert into console_session (hash, memory, expires_at) values ($1, $2, $3)
		on conflict (hash) do update set memory = excluded.memory, expires_at = excluded.expires_at`, hash, memory, expires)
}

// Console reads what the console remembers of a browser; ErrNone when nothing does any more.
func (t *Tx) Console(ctx context.Context, hash string, now time.Time) ([]byte, error) {
	return value[[]byte](ctx, t, "select memory from console_session where hash = $1 and expires_at > $2", hash, now)
}

// ConsoleLasts tells whether the same is remembered of a browser already, and until some time at least.
func (t *Tx) ConsoleLasts(ctx context.Context, hash string, memory []byte, until time.Time) (bool, error) {
	return value[bool](ctx, t, "select exists (select from console_session where hash = $1 and memory = $2 and expires_at >= $3)", hash, memory, until)
}

// DropConsole forgets a browser.
func (t *Tx) DropConsole(ctx context.Context, hash string) error {
	return t.exec(ctx, "delete from console_session where hash = $1", hash)
}

// SweepConsole forgets the browsers that were idle too long.
func (t *Tx) SweepConsole(ctx context.Context, now time.Time) error {
	return t.exec(ctx, "delete from console_session where expires_at < $1", now)
}

// ProlongToken lets a token count longer.
func (t *Tx) ProlongToken(ctx context.Context, hash []byte, until time.Time) error {
	return t.touch(ctx, "update token set expires_at = $2 where hash = $1", hash, until)
}

// DropToken ends a token.
func (t *Tx) DropToken(ctx context.Context, hash []byte) error {
	return t.exec(ctx, "delete from token where hash = $1", hash)
}
