package catalog

import (
	"context"
	"crypto/ed25519"
	"errors"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Keys keeps people's own keys: made on their side, admitted by an administrator of their organization.
type Keys struct{ c *core }

// maxOffers bounds the keys that wait for one member, so that strangers cannot fill the table.
const maxOffers = 5

// Offer takes a key somebody made for a login. Nobody is authenticated yet, so the answer is the same
// whether the login exists or not; proof is the key's signature over org.OfferStatement. Nothing is granted
// until an administrator compares the fingerprint and admits it.
func (s *Keys) Offer(ctx context.Context, offer org.KeyOffer) (fingerprint string, err error) {
	said, fingerprint, err := offer.Check()
	if err != nil {
		return "", err
	}
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		home, err := tx.OrgByNumber(ctx, said.Org)
		if err != nil {
			return err
		}
		who, err := tx.MemberByLogin(ctx, home.ID, said.Login)
		if err != nil {
			return err
		}
		waiting, err := tx.CountOffers(ctx, who.ID)
		if err != nil || waiting >= maxOffers {
			return err
		}
		return tx.InsertKey(ctx, postgres.MemberKey{
			ID: name.NewID().String(), Fingerprint: fingerprint, Member: who.ID, PublicKey: offer.PublicKey,
			State: string(org.Offered), OfferedAt: s.c.Now(),
		})
	})
	if errors.Is(err, postgres.ErrNone) || postgres.IsUnique(err, "member_key_fingerprint_key") {
		return fingerprint, nil
	}
	return fingerprint, err
}

// Admit lets a key in. Who: org_admin of the key's organization, never for their own key; platform
// system_admin for an org_admin's key.
func (s *Keys) Admit(ctx context.Context, caller policy.Subject, fingerprint string) (view org.KeyView, err error) {
	err = s.c.change(ctx, caller, "key.admit", &view, func(d *deed) error {
		key, who, err := d.key(fingerprint)
		if err != nil {
			return err
		}
		if _, err := org.KeyFlow().Check(state(key.State), "admit"); err != nil {
			return err
		}
		if caller.Org != who.Org && !contains(who.Roles, string(org.OrgAdmin)) {
			return fault.NotFound()
		}
		key.State = string(org.Admitted)
		view = keyView(key, who)
		if err := d.tx.AdmitKey(ctx, key.ID, caller.Member, d.now); err != nil {
			return err
		}
		return d.join(who)
	})
	return view, err
}

// join makes a person active with their first admitted key.
func (d *deed) join(who postgres.Member) error {
	if who.State != string(org.Invited) {
		return nil
	}
	to, err := org.MemberFlow().Check(org.Invited, "join")
	if err != nil {
		return err
	}
	return d.tx.SetMember(d.ctx, who.ID, who.Roles, string(to))
}

// Revoke ends a key: its tokens stop counting at once. Who: org_admin.
func (s *Keys) Revoke(ctx context.Context, caller policy.Subject, fingerprint string) (view org.KeyView, err error) {
	err = s.c.change(ctx, caller, "key.revoke", &view, func(d *deed) error {
		key, who, err := d.key(fingerprint)
		if err != nil {
			return err
		}
		if _, err := org.KeyFlow().Check(state(key.State), "revoke"); err != nil {
			return err
		}
		key.State = string(org.Revoked)
		view = keyView(key, who)
		return d.tx.RevokeKey(ctx, key.ID, d.now)
	})
	return view, err
}

// List returns the keys of an organization's people. Who: its org_admin.
func (s *Keys) List(ctx context.Context, caller policy.Subject, number string, p Page) (views Listed[org.KeyView], err error) {
	err = s.c.act(ctx, caller, "key.list", func(d *deed) error {
		home, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "key", Org: home.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.MemberKey, error) { return d.tx.Keys(ctx, home.ID, w) },
			func(r postgres.MemberKey) string { return r.ID }, d.keyView)
		return err
	})
	return views, err
}

// key reads the key an act is about and decides it.
func (d *deed) key(fingerprint string) (postgres.MemberKey, postgres.Member, error) {
	key, err := d.tx.Key(d.ctx, fingerprint)
	if err != nil {
		return postgres.MemberKey{}, postgres.Member{}, err
	}
	who, err := d.tx.Member(d.ctx, key.Member)
	if err != nil {
		return postgres.MemberKey{}, postgres.Member{}, err
	}
	facts := policy.Facts{Person: &policy.PersonFacts{First: who.ID}}
	d.refs["key"] = fingerprint
	return key, who, d.decide(policy.Object{Kind: "key", ID: key.ID, Org: who.Org}, fingerprint, facts)
}

// voterKey returns the public key a vote or a profile signature must verify with: admitted, and the
// caller's own.
func (d *deed) voterKey(fingerprint string) (ed25519.PublicKey, string, error) {
	key, err := d.tx.Key(d.ctx, fingerprint)
	if err != nil || key.Member != d.caller.Member || key.State != string(org.Admitted) {
		return nil, "", fault.New(fault.Invalid, "signature.key_unknown")
	}
	return ed25519.PublicKey(key.PublicKey), key.ID, nil
}

func keyView(k postgres.MemberKey, m postgres.Member) org.KeyView {
	return org.KeyView{Fingerprint: k.Fingerprint, Login: m.Login, State: k.State, OfferedAt: k.OfferedAt, AdmittedAt: k.AdmittedAt, LastUsed: k.LastUsed}
}

func (d *deed) keyView(k postgres.MemberKey) (org.KeyView, error) {
	who, err := d.tx.Member(d.ctx, k.Member)
	return keyView(k, who), err
}
