package catalog

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Sessions turns proofs into short, opaque tokens and tokens into subjects. It decides nothing: every act that
// follows does. It knows nothing of HTTP: an edge verifies what is signed and hands in what that says.
type Sessions struct{ c *core }

// AssertionLife is how long an assertion may live, from now to its end (sessions.assertion_minutes).
func (s *Sessions) AssertionLife() time.Duration {
	return time.Duration(s.c.Rules.Sessions.AssertionMinutes) * time.Minute
}

// PublicKey returns the key of a fingerprint that is in force, to verify an assertion with.
func (s *Sessions) PublicKey(ctx context.Context, fingerprint string) (public ed25519.PublicKey, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := tx.Key(ctx, fingerprint)
		if err != nil || !keyCounts(key, s.c.Now()) || isPasskey(key) {
			return fault.New(fault.Unauthenticated, "key.unknown")
		}
		public = key.PublicKey
		return nil
	})
	return public, err
}

// Open spends a verified assertion and returns a token and its life. The token of a key that goes with a
// certificate is bound to it.
func (s *Sessions) Open(ctx context.Context, a org.Assertion) (token string, life time.Duration, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := s.provenKey(ctx, tx, a)
		if err != nil {
			return err
		}
		row := postgres.Token{Member: key.Member, MemberKey: &key.ID, Certificate: key.Certificate}
		token, life, err = s.issue(ctx, tx, row)
		return err
	})
	return token, life, err
}

// provenKey spends an assertion and notes the use of its key.
func (s *Sessions) provenKey(ctx context.Context, tx *postgres.Tx, a org.Assertion) (postgres.MemberKey, error) {
	now := s.c.Now()
	key, err := tx.Key(ctx, a.Fingerprint)
	if err != nil || !keyCounts(key, now) {
		return key, fault.New(fault.Unauthenticated, "key.unknown")
	}
	who, err := tx.Member(ctx, key.Member)
	if err != nil || who.State != string(org.Active) {
		return key, fault.New(fault.Unauthenticated, "key.unknown")
	}
	if key.Certificate != "" && key.Certificate != a.Certificate {
		return key, fault.New(fault.Unauthenticated, "certificate.other")
	}
	if err := tx.UseAssertion(ctx, key.ID, a.ID, a.Expires); err != nil {
		if postgres.IsUnique(err, "assertion_pkey") {
			return key, fault.New(fault.Unauthenticated, "assertion.replayed")
		}
		return key, fmt.Errorf("spending assertion: %w", err)
	}
	if err := tx.UseKey(ctx, key.ID, now); err != nil {
		return key, fmt.Errorf("noting key use: %w", err)
	}
	return key, nil
}

// issue makes a token for what row says was proven.
func (s *Sessions) issue(ctx context.Context, tx *postgres.Tx, row postgres.Token) (token string, life time.Duration, err error) {
	now := s.c.Now()
	if token, err = s.c.secret(); err != nil {
		return "", 0, err
	}
	life = time.Duration(s.c.Rules.Sessions.TokenMinutes) * time.Minute
	row.Hash, row.CreatedAt, row.ExpiresAt = tokenHash(token), now, now.Add(life)
	if err := tx.SweepTokens(ctx, now); err != nil {
		return "", 0, fmt.Errorf("sweeping tokens: %w", err)
	}
	if err := tx.InsertToken(ctx, row); err != nil {
		return "", 0, fmt.Errorf("keeping token: %w", err)
	}
	return token, life, nil
}

// Subject returns who stands behind a token now: a removed member, an ended key or an ended capacity counts
// from the next call on. certificate names the one the connection came with, "" for none: a bound token is
// nobody's over any other.
func (s *Sessions) Subject(ctx context.Context, token, certificate string) (policy.Subject, error) {
	return s.subject(ctx, tokenHash(token), certificate)
}

func (s *Sessions) subject(ctx context.Context, hash []byte, certificate string) (who policy.Subject, err error) {
	now, stale := s.c.Now(), false
	err = s.c.DB.Alone(ctx, func(tx *postgres.Tx) error {
		caller, err := s.c.callers.of(ctx, tx, hash, now)
		if errors.Is(err, postgres.ErrNone) {
			return fault.New(fault.Unauthenticated, "token.unknown")
		}
		if err != nil {
			return fmt.Errorf("reading token: %w", err)
		}
		if caller.Certificate != "" && caller.Certificate != certificate {
			return fault.New(fault.Unauthenticated, "certificate.other")
		}
		who, stale = subjectOf(caller, now), now.Sub(lastUse(caller)) >= useGrain
		return nil
	})
	if err != nil || !stale {
		return who, err
	}
	s.c.callers.forget(hash) // when it was last used is not what it was
	return who, s.c.DB.InTx(ctx, func(tx *postgres.Tx) error { return tx.UseToken(ctx, hash, now) })
}

// Suppose returns who stands behind a token if nothing has changed since it was last asked, and a context on that
// premise: whatever is done first under it finds out in the same trip to the record, and fails before it has done
// anything if the premise does not hold. Whoever calls it asks Supposed afterwards. It is nobody where nothing is
// remembered of the token, or something is to be noted of its use: then Subject tells.
func (s *Sessions) Suppose(ctx context.Context, token, certificate string) (on context.Context, who policy.Subject, ok bool) {
	now := s.c.Now()
	k, ok := s.c.callers.recall(tokenHash(token), now)
	if !ok || k.Certificate != "" && k.Certificate != certificate || now.Sub(lastUse(k.Caller)) >= useGrain {
		return ctx, who, false
	}
	return postgres.Suppose(ctx, k.Standing), subjectOf(k.Caller, now), true
}

// Supposed tells whether a context rests on a premise that nothing done under it has seen to hold: then nothing was
// done at all, and is to be done again, under the context it returns, for whom Subject tells.
func Supposed(ctx context.Context) (certain context.Context, unseen bool) {
	return postgres.Certain(ctx), !postgres.Held(ctx)
}

// useGrain is how exactly the record knows when a session was last used: most requests write nothing.
const useGrain = time.Minute

func lastUse(c postgres.Caller) time.Time {
	if c.UsedAt != nil {
		return *c.UsedAt
	}
	return c.CreatedAt
}

// subjectOf is who stands behind a token, as policy knows them.
func subjectOf(c postgres.Caller, now time.Time) policy.Subject {
	who := policy.Subject{Member: c.Member, Org: c.Org, Roles: slices.Clone(c.Roles), Capacities: slices.Clone(c.Capacities), ProvenAt: c.CreatedAt.Unix()}
	who.Strength, who.Method = proof(c, now)
	return who
}

// proof says how well and by what a caller proved who they are.
func proof(c postgres.Caller, now time.Time) (strength, method string) {
	switch {
	case c.Machine:
		return policy.Machine, policy.ByCertificate
	case c.Password:
		return strongUntil(c, now), policy.ByPassword
	case c.Scheme == string(envelope.WebAuthn):
		return strongUntil(c, now), policy.ByPasskey
	case c.Key != nil && c.Certificate != "":
		return policy.Strong, policy.ByCertificate
	case c.Key != nil:
		return policy.Strong, policy.ByKey
	case strongUntil(c, now) == policy.Strong:
		return policy.Strong, policy.ByFactor
	case c.ProviderStrong:
		return policy.Strong, policy.ByProvider
	}
	return policy.Basic, policy.ByProvider
}

// strongUntil says how strong a session is that was made strong for a time: a browser stays open longer than whoever
// proved themselves may be sitting before it.
func strongUntil(c postgres.Caller, now time.Time) string {
	if c.StrongUntil != nil && now.Before(*c.StrongUntil) {
		return policy.Strong
	}
	return policy.Basic
}

// Whoami describes a subject to itself.
func (s *Sessions) Whoami(ctx context.Context, who policy.Subject) (me org.Me, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		home, err := tx.Org(ctx, who.Org)
		if err != nil {
			return err
		}
		person, err := tx.Member(ctx, who.Member)
		if err != nil {
			return err
		}
		me = org.Me{
			Member: who.Member, Login: person.Login, Name: person.Name, Org: home.Number, OrgName: home.Name,
			Roles: who.Roles, Capacities: who.Capacities, Strength: who.Strength, Method: who.Method,
		}
		return s.keyEnd(ctx, tx, &me)
	})
	return me, outward(err)
}

// keyEnd tells when the last of a person's keys ends, and whether that is soon.
func (s *Sessions) keyEnd(ctx context.Context, tx *postgres.Tx, me *org.Me) error {
	now := s.c.Now()
	keys, err := tx.KeysOf(ctx, me.Member)
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	for _, k := range keys {
		if keyCounts(k, now) && (me.KeyExpiresAt == nil || k.ExpiresAt.After(*me.KeyExpiresAt)) {
			me.KeyExpiresAt = k.ExpiresAt
		}
	}
	warn := now.AddDate(0, 0, s.c.Rules.Keys.WarningDays)
	me.KeyExpiresSoon = me.KeyExpiresAt != nil && me.KeyExpiresAt.Before(warn)
	return nil
}

// secret draws 32 random bytes as 43 characters.
func (c *core) secret() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(c.Rand, raw); err != nil {
		return "", fmt.Errorf("drawing a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
