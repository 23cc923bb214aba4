package catalog

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// Bounds of a login through a provider.
const (
	attemptLife = 10 * time.Minute // to come back from the provider
	codeLife    = time.Minute      // to exchange what came back
	maxAttempts = 2000             // on their way at once: nobody is known yet, so strangers make them
)

// Begin keeps a login on its way to a provider and returns its state, which counts once.
func (s *Sessions) Begin(ctx context.Context, a org.Attempt) (state string, err error) {
	if state, err = s.c.secret(); err != nil {
		return "", err
	}
	now := s.c.Now()
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.SweepLogins(ctx, now); err != nil {
			return fmt.Errorf("sweeping logins: %w", err)
		}
		return tx.InsertAttempt(ctx, postgres.Attempt{
			State: tokenHash(state), Nonce: a.Nonce, Verifier: a.Verifier, Redirect: a.Redirect, Challenge: a.Challenge,
			Relay: a.Relay, Org: a.Org, Login: a.Login, ExpiresAt: now.Add(attemptLife),
		}, maxAttempts)
	})
	if errors.Is(err, postgres.ErrNone) {
		return "", s.busy(ctx, now)
	}
	return state, err
}

// busy says that no further login can be on its way, and when the first of those that are is forgotten.
func (s *Sessions) busy(ctx context.Context, now time.Time) error {
	var ends time.Time
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		ends, err = tx.FirstAttemptEnds(ctx)
		return err
	})
	if err != nil && !errors.Is(err, postgres.ErrNone) { // none: they came back meanwhile
		return fmt.Errorf("finding the oldest login: %w", err)
	}
	return &fault.Error{Kind: fault.Limited, Code: "login.busy", After: max(time.Second, ends.Sub(now))}
}

// Attempt spends a state and returns the login it stands for.
func (s *Sessions) Attempt(ctx context.Context, state string) (a org.Attempt, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		row, err := tx.TakeAttempt(ctx, tokenHash(state), s.c.Now())
		if errors.Is(err, postgres.ErrNone) {
			return fault.New(fault.Unauthenticated, "login.unknown")
		}
		a = org.Attempt{
			Nonce: row.Nonce, Verifier: row.Verifier, Redirect: row.Redirect, Challenge: row.Challenge, Relay: row.Relay,
			Org: row.Org, Login: row.Login,
		}
		return err
	})
	return a, err
}

// Arrive takes what a provider said and always returns a code, good or not, so that nobody learns from it who is
// known here: it opens a session exactly when the error is nil. A name nobody knows is offered to the login that
// was given with the attempt.
func (s *Sessions) Arrive(ctx context.Context, a org.Arrival) (code string, err error) {
	if code, err = s.c.secret(); err != nil {
		return "", err
	}
	known := false
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if a.Subject == "" {
			return nil
		}
		row, err := tx.AdmittedIdentity(ctx, a.Issuer, a.Subject)
		if errors.Is(err, postgres.ErrNone) {
			return s.offer(ctx, tx, a)
		}
		if err != nil {
			return fmt.Errorf("finding identity: %w", err)
		}
		known = true
		return tx.InsertLoginCode(ctx, postgres.LoginCode{
			Hash: tokenHash(code), Identity: row.ID, ProviderStrong: a.Strong, Redirect: a.Redirect, Challenge: a.Challenge,
			ExpiresAt: s.c.Now().Add(codeLife),
		})
	})
	if err == nil && !known {
		err = fault.New(fault.Unauthenticated, "identity.unknown")
	}
	return code, err
}

// offer puts an unknown name before the administrators of who they say they are. What is not there, and a program,
// is offered nothing: and nobody is told.
func (s *Sessions) offer(ctx context.Context, tx *postgres.Tx, a org.Arrival) error {
	who, err := memberNamed(ctx, tx, a.Org, a.Login)
	if errors.Is(err, postgres.ErrNone) || err == nil && who.Machine {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding member: %w", err)
	}
	waiting, err := tx.CountIdentityOffers(ctx, who.ID)
	if err != nil {
		return fmt.Errorf("counting offers: %w", err)
	}
	if waiting >= maxOffers {
		return nil
	}
	return tx.OfferIdentity(ctx, postgres.Identity{
		ID: name.NewID().String(), Issuer: a.Issuer, Subject: a.Subject, Label: a.Label, Member: who.ID,
		State: string(org.Offered), OfferedAt: s.c.Now(),
	})
}

func memberNamed(ctx context.Context, tx *postgres.Tx, number, login string) (postgres.Member, error) {
	home, err := tx.OrgByNumber(ctx, number)
	if err != nil {
		return postgres.Member{}, err
	}
	return tx.MemberByLogin(ctx, home.ID, login)
}

// Redeem spends a code for a token, for the program that asked and no other (RFC 7636). A code counts once,
// also when it is refused.
func (s *Sessions) Redeem(ctx context.Context, r org.Redemption) (token string, life time.Duration, err error) {
	refused := fault.New(fault.Unauthenticated, "code.refused")
	good := false
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		now := s.c.Now()
		code, err := tx.TakeLoginCode(ctx, tokenHash(r.Code), now)
		if errors.Is(err, postgres.ErrNone) || err == nil && !fits(code, r) {
			return nil // what was taken stays taken
		}
		if err != nil {
			return fmt.Errorf("spending code: %w", err)
		}
		row, err := tx.IdentityByID(ctx, code.Identity)
		if err != nil {
			return fmt.Errorf("reading identity: %w", err)
		}
		who, err := tx.Member(ctx, row.Member)
		if err != nil {
			return fmt.Errorf("reading member: %w", err)
		}
		if row.State != string(org.Admitted) || who.State != string(org.Active) {
			return nil
		}
		if err := tx.UseIdentity(ctx, row.ID, now); err != nil {
			return fmt.Errorf("noting use: %w", err)
		}
		good = true
		proven := postgres.Token{Member: who.ID, Identity: &row.ID, ProviderStrong: code.ProviderStrong}
		token, life, err = s.issue(ctx, tx, proven)
		return err
	})
	if err == nil && !good {
		err = refused
	}
	return token, life, err
}

// fits reports whether a redemption is by the program that asked.
func fits(c postgres.LoginCode, r org.Redemption) bool {
	sum := sha256.Sum256([]byte(r.Verifier))
	proven := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(proven), []byte(c.Challenge)) == 1 && r.Redirect == c.Redirect
}
