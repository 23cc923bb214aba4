package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Identities links people here to their names at an OpenID provider. A login offers a link; an administrator of
// the person's organization admits it.
type Identities struct{ c *core }

// Admit lets an offered identity in. Who: as Keys.Admit.
func (s *Identities) Admit(ctx context.Context, caller policy.Subject, id string) (view org.IdentityView, err error) {
	err = s.c.change(ctx, caller, "identity.admit", &view, func(d *deed) error {
		row, who, err := d.identity(id)
		if err != nil {
			return err
		}
		to, err := org.IdentityFlow().Check(state(row.State), "admit")
		if err != nil {
			return err
		}
		if caller.Org != who.Org && !slices.Contains(who.Roles, string(org.OrgAdmin)) {
			return fault.NotFound()
		}
		row.State, row.AdmittedAt = string(to), &d.now
		view = identityView(row, who)
		err = d.tx.AdmitIdentity(ctx, row.ID, caller.Member, d.now)
		if postgres.IsUnique(err, "member_identity_subject_key") {
			return fault.New(fault.Conflict, "identity.taken")
		}
		if err != nil {
			return err
		}
		return d.join(who)
	})
	return view, err
}

// Revoke ends an identity: its tokens stop counting at once. Who: org_admin.
func (s *Identities) Revoke(ctx context.Context, caller policy.Subject, id string) (view org.IdentityView, err error) {
	err = s.c.change(ctx, caller, "identity.revoke", &view, func(d *deed) error {
		row, who, err := d.identity(id)
		if err != nil {
			return err
		}
		to, err := org.IdentityFlow().Check(state(row.State), "revoke")
		if err != nil {
			return err
		}
		row.State = string(to)
		view = identityView(row, who)
		return d.tx.RevokeIdentity(ctx, row.ID, d.now)
	})
	return view, err
}

// List returns the identities of an organization's people. Who: org_admin.
func (s *Identities) List(ctx context.Context, caller policy.Subject, number string) (views []org.IdentityView, err error) {
	err = s.c.act(ctx, caller, "identity.list", func(d *deed) error {
		home, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "identity", Org: home.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		rows, err := d.tx.Identities(ctx, home.ID)
		if err != nil {
			return fmt.Errorf("listing identities: %w", err)
		}
		views, err = each(rows, func(i postgres.Identity) (org.IdentityView, error) {
			who, err := d.tx.Member(ctx, i.Member)
			return identityView(i, who), err
		})
		return err
	})
	return views, err
}

// identity locks the identity an act is about and decides it. The trace names it by its id: a subject is a
// person's name elsewhere.
func (d *deed) identity(id string) (row postgres.Identity, who postgres.Member, err error) {
	if _, err := name.ParseID(id); err != nil {
		return row, who, fault.NotFound()
	}
	if row, err = d.tx.LockIdentity(d.ctx, id); err != nil {
		return row, who, err
	}
	if who, err = d.tx.Member(d.ctx, row.Member); err != nil {
		return row, who, err
	}
	facts := policy.Facts{Person: &policy.PersonFacts{First: who.ID}}
	return row, who, d.decide(policy.Object{Kind: "identity", ID: row.ID, Org: who.Org}, row.ID, facts)
}

func identityView(i postgres.Identity, m postgres.Member) org.IdentityView {
	return org.IdentityView{
		ID: i.ID, Login: m.Login, Issuer: i.Issuer, Subject: i.Subject, Label: i.Label, State: i.State,
		OfferedAt: i.OfferedAt, AdmittedAt: i.AdmittedAt, LastUsed: i.LastUsed,
	}
}
