package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Link makes a link with which a person without a password makes one, in the place of any link before. It is shown once
// and kept hashed, so its answer is not kept for a repetition. Who: org_admin; platform system_admin for an org_admin
// who has not joined yet. For oneself only in a session by one's own key: it is how the first administrator comes into
// the console.
func (s *Members) Link(ctx context.Context, caller policy.Subject, number, login string) (link org.EnrolmentLink, err error) {
	err = s.c.single(ctx, caller, "member.link", func(d *deed) error {
		who, err := d.member(number, login)
		if err != nil {
			return err
		}
		first := who.State == string(org.Invited) && slices.Contains(who.Roles, string(org.OrgAdmin))
		if caller.Org != who.Org && !first {
			return fault.NotFound()
		}
		if err := d.mayLink(who); err != nil {
			return err
		}
		_, err = d.tx.Password(ctx, who.ID)
		if err == nil {
			return fault.New(fault.Conflict, "password.set")
		}
		if !absent(err) {
			return fmt.Errorf("reading a password: %w", err)
		}
		link, err = d.newLink(who)
		return err
	})
	return link, err
}

// mayLink refuses a link for a program, for who is gone, and for oneself in a browser: whoever sits down at a session
// left open gains no lasting way in.
func (d *deed) mayLink(who postgres.Member) error {
	switch {
	case who.Machine:
		return fault.New(fault.Conflict, "member.machine")
	case who.State == string(org.Removed):
		return fault.New(fault.Conflict, "member.move_not_allowed")
	case who.ID == d.caller.Member && d.caller.Method != policy.ByKey:
		return fault.New(fault.Denied, "person.is_self")
	}
	return nil
}

// newLink makes a person's one link.
func (d *deed) newLink(who postgres.Member) (link org.EnrolmentLink, err error) {
	if err := d.tx.DropCodes(d.ctx, who.ID, postgres.LinkCode); err != nil {
		return link, fmt.Errorf("dropping links: %w", err)
	}
	secret, err := d.c.secret()
	if err != nil {
		return link, err
	}
	link = org.EnrolmentLink{
		Login: who.Login, Link: secret, ExpiresAt: d.now.Add(time.Duration(d.c.Rules.Sessions.EnrolmentHours) * time.Hour),
	}
	return link, d.tx.InsertCode(d.ctx, who.ID, postgres.LinkCode, tokenHash(secret), &link.ExpiresAt)
}

// Recover ends all a person signs in to the console with - password, second factor, recovery codes, passkeys - and every
// session of theirs, and makes a link to begin anew. Keys of the command line and names at a provider stay: they have
// administrators' verbs of their own. Unreleased votes of an ended passkey are void. Who: org_admin of the same
// organization; for oneself as Link.
func (s *Members) Recover(ctx context.Context, caller policy.Subject, number, login string) (link org.EnrolmentLink, err error) {
	err = s.c.single(ctx, caller, "member.recover", func(d *deed) error {
		who, err := d.member(number, login)
		if err != nil {
			return err
		}
		if err := d.mayLink(who); err != nil {
			return err
		}
		if _, err := org.MemberFlow().Check(state(who.State), "recover"); err != nil {
			return err
		}
		if err := d.endFactors(who.ID); err != nil {
			return err
		}
		if err := d.endSessions(who.ID, nil); err != nil {
			return err
		}
		link, err = d.newLink(who)
		return err
	})
	return link, err
}

// endFactors ends what a person proves themselves with in a browser.
func (d *deed) endFactors(member string) error {
	if err := d.tx.DropPassword(d.ctx, member); err != nil {
		return fmt.Errorf("ending a password: %w", err)
	}
	if err := d.tx.DropFactor(d.ctx, member); err != nil && !errors.Is(err, postgres.ErrNone) {
		return fmt.Errorf("ending a factor: %w", err)
	}
	keys, err := d.tx.KeysOf(d.ctx, member)
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	for _, k := range keys {
		if !isPasskey(k) || k.State == string(org.Revoked) {
			continue
		}
		if err := d.endKey(k); err != nil {
			return err
		}
	}
	return nil
}
