package postgres

import (
	"context"
	"time"
)

// Identity is a row of member_identity.
type Identity struct {
	ID         string
	Issuer     string
	Subject    string
	Label      string
	Member     string
	State      string
	OfferedAt  time.Time
	AdmittedAt *time.Time
	AdmittedBy *string
	RevokedAt  *time.Time
	LastUsed   *time.Time
}

// OfferIdentity adds an offered identity; nothing when the same one is offered already.
func (t *Tx) OfferIdentity(ctx context.Context, i Identity) error {
	return t.exec(ctx, `insert into member_identity (id, issuer, subject, label, member, state, offered_at)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`, i.ID, i.Issuer, i.Subject, i.Label, i.Member, i.State, i.OfferedAt)
}

// AdmittedIdentity reads the one link of a provider's name that is in force.
func (t *Tx) AdmittedIdentity(ctx context.Context, issuer, subject string) (Identity, error) {
	return one[Identity](ctx, t, "select * from member_identity where issuer = $1 and subject = $2 and state = 'admitted'", issuer, subject)
}

// IdentityByID reads an identity by id.
func (t *Tx) IdentityByID(ctx context.Context, id string) (Identity, error) {
	return one[Identity](ctx, t, "select * from member_identity where id = $1", id)
}

// LockIdentity reads an identity by id for update.
func (t *Tx) LockIdentity(ctx context.Context, id string) (Identity, error) {
	return one[Identity](ctx, t, "select * from member_identity where id = $1 for update", id)
}

// Identities lists the identities of an organization's people.
func (t *Tx) Identities(ctx context.Context, org string) ([]Identity, error) {
	return many[Identity](ctx, t, `select i.* from member_identity i join member m on m.id = i.member
		where m.org = $1 order by i.offered_at`, org)
}

// CountIdentityOffers counts the identities offered for a member and not yet decided.
func (t *Tx) CountIdentityOffers(ctx context.Context, member string) (int64, error) {
	return value[int64](ctx, t, "select count(*) from member_identity where member = $1 and state = 'offered'", member)
}

// AdmitIdentity lets an offered identity in; a unique violation on member_identity_subject_key means that the name
// is linked to somebody already.
func (t *Tx) AdmitIdentity(ctx context.Context, id, by string, at time.Time) error {
	return t.touch(ctx, `update member_identity set state = 'admitted', admitted_by = $2, admitted_at = $3
		where id = $1 and state = 'offered'`, id, by, at)
}

// RevokeIdentity ends an identity.
func (t *Tx) RevokeIdentity(ctx context.Context, id string, at time.Time) error {
	return t.touch(ctx, `update member_identity set state = 'revoked', revoked_at = $2 where id = $1 and state <> 'revoked'`, id, at)
}

// UseIdentity notes that an identity was used.
func (t *Tx) UseIdentity(ctx context.Context, id string, at time.Time) error {
	return t.touch(ctx, "update member_identity set last_used = $2 where id = $1", id, at)
}

// Attempt is a row of login_attempt.
type Attempt struct {
	State     []byte
	Nonce     string
	Verifier  string
	Redirect  string
	Challenge string
	Relay     string
	Org       string
	Login     string
	ExpiresAt time.Time
}

// InsertAttempt keeps a login on its way, unless as many as most are on theirs: then ErrNone.
func (t *Tx) InsertAttempt(ctx context.Context, a Attempt, most int64) error {
	return t.touch(ctx, `insert into login_attempt (state, nonce, verifier, redirect, challenge, relay, org, login, expires_at)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9 where (select count(*) from login_attempt) < $10`,
		a.State, a.Nonce, a.Verifier, a.Redirect, a.Challenge, a.Relay, a.Org, a.Login, a.ExpiresAt, most)
}

// FirstAttemptEnds returns when the oldest login on its way is forgotten. ErrNone when there is none.
func (t *Tx) FirstAttemptEnds(ctx context.Context) (time.Time, error) {
	return value[time.Time](ctx, t, "select expires_at from login_attempt order by expires_at limit 1")
}

// TakeAttempt spends a login's state.
func (t *Tx) TakeAttempt(ctx context.Context, state []byte, now time.Time) (Attempt, error) {
	return one[Attempt](ctx, t, "delete from login_attempt where state = $1 and expires_at > $2 returning *", state, now)
}

// LoginCode is a row of login_code.
type LoginCode struct {
	Hash           []byte
	Identity       string
	ProviderStrong bool
	Redirect       string
	Challenge      string
	ExpiresAt      time.Time
}

// InsertLoginCode keeps a code.
func (t *Tx) InsertLoginCode(ctx context.Context, c LoginCode) error {
	return t.exec(ctx, `insert into login_code (hash, identity, provider_strong, redirect, challenge, expires_at)
		values ($1, $2, $3, $4, $5, $6)`, c.Hash, c.Identity, c.ProviderStrong, c.Redirect, c.Challenge, c.ExpiresAt)
}

// TakeLoginCode spends a code.
func (t *Tx) TakeLoginCode(ctx context.Context, hash []byte, now time.Time) (LoginCode, error) {
	return one[LoginCode](ctx, t, "delete from login_code where hash = $1 and expires_at > $2 returning *", hash, now)
}

// SweepLogins deletes attempts and codes that have expired.
func (t *Tx) SweepLogins(ctx context.Context, now time.Time) error {
	if err := t.exec(ctx, "delete from login_attempt where expires_at <= $1", now); err != nil {
		return err
	}
	return t.exec(ctx, "delete from login_code where expires_at <= $1", now)
}
