package postgres

import (
	"context"
	"time"
)

// Factor is a row of member_factor.
type Factor struct {
	Member       string
	Secret       []byte // sealed
	Next         []byte // sealed: what waits to take its place; nil: nothing
	State        string
	Step         int64
	Failures     int
	FailingSince *time.Time
	LockedUntil  *time.Time
	MadeAt       time.Time
}

// OfferFactor keeps a new secret of a member in the place of one that was never confirmed; ErrNone when the one
// there is confirmed. What was counted against the member stays.
func (t *Tx) OfferFactor(ctx context.Context, member string, secret []byte, at time.Time) error {
	return t.touch(ctx, `insert into member_factor (member, secret, state, made_at) values ($1, $2, 'offered', $3)
		on conflict (member) do update set secret = excluded.secret, made_at = excluded.made_at
		where member_factor.state = 'offered'`, member, secret, at)
}

// LockFactor reads a member's factor for update: tries at it come one after the other.
func (t *Tx) LockFactor(ctx context.Context, member string) (Factor, error) {
	return one[Factor](ctx, t, "select * from member_factor where member = $1 for update", member)
}

// SetFactor writes what a try at a factor changed.
func (t *Tx) SetFactor(ctx context.Context, f Factor) error {
	return t.touch(ctx, `update member_factor set state = $2, step = $3, failures = $4, failing_since = $5, locked_until = $6,
		secret = $7, next = $8 where member = $1`, f.Member, f.State, f.Step, f.Failures, f.FailingSince, f.LockedUntil, f.Secret, f.Next)
}

// DropFactor removes a member's factor and every code that goes with it; ErrNone when there was none.
func (t *Tx) DropFactor(ctx context.Context, member string) error {
	if err := t.exec(ctx, "delete from member_code where member = $1", member); err != nil {
		return err
	}
	if err := t.exec(ctx, "update token set strong_until = null where member = $1", member); err != nil {
		return err
	}
	return t.touch(ctx, "delete from member_factor where member = $1", member)
}

// Kinds of one-time codes.
const (
	EnrolmentCode = "enrolment"
	RecoveryCode  = "recovery"
	LinkCode      = "link"
)

// InsertCode keeps a one-time code by its hash; a nil end is none.
func (t *Tx) InsertCode(ctx context.Context, member, kind string, hash []byte, expires *time.Time) error {
	return t.exec(ctx, "insert into member_code (member, kind, hash, expires_at) values ($1, $2, $3, $4)", member, kind, hash, expires)
}

// TakeCode spends a one-time code; ErrNone when it is none, or too old.
func (t *Tx) TakeCode(ctx context.Context, member, kind string, hash []byte, now time.Time) error {
	return t.touch(ctx, `delete from member_code where member = $1 and kind = $2 and hash = $3
		and (expires_at is null or expires_at > $4)`, member, kind, hash, now)
}

// DropCodes forgets a member's codes of a kind.
func (t *Tx) DropCodes(ctx context.Context, member, kind string) error {
	return t.exec(ctx, "delete from member_code where member = $1 and kind = $2", member, kind)
}
