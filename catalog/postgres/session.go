package postgres

import (
	"context"
	"time"
)

// UseAssertion spends a jti; a unique violation on assertion_pkey means that it was spent before.
func (t *Tx) UseAssertion(ctx context.Context, key, jti string, expires time.Time) error {
	return t.exec(ctx, "insert into assertion (jti, member_key, expires_at) values ($1, $2, $3)", jti, key, expires)
}

// Token is a row of token: exactly one of MemberKey, Identity and Password is set.
type Token struct {
	Hash           []byte
	Member         string
	MemberKey      *string
	Identity       *string
	Password       bool // by password and second factor
	ProviderStrong bool
	Certificate    string
	CreatedAt      time.Time
	ExpiresAt      time.Time
}

// InsertToken stores a token by its hash.
func (t *Tx) InsertToken(ctx context.Context, k Token) error {
	return t.exec(ctx, `insert into token
		(hash, member, member_key, identity, password, provider_strong, certificate, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.Hash, k.Member, k.MemberKey, k.Identity, k.Password, k.ProviderStrong, k.Certificate, k.CreatedAt, k.ExpiresAt)
}

// Caller is who stands behind a token, and what was proven for it.
type Caller struct {
	Member         string
	Org            string
	Roles          []string
	Machine        bool
	Key            *string // id
	Scheme         string  // of that key; "" without one
	Password       bool
	ProviderStrong bool
	StrongUntil    *time.Time
	Certificate    string
	CreatedAt      time.Time
	UsedAt         *time.Time
	Capacities     []string // of Org, sorted
}

// callers begins a question about who stands behind tokens, counting ends it: unexpired at $2, their key, identity or
// password in force, their member active. $1 is the question's own.
const (
	callers = `select m.id as member, m.org, m.roles, m.machine, t.member_key as key, coalesce(k.scheme, '') as scheme, t.password,
			t.provider_strong, t.strong_until, t.certificate, t.created_at, t.used_at,
			array(select c.capacity from capacity c
				where c.org = m.org and c.since <= $2 and (c.ended_at is null or c.ended_at > $2) order by c.capacity) as capacities`
	counting = `from token t join member m on m.id = t.member
			left join member_key k on k.id = t.member_key
			left join member_identity i on i.id = t.identity
			left join member_password p on p.member = t.member and t.password
		where t.expires_at > $2 and m.state = 'active'
			and (k.state = 'admitted' and k.expires_at > $2 or i.state = 'admitted' or p.member is not null)`
)

// TokenCaller is who a token speaks for, and how long that stays so.
type TokenCaller struct {
	Caller
	Until    time.Time // from then on it must be read again: something ends or begins
	Standing int64     // as Standing told it then: when that changes it must be read again
}

// TokenCaller reads who a token speaks for: unexpired, its key or identity in force, its member active.
func (t *Tx) TokenCaller(ctx context.Context, hash []byte, now time.Time) (TokenCaller, error) {
	return one[TokenCaller](ctx, t, callers+`, (select changes from standing) as standing,
			least(t.expires_at, k.expires_at, (select min(bound) from capacity c, unnest(array[c.since, c.ended_at]) as bound
				where c.org = m.org and bound > $2)) as until
		`+counting+` and t.hash = $1`, hash, now)
}

// Standing counts the changes of anything a TokenCaller is read from. It is one row, since every request asks it.
func (t *Tx) Standing(ctx context.Context) (int64, error) {
	return value[int64](ctx, t, "select changes from standing")
}

// StrengthenToken notes that a second factor was proven for a token.
func (t *Tx) StrengthenToken(ctx context.Context, hash []byte, until time.Time) error {
	return t.touch(ctx, "update token set strong_until = $2 where hash = $1", hash, until)
}

// SweepTokens deletes what has expired.
func (t *Tx) SweepTokens(ctx context.Context, now time.Time) error {
	if err := t.exec(ctx, "delete from token where expires_at < $1", now); err != nil {
		return err
	}
	return t.exec(ctx, "delete from assertion where expires_at < $1", now)
}

// CountRefusal counts one refusal at the door in its minute and returns how many there were in it.
func (t *Tx) CountRefusal(ctx context.Context, minute time.Time) (int64, error) {
	return value[int64](ctx, t, `insert into refusal (minute, times) values ($1, 1)
		on conflict (minute) do update set times = refusal.times + 1 returning times`, minute)
}

// SweepRefusals forgets the minutes before one and returns how many refusals above a bound were in them.
func (t *Tx) SweepRefusals(ctx context.Context, before time.Time, bound int64) (int64, error) {
	return value[int64](ctx, t, `with gone as (delete from refusal where minute < $1 returning times)
		select coalesce(sum(greatest(times - $2, 0)), 0)::bigint from gone`, before, bound)
}
