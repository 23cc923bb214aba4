package catalog

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/passkey"
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
			State: string(org.Offered), OfferedAt: s.c.Now(), Certificate: said.Certificate,
		})
	})
	if errors.Is(err, postgres.ErrNone) || postgres.IsUnique(err, "member_key_fingerprint_key") {
		return fingerprint, nil
	}
	return fingerprint, err
}

// Admit lets a key in, for as long as the rules say (keys.days). A program's key needs a certificate. Who: org_admin of the key's organization, never for their own key; platform
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
		if caller.Org != who.Org && !slices.Contains(who.Roles, string(org.OrgAdmin)) {
			return fault.NotFound()
		}
		if who.Machine && key.Certificate == "" {
			return fault.Bad("key.invalid", fault.Place{Location: "certificate", Code: "certificate.missing"})
		}
		expires := d.keyEnd()
		key.State, key.AdmittedAt, key.ExpiresAt = string(org.Admitted), &d.now, &expires
		view = keyView(key, who)
		if err := d.tx.AdmitKey(ctx, key.ID, caller.Member, d.now, expires); err != nil {
			return err
		}
		if err := d.succeedBy(key); err != nil {
			return err
		}
		return d.join(who)
	})
	return view, err
}

// keyEnd is when a key admitted now expires.
func (d *deed) keyEnd() time.Time { return d.now.AddDate(0, 0, d.c.Rules.Keys.Days) }

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

// Revoke ends a key: its tokens stop counting at once, and so does what it voted for and was not released yet:
// whoever stole it gains nothing. Who: org_admin.
func (s *Keys) Revoke(ctx context.Context, caller policy.Subject, fingerprint string) (org.KeyView, error) {
	return s.revoke(ctx, caller, "key.revoke", fingerprint, func(postgres.Member) bool { return true })
}

// End revokes a key of the caller's own, of whatever kind: what Revoke is to an administrator. Who: everyone.
func (s *Keys) End(ctx context.Context, caller policy.Subject, fingerprint string) (org.KeyView, error) {
	return s.revoke(ctx, caller, "key.end", fingerprint, func(owner postgres.Member) bool { return owner.ID == caller.Member })
}

// revoke ends a key whose owner is one the act is about; another's is unknown to it.
func (s *Keys) revoke(ctx context.Context, caller policy.Subject, action policy.Action, fingerprint string, about func(owner postgres.Member) bool) (view org.KeyView, err error) {
	err = s.c.change(ctx, caller, action, &view, func(d *deed) error {
		key, who, err := d.key(fingerprint)
		if err != nil {
			return err
		}
		if !about(who) {
			return fault.NotFound()
		}
		if _, err := org.KeyFlow().Check(state(key.State), "revoke"); err != nil {
			return err
		}
		key.State, key.RevokedAt = string(org.Revoked), &d.now
		view = keyView(key, who)
		return d.endKey(key)
	})
	return view, err
}

// endKey revokes a key and voids its votes.
func (d *deed) endKey(key postgres.MemberKey) error {
	if err := d.tx.RevokeKey(d.ctx, key.ID, d.now); err != nil {
		return err
	}
	voided, err := d.tx.VoidVotes(d.ctx, key.ID, d.now)
	return d.sayVoided(voided, err)
}

// sayVoided puts on record how many votes an act voided.
func (d *deed) sayVoided(voided int64, err error) error {
	if err != nil {
		return fmt.Errorf("voiding votes: %w", err)
	}
	if voided > 0 {
		d.detail["voided"] = strconv.FormatInt(voided, 10)
	}
	return nil
}

// Rotate puts a new key in the place of an old one, at once: nobody admits it, since the old key vouches for it.
// Who: the key's owner.
func (s *Keys) Rotate(ctx context.Context, caller policy.Subject, fingerprint string, r org.KeyRotation) (view org.KeyView, err error) {
	err = s.c.change(ctx, caller, "key.rotate", &view, func(d *deed) error {
		old, who, err := d.key(fingerprint)
		if err != nil {
			return err
		}
		if who.ID != caller.Member {
			return fault.NotFound()
		}
		if _, err := org.KeyFlow().Check(state(old.State), "rotate"); err != nil {
			return err
		}
		if !keyCounts(old, d.now) {
			return fault.New(fault.Conflict, "key.expired")
		}
		if isPasskey(old) {
			return fault.New(fault.Conflict, "key.passkey")
		}
		said, err := r.Check(old.PublicKey)
		if err != nil {
			return err
		}
		fresh, err := d.succeed(old, said, r.PublicKey)
		view = keyView(fresh, who)
		return err
	})
	return view, err
}

// succeed admits a key in the place of another one, with a certificate exactly when that one had one.
func (d *deed) succeed(old postgres.MemberKey, said org.RotationStatement, public ed25519.PublicKey) (postgres.MemberKey, error) {
	if (said.Certificate == "") != (old.Certificate == "") {
		return old, fault.Bad("key.invalid", fault.Place{Location: "by_old.certificate", Code: "certificate.missing"})
	}
	to, err := org.KeyFlow().Check(org.Offered, "admit") // added and admitted at once
	if err != nil {
		return old, err
	}
	expires := d.keyEnd()
	fresh := postgres.MemberKey{
		ID: name.NewID().String(), Fingerprint: said.To, Member: old.Member, PublicKey: public, State: string(to),
		OfferedAt: d.now, AdmittedAt: &d.now, AdmittedBy: &d.caller.Member, ExpiresAt: &expires, Certificate: said.Certificate,
	}
	d.refs["successor"] = said.To
	err = d.tx.InsertKey(d.ctx, fresh)
	if postgres.IsUnique(err, "member_key_fingerprint_key") {
		return old, fault.New(fault.Conflict, "key.taken")
	}
	if err != nil {
		return old, fmt.Errorf("admitting key: %w", err)
	}
	return fresh, d.endKey(old)
}

// Mine returns the caller's own keys. Who: everyone.
func (s *Keys) Mine(ctx context.Context, caller policy.Subject) (views []org.KeyView, err error) {
	err = s.c.act(ctx, caller, "key.mine", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "key", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		rows, err := d.tx.KeysOf(ctx, caller.Member)
		if err != nil {
			return fmt.Errorf("listing keys: %w", err)
		}
		who, err := d.tx.Member(ctx, caller.Member)
		if err != nil {
			return err
		}
		views, err = each(rows, func(k postgres.MemberKey) (org.KeyView, error) { return keyView(k, who), nil })
		return err
	})
	return views, err
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
			func(r postgres.MemberKey) string { return r.ID }, d.keyView, org.KeyFlow())
		return err
	})
	return views, err
}

// key locks the key an act is about and decides it.
func (d *deed) key(fingerprint string) (postgres.MemberKey, postgres.Member, error) {
	key, err := d.tx.LockKey(d.ctx, fingerprint)
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

// keyCounts reports whether a key is admitted and has not expired.
func keyCounts(k postgres.MemberKey, now time.Time) bool {
	return k.State == string(org.Admitted) && k.ExpiresAt != nil && now.Before(*k.ExpiresAt)
}

// verifier is a person's key as envelopes are verified with it, whatever it signs by.
func verifier(key postgres.MemberKey) envelope.Verifier {
	return passkey.Verifier(envelope.Scheme(key.Scheme), key.Origin, key.PublicKey)
}

func keyView(k postgres.MemberKey, m postgres.Member) org.KeyView {
	return org.KeyView{
		Fingerprint: k.Fingerprint, Login: m.Login, State: k.State, OfferedAt: k.OfferedAt, AdmittedAt: k.AdmittedAt,
		LastUsed: k.LastUsed, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, Certificate: k.Certificate,
		Scheme: k.Scheme, Title: k.Title, Replaces: k.Replaces,
	}
}

func (d *deed) keyView(k postgres.MemberKey) (org.KeyView, error) {
	who, err := d.tx.Member(d.ctx, k.Member)
	return keyView(k, who), err
}
