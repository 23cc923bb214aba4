package postgres

import (
	"context"
	"time"
)

// Org is a row of org.
type Org struct {
	ID         string
	Number     string
	Name       string
	CreditCode *string
	CreatedAt  time.Time
}

// Member is a row of member.
type Member struct {
	ID        string
	Org       string
	Login     string
	Name      string
	Roles     []string
	State     string
	CreatedAt time.Time
}

// MemberKey is a row of member_key.
type MemberKey struct {
	ID          string
	Fingerprint string
	Member      string
	PublicKey   []byte
	State       string
	OfferedAt   time.Time
	AdmittedAt  *time.Time
	AdmittedBy  *string
	RevokedAt   *time.Time
	LastUsed    *time.Time
}

// InsertOrg adds an organization.
func (t *Tx) InsertOrg(ctx context.Context, o Org) error {
	return t.exec(ctx, `insert into org (id, number, name, credit_code, created_at) values ($1, $2, $3, $4, $5)`,
		o.ID, o.Number, o.Name, o.CreditCode, o.CreatedAt)
}

// Org reads an organization by id.
func (t *Tx) Org(ctx context.Context, id string) (Org, error) {
	return one[Org](ctx, t, "select * from org where id = $1", id)
}

// OrgByNumber reads an organization by number.
func (t *Tx) OrgByNumber(ctx context.Context, number string) (Org, error) {
	return one[Org](ctx, t, "select * from org where number = $1", number)
}

// Orgs lists all organizations.
func (t *Tx) Orgs(ctx context.Context, w Window) ([]Org, error) {
	return listed[Org](ctx, t, w, "select * from org")
}

// InsertCapacity gives an organization a capacity from a moment on.
func (t *Tx) InsertCapacity(ctx context.Context, org, capacity, document string, since time.Time) error {
	return t.exec(ctx, `insert into capacity (org, capacity, document, since) values ($1, $2, $3, $4)`,
		org, capacity, document, since)
}

// EndCapacity ends a capacity in force; ErrNone when there is none.
func (t *Tx) EndCapacity(ctx context.Context, org, capacity string, at time.Time) error {
	return t.touch(ctx, `update capacity set ended_at = $3 where org = $1 and capacity = $2 and ended_at is null`,
		org, capacity, at)
}

// Capacities lists what an organization is at a moment.
func (t *Tx) Capacities(ctx context.Context, org string, at time.Time) ([]string, error) {
	return values[string](ctx, t, `select capacity from capacity
		where org = $1 and since <= $2 and (ended_at is null or ended_at > $2) order by capacity`, org, at)
}

// OrgsWith lists the organizations that hold a capacity at a moment.
func (t *Tx) OrgsWith(ctx context.Context, capacity string, at time.Time) ([]string, error) {
	return values[string](ctx, t, `select org::text from capacity
		where capacity = $1 and since <= $2 and (ended_at is null or ended_at > $2) order by since`, capacity, at)
}

// InsertMember adds a person to an organization.
func (t *Tx) InsertMember(ctx context.Context, m Member) error {
	return t.exec(ctx, `insert into member (id, org, login, name, roles, state, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, m.ID, m.Org, m.Login, m.Name, m.Roles, m.State, m.CreatedAt)
}

// Member reads a person by id.
func (t *Tx) Member(ctx context.Context, id string) (Member, error) {
	return one[Member](ctx, t, "select * from member where id = $1", id)
}

// MemberByLogin reads a person of an organization.
func (t *Tx) MemberByLogin(ctx context.Context, org, login string) (Member, error) {
	return one[Member](ctx, t, "select * from member where org = $1 and login = $2", org, login)
}

// LockMember reads a person for update, so that two acts on them do not pass each other.
func (t *Tx) LockMember(ctx context.Context, org, login string) (Member, error) {
	return one[Member](ctx, t, "select * from member where org = $1 and login = $2 for update", org, login)
}

// Members lists the people of an organization.
func (t *Tx) Members(ctx context.Context, org string, w Window) ([]Member, error) {
	return listed[Member](ctx, t, w, "select * from member where org = $1", org)
}

// SetMember changes roles and state.
func (t *Tx) SetMember(ctx context.Context, id string, roles []string, state string) error {
	return t.touch(ctx, "update member set roles = $2, state = $3 where id = $1", id, roles, state)
}

// InsertKey adds an offered or admitted key.
func (t *Tx) InsertKey(ctx context.Context, k MemberKey) error {
	return t.exec(ctx, `insert into member_key
		(id, fingerprint, member, public_key, state, offered_at, admitted_at, admitted_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Fingerprint, k.Member, k.PublicKey, k.State, k.OfferedAt, k.AdmittedAt, k.AdmittedBy)
}

// Key reads a key by fingerprint.
func (t *Tx) Key(ctx context.Context, fingerprint string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where fingerprint = $1", fingerprint)
}

// KeyByID reads a key by id.
func (t *Tx) KeyByID(ctx context.Context, id string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where id = $1", id)
}

// Keys lists the keys of an organization's people.
func (t *Tx) Keys(ctx context.Context, org string, w Window) ([]MemberKey, error) {
	return listed[MemberKey](ctx, t, w, `select k.* from member_key k join member m on m.id = k.member
		where m.org = $1`, org)
}

// CountOffers counts the keys offered for a member and not yet decided.
func (t *Tx) CountOffers(ctx context.Context, member string) (int64, error) {
	return value[int64](ctx, t, "select count(*) from member_key where member = $1 and state = 'offered'", member)
}

// AdmitKey lets an offered key in.
func (t *Tx) AdmitKey(ctx context.Context, id, by string, at time.Time) error {
	return t.touch(ctx, `update member_key set state = 'admitted', admitted_by = $2, admitted_at = $3
		where id = $1 and state = 'offered'`, id, by, at)
}

// RevokeKey ends a key.
func (t *Tx) RevokeKey(ctx context.Context, id string, at time.Time) error {
	return t.touch(ctx, `update member_key set state = 'revoked', revoked_at = $2
		where id = $1 and state <> 'revoked'`, id, at)
}

// UseKey notes that a key was used.
func (t *Tx) UseKey(ctx context.Context, id string, at time.Time) error {
	return t.touch(ctx, "update member_key set last_used = $2 where id = $1", id, at)
}

// UseAssertion spends a jti; a unique violation on assertion_pkey means that it was spent before.
func (t *Tx) UseAssertion(ctx context.Context, key, jti string, expires time.Time) error {
	return t.exec(ctx, "insert into assertion (jti, member_key, expires_at) values ($1, $2, $3)", jti, key, expires)
}

// InsertToken stores a token by its hash.
func (t *Tx) InsertToken(ctx context.Context, hash []byte, key string, now, expires time.Time) error {
	return t.exec(ctx, "insert into token (hash, member_key, created_at, expires_at) values ($1, $2, $3, $4)",
		hash, key, now, expires)
}

// Caller is who stands behind a token.
type Caller struct {
	Member string
	Org    string
	Roles  []string
	Key    string
}

// TokenCaller reads who a token speaks for: unexpired, its key admitted, its member active.
func (t *Tx) TokenCaller(ctx context.Context, hash []byte, now time.Time) (Caller, error) {
	return one[Caller](ctx, t, `select m.id as member, m.org, m.roles, k.id as key
		from token t join member_key k on k.id = t.member_key join member m on m.id = k.member
		where t.hash = $1 and t.expires_at > $2 and k.state = 'admitted' and m.state = 'active'`, hash, now)
}

// SweepTokens deletes what has expired.
func (t *Tx) SweepTokens(ctx context.Context, now time.Time) error {
	if err := t.exec(ctx, "delete from token where expires_at < $1", now); err != nil {
		return err
	}
	return t.exec(ctx, "delete from assertion where expires_at < $1", now)
}
