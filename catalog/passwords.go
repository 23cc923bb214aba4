package catalog

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/password"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// errLink is the one answer for a link that was spent, is too old, or never was.
func errLink() *fault.Error { return fault.New(fault.Unauthenticated, "link.unknown") }

// Linked returns whom an enrolment link is for, and what their authenticator keeps: the same secret each time until the
// link is spent. h is the link's handle. It permits nothing; Enrol does.
func (s *Passwords) Linked(ctx context.Context, h Handle) (e org.Enrolment, err error) {
	d := s.c.newDeed(ctx, policy.Subject{}, "password.enrol")
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		who, err := d.linked(h)
		if err != nil {
			return err
		}
		home, err := tx.Org(ctx, who.Org)
		if err != nil {
			return err
		}
		e = org.Enrolment{Login: who.Login, Name: who.Name, Org: home.Number, OrgName: home.Name}
		e.Secret, err = d.offeredSecret(who)
		return err
	})
	return e, err
}

// linked reads whom a link is for.
func (d *deed) linked(h Handle) (postgres.Member, error) {
	who, err := d.tx.LinkedMember(d.ctx, h.hash(), d.now)
	if absent(err) || err == nil && (who.Machine || who.State == string(org.Removed)) {
		return who, errLink()
	}
	return who, err
}

// offeredSecret returns the secret that waits for a person's authenticator, a new one when none does; nil when they have
// a factor that counts.
func (d *deed) offeredSecret(who postgres.Member) (*org.FactorSecret, error) {
	f, err := d.tx.LockFactor(d.ctx, who.ID)
	if absent(err) {
		made, sealed, err := d.newSecret(who)
		if err != nil {
			return nil, err
		}
		return &made, d.tx.OfferFactor(d.ctx, who.ID, sealed, d.now)
	}
	if err != nil || counting(&f) != nil {
		return nil, err
	}
	text, err := d.openedSecret(who.ID, f.Secret)
	if err != nil {
		return nil, err
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("reading a secret: %w", err)
	}
	made, err := d.shownSecret(who, raw)
	return &made, err
}

// Enrol spends a link: it keeps a password, lets the second factor in that has just been seen to work, and returns a
// session's token, with recovery codes when the factor is a new one. Who: whoever holds the link, as the person it is
// for.
func (s *Passwords) Enrol(ctx context.Context, h Handle, proof org.EnrolmentProof) (token string, codes org.RecoveryCodes, err error) {
	e, err := s.Linked(ctx, h)
	if err != nil {
		return "", codes, err
	}
	if err := password.Check(proof.Password, e.Login, e.Name, e.Org, e.OrgName); err != nil {
		return "", codes, err
	}
	if err := (org.ProofSpec{TOTP: proof.TOTP}).Check(); err != nil {
		return "", codes, err
	}
	seat, err := s.c.hasher.Seat(ctx)
	if err != nil {
		return "", codes, err
	}
	defer seat.Leave()
	hash, err := seat.Hash(proof.Password)
	if err != nil {
		return "", codes, err
	}
	k := knocker{trying: s.c.trying(e.Org, e.Login, "")}
	var failed *fault.Error
	if k.who, err = s.linkFactor(ctx, h, proof.TOTP); errors.As(err, &failed) {
		return "", codes, s.turnAway(ctx, k, failed)
	} else if err != nil {
		return "", codes, err
	}
	return s.take(ctx, h, k, hash)
}

// linkFactor spends one try at the second factor of whom a link is for.
func (s *Passwords) linkFactor(ctx context.Context, h Handle, totp string) (who postgres.Member, err error) {
	d := s.c.newDeed(ctx, policy.Subject{}, "password.enrol")
	var failed error
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		if who, err = d.linked(h); err != nil {
			return err
		}
		f, err := tx.LockFactor(ctx, who.ID)
		if err != nil {
			return fmt.Errorf("locking factor: %w", err)
		}
		sealed := f.Secret // offered or admitted: the one its owner was shown
		if failed, err = d.proven(&f, sealed, org.ProofSpec{TOTP: totp}); err != nil {
			return err
		}
		return tx.SetFactor(ctx, f)
	})
	if err == nil {
		err = failed
	}
	return who, err
}

// take is the act of an enrolment.
func (s *Passwords) take(ctx context.Context, h Handle, k knocker, hash string) (token string, codes org.RecoveryCodes, err error) {
	err = s.c.act(ctx, policy.Subject{}, "password.enrol", func(d *deed) error {
		if err := d.tx.TakeCode(ctx, k.who.ID, postgres.LinkCode, h.hash(), d.now); absent(err) {
			return errLink()
		} else if err != nil {
			return fmt.Errorf("spending a link: %w", err)
		}
		if err := d.tx.SetPassword(ctx, postgres.Password{Member: k.who.ID, Hash: hash, SetAt: d.now}); err != nil {
			return fmt.Errorf("keeping a password: %w", err)
		}
		if err := d.join(k.who); err != nil {
			return err
		}
		if token, err = d.letIn(k); err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "password", Org: d.caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		codes, err = d.admitFactor()
		return err
	})
	return token, codes, err
}

// admitFactor lets the caller's offered factor in, and makes recovery codes with it; one that counts stays as it is.
func (d *deed) admitFactor() (codes org.RecoveryCodes, err error) {
	f, err := d.tx.LockFactor(d.ctx, d.caller.Member)
	if err != nil || counting(&f) != nil {
		return codes, err
	}
	f.State = string(org.Admitted)
	if err := d.tx.SetFactor(d.ctx, f); err != nil {
		return codes, fmt.Errorf("letting a factor in: %w", err)
	}
	return d.newRecovery()
}

// Change puts a new password in the place of the caller's old one, and ends their other sessions. h names the present
// one. A wrong old password is counted as one at the door is. Who: everyone with a password, in a strong session.
func (s *Passwords) Change(ctx context.Context, caller policy.Subject, h Handle, c org.PasswordChange) error {
	me, err := (&Sessions{s.c}).Whoami(ctx, caller)
	if err != nil {
		return err
	}
	if err := password.Check(c.New, me.Login, me.Name, me.Org, me.OrgName); err != nil {
		return err
	}
	seat, err := s.c.hasher.Seat(ctx)
	if err != nil {
		return err
	}
	defer seat.Leave()
	k, err := s.knock(ctx, org.SignIn{Org: me.Org, Login: me.Login})
	if err != nil {
		return err
	}
	if !k.has {
		return fault.New(fault.Conflict, "password.none")
	}
	good, _, err := seat.Verify(c.Old, k.kept)
	if err != nil {
		return fmt.Errorf("verifying a password: %w", err)
	}
	if !good {
		return s.turnAway(ctx, k, fault.New(fault.Denied, "password.refused"))
	}
	hash, err := seat.Hash(c.New)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, h, k, hash)
}

// change is the act of a change.
func (s *Passwords) change(ctx context.Context, caller policy.Subject, h Handle, k knocker, hash string) error {
	return s.c.act(ctx, caller, "password.change", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "password", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		row, err := d.tx.LockPassword(ctx, caller.Member)
		if absent(err) || err == nil && row.Hash != k.kept {
			return fault.New(fault.Conflict, "password.none")
		}
		if err != nil {
			return fmt.Errorf("locking a password: %w", err)
		}
		row.Hash, row.SetAt = hash, d.now
		if err := d.tx.SetPassword(ctx, row); err != nil {
			return fmt.Errorf("keeping a password: %w", err)
		}
		if err := d.endSessions(caller.Member, h.hash()); err != nil {
			return err
		}
		return d.forgetTries(k.trying)
	})
}
