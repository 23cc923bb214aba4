package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Answer decides one waiting request for the keys of an object again and seals them to its asker, or denies
// it. It returns false when none waited.
func (s *Work) Answer(ctx context.Context, provider KeyProvider) (bool, error) {
	var asked postgres.KeyRequest
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		asked, err = tx.NextKeyRequest(ctx)
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for key requests: %w", err)
	}
	var who policy.Subject
	if err := json.Unmarshal(asked.Subject, &who); err != nil {
		return true, s.deny(ctx, asked, fault.NotFound())
	}
	err = s.c.act(ctx, who, policy.Action(asked.Act), func(d *deed) error {
		d.detail["phase"] = "keys"
		keyID, err := d.askedKey(asked)
		if err != nil {
			return err
		}
		return d.sealFor(asked, keyID, provider)
	})
	if refused(err) || fault.Of(err) == fault.Conflict {
		return true, s.deny(ctx, asked, err)
	}
	return true, err
}

// deny answers a request whose asker may not have the keys.
func (s *Work) deny(ctx context.Context, asked postgres.KeyRequest, cause error) error {
	var refusal policy.Decision
	var e *fault.Error
	if errors.As(cause, &e) {
		refusal.Reasons = e.Reasons
	}
	body, err := json.Marshal(refusal)
	if err != nil {
		return fmt.Errorf("encoding refusal: %w", err)
	}
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.AnswerKeyRequest(ctx, asked.ID, "denied", nil, body)
	})
}

// askedKey decides a request on the record as it is now and names the one data key it needs.
func (d *deed) askedKey(asked postgres.KeyRequest) (string, error) {
	switch asked.Act {
	case "dataset.preview", "dataset.profile":
		return d.datasetKey(asked)
	case "upload.inspect":
		return d.inspectionKey(asked)
	case "output.fetch":
		return d.outputKey(asked)
	case "release.get":
		return d.releaseKey(asked)
	}
	return "", fault.NotFound()
}

func (d *deed) datasetKey(asked postgres.KeyRequest) (string, error) {
	row, err := d.tx.DatasetByID(d.ctx, asked.Object)
	if err != nil {
		return "", err
	}
	if err := d.decide(policy.Object{Kind: "dataset", ID: row.ID, Org: row.Org}, row.Slug, policy.Facts{}); err != nil {
		return "", err
	}
	if asked.Version == nil {
		return "", fault.NotFound()
	}
	v, err := d.tx.Version(d.ctx, row.ID, *asked.Version)
	if err == nil && v.State != string(dataset.Available) {
		return "", fault.New(fault.Conflict, "version.not_available")
	}
	return v.DataKey, err
}

func (d *deed) outputKey(asked postgres.KeyRequest) (string, error) {
	o, err := d.tx.Output(d.ctx, asked.Object)
	if err != nil {
		return "", err
	}
	row, err := d.tx.JobByID(d.ctx, o.Job)
	if err != nil {
		return "", err
	}
	if err := d.party(row); err != nil {
		return "", err
	}
	facts, err := d.reviewFacts(row, o)
	if err != nil {
		return "", err
	}
	facts.Values = true
	if err := d.decide(policy.Object{Kind: "output", ID: o.ID, Org: row.Org}, row.Number, policy.Facts{Review: facts}); err != nil {
		return "", err
	}
	return text(row.DataKey), nil
}

// releaseKey hands out the key of one released product, which opens nothing else.
func (d *deed) releaseKey(asked postgres.KeyRequest) (string, error) {
	l, err := d.tx.ReleaseByID(d.ctx, asked.Object)
	if err != nil {
		return "", err
	}
	if _, _, err := d.release(l.Number); err != nil {
		return "", err
	}
	if err := d.obtainable(l); err != nil {
		return "", err
	}
	var ref object.Ref
	if err := json.Unmarshal(l.Object, &ref); err != nil {
		return "", fmt.Errorf("reading reference: %w", err)
	}
	return ref.Key, nil
}

// sealFor seals one data key to the asker's ephemeral key, bound to the request.
func (d *deed) sealFor(asked postgres.KeyRequest, keyID string, provider KeyProvider) error {
	k := keychain{d: d, provider: provider, keys: work.Keys{Data: map[string][]byte{}}}
	k.data(keyID)
	if k.err != nil {
		return k.err
	}
	public, err := keyring.ParsePublicKey(asked.PublicKey)
	if err != nil {
		return fmt.Errorf("reading asker's key: %w", err)
	}
	plain, err := json.Marshal(k.keys)
	if err != nil {
		return fmt.Errorf("encoding keys: %w", err)
	}
	sealed, err := keyring.Seal(public, FetchInfo(asked.ID), plain)
	if err != nil {
		return fmt.Errorf("sealing keys: %w", err)
	}
	return d.tx.AnswerKeyRequest(d.ctx, asked.ID, "sealed", sealed, nil)
}
