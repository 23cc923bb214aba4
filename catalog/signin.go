package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/password"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Passwords lets people in by what they know and a second factor, never by one of them alone. What a stranger tries has
// one answer, takes the same work and is counted alike, whether anybody has that name or not.
type Passwords struct{ c *core }

// errSignIn is the one answer to every try that did not count: it never tells which part was wrong.
func errSignIn() *fault.Error { return fault.New(fault.Unauthenticated, "signin.refused") }

// SignIn opens a session by password and second factor, strong for as long as the rules say
// (sessions.strong_minutes), and returns its token. Unauthenticated when the try did not count, Limited when it came too
// early to. Who: everyone with both.
func (s *Passwords) SignIn(ctx context.Context, try org.SignIn) (token string, err error) {
	if err := try.Check(); err != nil {
		return "", err
	}
	seat, err := s.c.hasher.Seat(ctx)
	if err != nil {
		return "", err
	}
	defer seat.Leave()
	k, err := s.knock(ctx, try)
	if err != nil {
		return "", err
	}
	good, stale, err := seat.Verify(try.Password, k.kept)
	if err != nil {
		return "", fmt.Errorf("verifying a password: %w", err)
	}
	if !good || !k.has {
		return "", s.turnAway(ctx, k, errSignIn())
	}
	by, err := s.secondFactor(ctx, k.who, try.ProofSpec)
	if err != nil {
		if fault.Of(err) == fault.Internal {
			return "", err
		}
		return "", s.turnAway(ctx, k, errSignIn())
	}
	fresh := ""
	if stale {
		if fresh, err = seat.Hash(try.Password); err != nil {
			return "", err
		}
	}
	return s.open(ctx, k, by, fresh)
}

// knocker is who may stand behind a try.
type knocker struct {
	trying
	who  postgres.Member // the zero one when nobody does
	kept string          // hash that their password is verified against
	has  bool            // it is theirs: who has none, or is not here, is verified against nobody's
}

// knock counts a try and reads whom it may be of.
func (s *Passwords) knock(ctx context.Context, try org.SignIn) (knocker, error) {
	number, login := try.Claim()
	k := knocker{trying: s.c.trying(number, login, try.From), kept: password.Decoy()}
	d := s.c.newDeed(ctx, policy.Subject{}, "session.open")
	if err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.SweepTries(ctx, d.now.Add(-longestWait-quietTime))
	}); err != nil {
		return k, fmt.Errorf("sweeping tries: %w", err)
	}
	var late *fault.Error
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		d.tx = tx
		if late, err = d.countTry(k.trying); err != nil {
			return err
		}
		return d.findKnocker(&k, number, login)
	})
	if err == nil && late != nil {
		err = s.turnAway(ctx, k, late)
	}
	return k, err
}

// findKnocker reads whom a claimed name is of, and their password.
func (d *deed) findKnocker(k *knocker, number, login string) error {
	who, err := memberNamed(d.ctx, d.tx, number, login)
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding who knocks: %w", err)
	}
	k.who = who
	row, err := d.tx.Password(d.ctx, who.ID)
	if absent(err) || err == nil && (who.Machine || who.State != string(org.Active)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a password: %w", err)
	}
	k.kept, k.has = row.Hash, true
	return nil
}

// turnAway puts a try that did not count on the trace, and returns why.
func (s *Passwords) turnAway(ctx context.Context, k knocker, why *fault.Error) error {
	d := s.c.newDeed(ctx, policy.Subject{}, "session.open")
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		return d.enterTry(k.trying, k.who, why.Code)
	})
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Code: "trace.unavailable", Cause: err}
	}
	return why
}

// secondFactor spends one try at somebody's second factor, before there is a session; by says what it was. Its failures
// are kept, whatever becomes of the sign-in.
func (s *Passwords) secondFactor(ctx context.Context, who postgres.Member, spec org.ProofSpec) (by string, err error) {
	d := s.c.newDeed(ctx, policy.Subject{}, "session.open")
	var failed error
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		f, err := tx.LockFactor(ctx, who.ID)
		if absent(err) || err == nil && counting(&f) == nil {
			failed = fault.New(fault.Denied, "factor.none")
			return nil
		}
		if err != nil {
			return fmt.Errorf("locking factor: %w", err)
		}
		if failed, err = d.proven(&f, counting(&f), spec); err != nil {
			return err
		}
		return tx.SetFactor(ctx, f)
	})
	if err == nil {
		err = failed
	}
	return d.detail["by"], err
}

// open opens the session of somebody who proved both. A password that ended meanwhile opens none. fresh takes the place
// of the kept hash, unless it is "".
func (s *Passwords) open(ctx context.Context, k knocker, by, fresh string) (token string, err error) {
	err = s.c.act(ctx, policy.Subject{}, "session.open", func(d *deed) error {
		row, err := d.tx.LockPassword(ctx, k.who.ID)
		if absent(err) || err == nil && row.Hash != k.kept {
			return errSignIn()
		}
		if err != nil {
			return fmt.Errorf("locking a password: %w", err)
		}
		if fresh != "" {
			row.Hash = fresh
			if err := d.tx.SetPassword(ctx, row); err != nil {
				return fmt.Errorf("keeping a hash: %w", err)
			}
		}
		if by != "" {
			d.detail["by"] = by
		}
		if token, err = d.letIn(k); err != nil {
			return err
		}
		return d.decide(policy.Object{Kind: "session", Org: d.caller.Org}, "", policy.Facts{})
	})
	return token, err
}

// letIn makes the strong session of somebody who proved both, and makes them the deed's caller.
func (d *deed) letIn(k knocker) (token string, err error) {
	sessions := Sessions{d.c}
	if token, _, err = sessions.issue(d.ctx, d.tx, postgres.Token{Member: k.who.ID, Password: true}); err != nil {
		return "", err
	}
	until := d.now.Add(time.Duration(d.c.Rules.Sessions.StrongMinutes) * time.Minute)
	if err := d.tx.StrengthenToken(d.ctx, tokenHash(token), until); err != nil {
		return "", fmt.Errorf("opening a session: %w", err)
	}
	who, err := d.tx.TokenCaller(d.ctx, tokenHash(token), d.now)
	if absent(err) { // removed meanwhile
		return "", errSignIn()
	}
	if err != nil {
		return "", fmt.Errorf("reading a session: %w", err)
	}
	d.caller = subjectOf(who.Caller, d.now)
	return token, d.forgetTries(k.trying)
}
