package catalog

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Sessions turns proofs of key possession into short, opaque tokens and tokens into subjects. It decides
// nothing: every act that follows does.
type Sessions struct{ c *core }

// PublicKey returns the admitted key of a fingerprint, to verify an assertion with.
func (s *Sessions) PublicKey(ctx context.Context, fingerprint string) (public ed25519.PublicKey, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := tx.Key(ctx, fingerprint)
		if err != nil || key.State != string(org.Admitted) {
			return fault.New(fault.Unauthenticated, "key.unknown")
		}
		public = key.PublicKey
		return nil
	})
	return public, err
}

// Open spends a verified assertion (RFC 7523: jti counts once until it expires) and returns a token.
func (s *Sessions) Open(ctx context.Context, fingerprint, jti string, expires time.Time) (token string, life time.Duration, err error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.c.Rand, raw); err != nil {
		return "", 0, fmt.Errorf("making token: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	life = time.Duration(s.c.Rules.Sessions.TokenMinutes) * time.Minute
	now := s.c.Now()
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := tx.Key(ctx, fingerprint)
		if err != nil || key.State != string(org.Admitted) {
			return fault.New(fault.Unauthenticated, "key.unknown")
		}
		who, err := tx.Member(ctx, key.Member)
		if err != nil || who.State != string(org.Active) {
			return fault.New(fault.Unauthenticated, "key.unknown")
		}
		if err := tx.SweepTokens(ctx, now); err != nil {
			return fmt.Errorf("sweeping tokens: %w", err)
		}
		if err := tx.UseAssertion(ctx, key.ID, jti, expires); err != nil {
			if postgres.IsUnique(err, "assertion_pkey") {
				return fault.New(fault.Unauthenticated, "assertion.replayed")
			}
			return fmt.Errorf("spending assertion: %w", err)
		}
		if err := tx.UseKey(ctx, key.ID, now); err != nil {
			return fmt.Errorf("noting key use: %w", err)
		}
		return tx.InsertToken(ctx, tokenHash(token), key.ID, now, now.Add(life))
	})
	return token, life, err
}

// Subject returns who stands behind a token now: a removed member, a revoked key or an ended capacity counts
// from the next call on.
func (s *Sessions) Subject(ctx context.Context, token string) (who policy.Subject, err error) {
	now := s.c.Now()
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		caller, err := tx.TokenCaller(ctx, tokenHash(token), now)
		if errors.Is(err, postgres.ErrNone) {
			return fault.New(fault.Unauthenticated, "token.unknown")
		}
		if err != nil {
			return fmt.Errorf("reading token: %w", err)
		}
		held, err := tx.Capacities(ctx, caller.Org, now)
		if err != nil {
			return fmt.Errorf("reading capacities: %w", err)
		}
		who = policy.Subject{Member: caller.Member, Org: caller.Org, Roles: caller.Roles, Capacities: held, Strength: "key"}
		return nil
	})
	return who, err
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
		me = org.Me{Member: who.Member, Login: person.Login, Name: person.Name, Org: home.Number, OrgName: home.Name, Roles: who.Roles, Capacities: who.Capacities}
		return nil
	})
	return me, outward(err)
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
