package catalog

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Factors keeps people's second factors: what makes a session through a provider strong. Secrets and codes pass
// through answers once and are never kept readable, so no verb here that makes one keeps its answer for a repetition.
type Factors struct{ c *core }

// Bounds of trying.
const (
	maxFailures   = 5
	failureWindow = 15 * time.Minute // in which they count together
	lockTime      = 15 * time.Minute
	recoveryCodes = 10
)

// Enrol makes a new secret for the caller's authenticator; it counts once Confirm has seen it work, and until then the
// one before does. Who: everyone, in a strong session or, for their first factor, with their administrator's one-time
// code.
func (s *Factors) Enrol(ctx context.Context, caller policy.Subject, spec org.EnrolSpec) (secret org.FactorSecret, err error) {
	err = s.c.single(ctx, caller, "factor.enrol", func(d *deed) error {
		if err := d.ownFactor(); err != nil {
			return err
		}
		if err := d.mayEnrol(spec.Code); err != nil {
			return err
		}
		who, err := d.tx.Member(ctx, caller.Member)
		if err != nil {
			return err
		}
		made, sealed, err := d.newSecret(who)
		if err != nil {
			return err
		}
		err = d.tx.OfferFactor(ctx, caller.Member, sealed, d.now)
		if errors.Is(err, postgres.ErrNone) {
			err = d.offerNext(sealed)
		}
		secret = made
		return err
	})
	return secret, err
}

// offerNext keeps a secret beside the one that counts. Only a strong session gets there: a code is for a first factor.
func (d *deed) offerNext(sealed []byte) error {
	if d.caller.Strength != policy.Strong {
		return fault.New(fault.Conflict, "factor.enrolled")
	}
	f, err := d.tx.LockFactor(d.ctx, d.caller.Member)
	if err != nil {
		return fmt.Errorf("locking factor: %w", err)
	}
	f.Next = sealed
	return d.tx.SetFactor(d.ctx, f)
}

// ownFactor decides an act on the caller's own factor. A tag is refused before anything is tried: refused afterwards,
// it would take back the count of a failed try.
func (d *deed) ownFactor() error {
	if err := d.decide(policy.Object{Kind: "factor", Org: d.caller.Org}, "", policy.Facts{}); err != nil {
		return err
	}
	return d.untagged()
}

// mayEnrol spends the code a weak session needs.
func (d *deed) mayEnrol(code string) error {
	if d.caller.Strength == policy.Strong {
		return nil
	}
	err := d.tx.TakeCode(d.ctx, d.caller.Member, postgres.EnrolmentCode, codeHash(code), d.now)
	if errors.Is(err, postgres.ErrNone) {
		return fault.New(fault.Denied, "factor.code_needed")
	}
	return err
}

// Confirm lets an enrolled secret in once it has shown to work, in the place of any before, and returns codes for the
// day the authenticator is lost; earlier ones end. Who: everyone, for themselves.
func (s *Factors) Confirm(ctx context.Context, caller policy.Subject, spec org.ProofSpec) (codes org.RecoveryCodes, err error) {
	err = s.try(ctx, caller, "factor.confirm", spec, enrolled, func(d *deed, f *postgres.Factor) error {
		f.Secret, f.Next, f.State = enrolled(f), nil, string(org.Admitted)
		codes, err = d.newRecovery()
		return err
	})
	return codes, err
}

// enrolled is the secret that waits for its confirmation; nil for none.
func enrolled(f *postgres.Factor) []byte {
	if f.State == string(org.Offered) {
		return f.Secret
	}
	return f.Next
}

// counting is the secret that counts; nil for none.
func counting(f *postgres.Factor) []byte {
	if f.State == string(org.Admitted) {
		return f.Secret
	}
	return nil
}

// Renew makes the caller's recovery codes anew; the earlier ones end. Who: everyone with a factor, in a strong session.
func (s *Factors) Renew(ctx context.Context, caller policy.Subject) (codes org.RecoveryCodes, err error) {
	err = s.c.single(ctx, caller, "factor.renew", func(d *deed) error {
		if err := d.ownFactor(); err != nil {
			return err
		}
		f, err := d.tx.LockFactor(ctx, caller.Member)
		if absent(err) || err == nil && counting(&f) == nil {
			return fault.New(fault.Conflict, "factor.none")
		}
		if err != nil {
			return fmt.Errorf("locking factor: %w", err)
		}
		codes, err = d.newRecovery()
		return err
	})
	return codes, err
}

// Prove makes the caller's present session strong for as long as the rules say (sessions.strong_minutes). h names
// that session. Who: everyone with a factor.
func (s *Factors) Prove(ctx context.Context, caller policy.Subject, h Handle, spec org.ProofSpec) error {
	return s.try(ctx, caller, "factor.prove", spec, counting, func(d *deed, _ *postgres.Factor) error {
		until := d.now.Add(time.Duration(d.c.Rules.Sessions.StrongMinutes) * time.Minute)
		return d.tx.StrengthenToken(ctx, h.hash(), until)
	})
}

// try spends one try at a secret of the caller's factor. Failures are counted in the act's own transaction, under the
// factor's lock: so a failed try is an act that is carried out, traced with its answer, and then told.
func (s *Factors) try(ctx context.Context, caller policy.Subject, action policy.Action, spec org.ProofSpec, secret func(*postgres.Factor) []byte, then func(*deed, *postgres.Factor) error) error {
	if err := spec.Check(); err != nil {
		return err
	}
	var failed error
	err := s.c.single(ctx, caller, action, func(d *deed) error {
		if err := d.ownFactor(); err != nil {
			return err
		}
		f, err := d.tx.LockFactor(ctx, caller.Member)
		if errors.Is(err, postgres.ErrNone) {
			return fault.New(fault.Conflict, "factor.none")
		}
		if err != nil {
			return fmt.Errorf("locking factor: %w", err)
		}
		sealed := secret(&f)
		if sealed == nil {
			return absentFactor(f)
		}
		if failed, err = d.proven(&f, sealed, spec); err != nil {
			return err
		}
		if failed != nil {
			d.detail["answer"] = fault.Code(failed)
		} else if err := then(d, &f); err != nil {
			return err
		}
		return d.tx.SetFactor(ctx, f)
	})
	return errors.Join(err, failed)
}

// absentFactor says why a factor has not the secret that was asked for.
func absentFactor(f postgres.Factor) error {
	if f.State == string(org.Admitted) {
		return fault.New(fault.Conflict, "factor.enrolled")
	}
	return fault.New(fault.Conflict, "factor.none")
}

// proven checks one try at a sealed secret of a factor and counts it. failed is what the caller is told.
func (d *deed) proven(f *postgres.Factor, sealed []byte, spec org.ProofSpec) (failed, err error) {
	if f.LockedUntil != nil && d.now.Before(*f.LockedUntil) {
		return &fault.Error{Kind: fault.Limited, Code: "factor.locked", After: f.LockedUntil.Sub(d.now)}, nil
	}
	good, err := d.matches(f, sealed, spec)
	if err != nil {
		return nil, err
	}
	if good {
		f.Failures, f.FailingSince, f.LockedUntil = 0, nil, nil
		return nil, nil
	}
	if f.FailingSince == nil || d.now.After(f.FailingSince.Add(failureWindow)) {
		f.Failures, f.FailingSince = 0, &d.now
	}
	if f.Failures++; f.Failures >= maxFailures {
		until := d.now.Add(lockTime)
		f.Failures, f.FailingSince, f.LockedUntil = 0, nil, &until
	}
	return fault.New(fault.Denied, "factor.refused"), nil
}

// matches reports whether a proof is good, and spends it: a time step and a recovery code count once.
func (d *deed) matches(f *postgres.Factor, sealed []byte, spec org.ProofSpec) (bool, error) {
	if spec.Recovery != "" {
		if !bytes.Equal(sealed, counting(f)) { // it stands for an authenticator that was lost, not for one that is new
			return false, nil
		}
		err := d.tx.TakeCode(d.ctx, f.Member, postgres.RecoveryCode, codeHash(spec.Recovery), d.now)
		if errors.Is(err, postgres.ErrNone) {
			return false, nil
		}
		d.detail["by"] = "recovery"
		return err == nil, err
	}
	step, err := d.step(f.Member, sealed, spec.TOTP)
	if err != nil || step <= f.Step {
		return false, err
	}
	f.Step = step
	return true, nil
}

// Code makes a one-time code with which a person enrols their first factor, in the place of any before. Who:
// org_admin, of another person.
func (s *Factors) Code(ctx context.Context, caller policy.Subject, number, login string) (code org.EnrolmentCode, err error) {
	err = s.c.single(ctx, caller, "factor.code", func(d *deed) error {
		who, err := d.member(number, login)
		if err != nil {
			return err
		}
		if err := d.tx.DropCodes(ctx, who.ID, postgres.EnrolmentCode); err != nil {
			return fmt.Errorf("dropping codes: %w", err)
		}
		plain, err := d.newCode()
		if err != nil {
			return err
		}
		code = org.EnrolmentCode{Login: who.Login, Code: plain}
		expires := d.now.Add(time.Duration(d.c.Rules.Sessions.EnrolmentHours) * time.Hour)
		return d.tx.InsertCode(ctx, who.ID, postgres.EnrolmentCode, codeHash(plain), &expires)
	})
	return code, err
}

// Reset ends a person's factor, its codes, and what it made strong: they enrol anew. Who: org_admin, of another
// person.
func (s *Factors) Reset(ctx context.Context, caller policy.Subject, number, login string) (view org.FactorView, err error) {
	err = s.c.change(ctx, caller, "factor.reset", &view, func(d *deed) error {
		who, err := d.member(number, login)
		if err != nil {
			return err
		}
		view = org.FactorView{Login: who.Login, State: "none"}
		err = d.tx.DropFactor(ctx, who.ID)
		if errors.Is(err, postgres.ErrNone) {
			return fault.New(fault.Conflict, "factor.none")
		}
		return err
	})
	return view, err
}

// newRecovery makes a person's recovery codes anew.
func (d *deed) newRecovery() (org.RecoveryCodes, error) {
	var all org.RecoveryCodes
	if err := d.tx.DropCodes(d.ctx, d.caller.Member, postgres.RecoveryCode); err != nil {
		return all, fmt.Errorf("dropping codes: %w", err)
	}
	for range recoveryCodes {
		plain, err := d.newCode()
		if err != nil {
			return all, err
		}
		if err := d.tx.InsertCode(d.ctx, d.caller.Member, postgres.RecoveryCode, codeHash(plain), nil); err != nil {
			return all, fmt.Errorf("keeping code: %w", err)
		}
		all.Codes = append(all.Codes, plain)
	}
	return all, nil
}

// newCode draws 80 bits as text people can type: too many to guess, so their hash needs no salt.
func (d *deed) newCode() (string, error) {
	raw := make([]byte, 10)
	if _, err := io.ReadFull(d.c.Rand, raw); err != nil {
		return "", fmt.Errorf("drawing a code: %w", err)
	}
	t := base32.StdEncoding.EncodeToString(raw)
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:], nil
}
