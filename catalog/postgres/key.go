package postgres

import (
	"context"
	"time"
)

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
	ExpiresAt   *time.Time
	Certificate string // digest of the certificate that must come with it; "": none
	Scheme      string // how it signs; "": ed25519
	// Of a passkey only: what its owner and its authenticator call it, its last signature counter, whether other
	// devices may hold it.
	Title      string
	Credential []byte
	SignCount  int64
	Synced     bool
	Origin     string // address it was enrolled at: what it signs names it
	Replaces   string // fingerprint of the key whose place it takes once it is admitted; "": none
}

// InsertKey adds an offered or admitted key.
func (t *Tx) InsertKey(ctx context.Context, k MemberKey) error {
	return t.exec(ctx, `insert into member_key
		(id, fingerprint, member, public_key, state, offered_at, admitted_at, admitted_by, expires_at, certificate,
		scheme, title, credential, sign_count, synced, origin, replaces)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(nullif($11, ''), 'ed25519'), $12, $13, $14, $15, $16, $17)`,
		k.ID, k.Fingerprint, k.Member, k.PublicKey, k.State, k.OfferedAt, k.AdmittedAt, k.AdmittedBy, k.ExpiresAt, k.Certificate,
		k.Scheme, k.Title, k.Credential, k.SignCount, k.Synced, k.Origin, k.Replaces)
}

// Key reads a key by fingerprint.
func (t *Tx) Key(ctx context.Context, fingerprint string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where fingerprint = $1", fingerprint)
}

// LockKey reads a key by fingerprint for update, so that of two acts on it the second sees what the first did.
func (t *Tx) LockKey(ctx context.Context, fingerprint string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where fingerprint = $1 for update", fingerprint)
}

// LockPasskey reads a passkey by what its authenticator calls it, for update: its counter counts up once.
func (t *Tx) LockPasskey(ctx context.Context, credential []byte) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where credential = $1 for update", credential)
}

// CountPasskey keeps the counter of a passkey that was used.
func (t *Tx) CountPasskey(ctx context.Context, id string, count int64) error {
	return t.touch(ctx, "update member_key set sign_count = $2 where id = $1", id, count)
}

// ShareKey reads a key by id and keeps it from being ended before the transaction is.
func (t *Tx) ShareKey(ctx context.Context, id string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where id = $1 for share", id)
}

// KeyByID reads a key.
func (t *Tx) KeyByID(ctx context.Context, id string) (MemberKey, error) {
	return one[MemberKey](ctx, t, "select * from member_key where id = $1", id)
}

// Keys lists the keys of an organization's people.
func (t *Tx) Keys(ctx context.Context, org string, w Window) ([]MemberKey, error) {
	return listed[MemberKey](ctx, t, w, `select k.* from member_key k join member m on m.id = k.member
		where m.org = $1`, org)
}

// KeysOf lists the keys of one person.
func (t *Tx) KeysOf(ctx context.Context, member string) ([]MemberKey, error) {
	return many[MemberKey](ctx, t, "select * from member_key where member = $1 order by offered_at", member)
}

// CountOffers counts the keys offered for a member and not yet decided.
func (t *Tx) CountOffers(ctx context.Context, member string) (int64, error) {
	return value[int64](ctx, t, "select count(*) from member_key where member = $1 and state = 'offered'", member)
}

// AdmitKey lets an offered key in until it expires.
func (t *Tx) AdmitKey(ctx context.Context, id, by string, at, expires time.Time) error {
	return t.touch(ctx, `update member_key set state = 'admitted', admitted_by = $2, admitted_at = $3, expires_at = $4
		where id = $1 and state = 'offered'`, id, by, at, expires)
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
