package postgres

import (
	"context"
	"time"
)

// Password is a row of member_password.
type Password struct {
	Member string
	Hash   string
	SetAt  time.Time
}

// Password reads a member's password; ErrNone when they have none.
func (t *Tx) Password(ctx context.Context, member string) (Password, error) {
	return one[Password](ctx, t, "select * from member_password where member = $1", member)
}

// LockPassword reads a member's password for update: whoever opens a session by it and whoever ends it come one after
// the other.
func (t *Tx) LockPassword(ctx context.Context, member string) (Password, error) {
	return one[Password](ctx, t, "select * from member_password where member = $1 for update", member)
}

// SetPassword keeps a member's password in the place of the one before.
func (t *Tx) SetPassword(ctx context.Context, p Password) error {
	return t.exec(ctx, `insert into member_password (member, hash, set_at) values ($1, $2, $3)
		on conflict (member) do update set hash = excluded.hash, set_at = excluded.set_at`, p.Member, p.Hash, p.SetAt)
}

// DropPassword ends a member's password, if they have one.
func (t *Tx) DropPassword(ctx context.Context, member string) error {
	return t.exec(ctx, "delete from member_password where member = $1", member)
}

// LinkedMember reads whom an enrolment link is for; ErrNone when it is none, or too old.
func (t *Tx) LinkedMember(ctx context.Context, hash []byte, now time.Time) (Member, error) {
	return one[Member](ctx, t, `select m.* from member_code c join member m on m.id = c.member
		where c.kind = 'link' and c.hash = $1 and c.expires_at > $2`, hash, now)
}

// Try is a row of signin_try.
type Try struct {
	Key      []byte
	Failures int
	LastAt   time.Time
	WaitsTo  *time.Time
	ToldAt   *time.Time
	Untold   int64
}

// LockTry reads what was tried under a key for update, and begins to count when nothing was.
func (t *Tx) LockTry(ctx context.Context, key []byte, now time.Time) (Try, error) {
	return one[Try](ctx, t, `insert into signin_try (key, failures, last_at) values ($1, 0, $2)
		on conflict (key) do update set key = excluded.key returning *`, key, now)
}

// SetTry writes what a try changed.
func (t *Tx) SetTry(ctx context.Context, r Try) error {
	return t.touch(ctx, `update signin_try set failures = $2, last_at = $3, waits_to = $4, told_at = $5, untold = $6
		where key = $1`, r.Key, r.Failures, r.LastAt, r.WaitsTo, r.ToldAt, r.Untold)
}

// SweepTries forgets what was last tried before a moment.
func (t *Tx) SweepTries(ctx context.Context, before time.Time) error {
	return t.exec(ctx, "delete from signin_try where last_at < $1", before)
}

// UseToken notes that a session was used.
func (t *Tx) UseToken(ctx context.Context, hash []byte, at time.Time) error {
	return t.exec(ctx, "update token set used_at = $2 where hash = $1", hash, at)
}

// OwnToken is a session as its owner sees it.
type OwnToken struct {
	Caller
	Hash      []byte
	ExpiresAt time.Time
}

// TokensOf lists a member's sessions that count, the last one used first.
func (t *Tx) TokensOf(ctx context.Context, member string, now time.Time) ([]OwnToken, error) {
	return many[OwnToken](ctx, t, callers+`, t.hash, t.expires_at `+counting+` and m.id = $1
		order by coalesce(t.used_at, t.created_at) desc`, member, now)
}

// DropTokens ends a member's sessions but one; nil: all. It returns how many.
func (t *Tx) DropTokens(ctx context.Context, member string, but []byte) (int64, error) {
	return value[int64](ctx, t, `with gone as (delete from token where member = $1 and ($2::bytea is null or hash <> $2) returning 1)
		select count(*) from gone`, member, but)
}
