package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Add offers a public key of the caller's own: an administrator compares its fingerprint with them and admits it, as any
// key. Unlike Offer it is not signed by the key itself: the session says whose it is. One that replaces another ends
// that one when it is admitted. Who: everyone, in a strong session.
func (s *Keys) Add(ctx context.Context, caller policy.Subject, spec org.KeySpec) (view org.KeyView, err error) {
	public, err := spec.Check()
	if err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "key.add", &view, func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "key", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		if err := d.mayReplace(spec.Replaces); err != nil {
			return err
		}
		person, err := d.tx.Member(ctx, caller.Member)
		if err != nil {
			return err
		}
		key := postgres.MemberKey{
			ID: name.NewID().String(), Fingerprint: org.Fingerprint(public), Member: person.ID, PublicKey: public,
			State: string(org.Offered), OfferedAt: d.now, Replaces: spec.Replaces,
		}
		view = keyView(key, person)
		return d.offerKey(key)
	})
	return view, err
}

// mayReplace accepts a key of the caller's own that counts, or none. A passkey is its device's to replace.
func (d *deed) mayReplace(fingerprint string) error {
	if fingerprint == "" {
		return nil
	}
	old, err := d.tx.LockKey(d.ctx, fingerprint)
	if err != nil {
		return err
	}
	if old.Member != d.caller.Member {
		return fault.NotFound()
	}
	if isPasskey(old) {
		return fault.New(fault.Conflict, "key.passkey")
	}
	if !keyCounts(old, d.now) {
		return fault.New(fault.Conflict, "key.expired")
	}
	d.refs["replaces"] = fingerprint
	return nil
}

// offerKey puts a key before the administrators.
func (d *deed) offerKey(key postgres.MemberKey) error {
	waiting, err := d.tx.CountOffers(d.ctx, key.Member)
	if err != nil {
		return fmt.Errorf("counting offers: %w", err)
	}
	if waiting >= maxOffers {
		return fault.New(fault.Conflict, "key.too_many")
	}
	d.refs["key"] = key.Fingerprint
	err = d.tx.InsertKey(d.ctx, key)
	if postgres.IsUnique(err, "member_key_fingerprint_key") || postgres.IsUnique(err, "member_key_credential_key") {
		return fault.New(fault.Conflict, "key.taken")
	}
	return err
}

// succeedBy ends the key that an admitted one replaces, unless it has ended by itself.
func (d *deed) succeedBy(key postgres.MemberKey) error {
	if key.Replaces == "" {
		return nil
	}
	old, err := d.tx.LockKey(d.ctx, key.Replaces)
	if err != nil {
		return fmt.Errorf("finding the key that is replaced: %w", err)
	}
	if old.Member != key.Member || old.State == string(org.Revoked) {
		return nil
	}
	d.refs["replaced"] = old.Fingerprint
	return d.endKey(old)
}
