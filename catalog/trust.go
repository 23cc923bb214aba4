package catalog

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/policy"
)

// Trust is the instance's trust.json: which keys speak for it.
type Trust struct{ c *core }

// Show returns trust.json as the root key signed it. It is public: nobody has to believe the server about it.
func (s *Trust) Show(ctx context.Context) (document []byte, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		document, err = tx.Setting(ctx, TrustSetting)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading trust document: %w", err)
	}
	return document, nil
}

// Replace puts a new trust.json in force, which must follow today's under the same root: no key is forgotten or
// changed, none gets more time. wrap, when not nil, is the key new data keys are sealed to from now on; it must be in
// the document. Who: whoever has the keeper's credential and a document that the offline root signed.
func (s *Trust) Replace(ctx context.Context, document []byte, root ed25519.PublicKey, wrap []byte) error {
	return s.c.act(ctx, Keeper(), "trust.rotate", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "trust"}, "", policy.Facts{}); err != nil {
			return err
		}
		next, err := d.following(document, root)
		if err != nil {
			return err
		}
		d.refs["trust"] = string(name.DigestOf(document))
		d.detail["serial"] = strconv.FormatInt(next.Serial, 10)
		if err := d.tx.PutSetting(ctx, TrustSetting, document); err != nil {
			return fmt.Errorf("keeping trust document: %w", err)
		}
		if wrap == nil {
			return nil
		}
		if _, err := next.Key(trust.KeyID(trust.Wrap, wrap), trust.Wrap, d.now); err != nil {
			return fault.New(fault.Conflict, "trust.wrap_unknown")
		}
		encoded, err := json.Marshal(wrap)
		if err != nil {
			return fmt.Errorf("encoding wrapping key: %w", err)
		}
		return d.tx.PutSetting(ctx, WrapSetting, encoded)
	})
}

// following verifies a new document and that it may take today's place.
func (d *deed) following(document []byte, root ed25519.PublicKey) (trust.Document, error) {
	next, err := trust.Verify(document, root)
	if err != nil {
		return next, &fault.Error{Kind: fault.Conflict, Code: "trust.not_of_root", Cause: err}
	}
	today, err := d.tx.Setting(d.ctx, TrustSetting)
	if err != nil {
		return next, fmt.Errorf("reading trust document: %w", err)
	}
	before, err := trust.Verify(today, root)
	if err != nil {
		return next, &fault.Error{Kind: fault.Conflict, Code: "trust.not_of_root", Cause: err}
	}
	if !next.Follows(before) {
		return next, fault.New(fault.Conflict, "trust.does_not_follow")
	}
	return next, nil
}
