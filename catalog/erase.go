package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/upload"
)

// Erase carries out one approved destruction, once nothing reads its version any more: in one transaction what was made
// of it and did not leave ends, the secrets of its keys are erased, and the entry that says so is written. It returns
// false when none waits.
func (s *Destructions) Erase(ctx context.Context) (bool, error) {
	return unless(s.c.act(ctx, Keeper(), "destruction.erase", func(d *deed) error {
		x, err := d.tx.ErasableDestruction(ctx)
		if err != nil {
			return none(err)
		}
		row, v, err := d.destroyed(x)
		if err != nil {
			return err
		}
		if _, err := d.tx.LockDataset(ctx, row.Slug); err != nil {
			return err
		}
		if err := errors.Join(d.endOutputs(x), d.endUpload(v)); err != nil {
			return err
		}
		return d.erase(x, v)
	}))
}

// destroyed reads what a destruction is about, and decides the keeper's act on it.
func (d *deed) destroyed(x postgres.Destruction) (postgres.Dataset, postgres.Version, error) {
	row, err := d.tx.DatasetByID(d.ctx, x.Dataset)
	if err != nil {
		return row, postgres.Version{}, err
	}
	v, err := d.tx.Version(d.ctx, x.Dataset, x.Version)
	if err != nil {
		return row, v, err
	}
	d.refs["manifest"] = text(v.ManifestDigest)
	return row, v, d.decideDestruction(row, x)
}

// erase ends the keys of a version. What an earlier destruction or a replay erased stays as it is.
func (d *deed) erase(x postgres.Destruction, v postgres.Version) error {
	to, err := destruction.Flow().Check(state(x.State), "erase")
	if err != nil {
		return err
	}
	gone, err := dataset.VersionFlow().Check(state(v.State), "erase")
	if err != nil {
		return err
	}
	keys, err := d.tx.DoomedKeys(d.ctx, x.Dataset, x.Version)
	if err != nil {
		return fmt.Errorf("finding keys: %w", err)
	}
	x.Keys = unique(append(x.Keys, keys...))
	erased, err := d.tx.EraseKeys(d.ctx, x.Keys, d.now)
	if err != nil {
		return err
	}
	d.detail["keys"], d.detail["erased"] = strconv.Itoa(len(x.Keys)), strconv.FormatInt(erased, 10)
	if err := d.tx.SetVersionState(d.ctx, x.Dataset, x.Version, v.State, string(gone)); err != nil {
		return err
	}
	x.State, x.ErasedAt, x.Leaf = string(to), &d.now, &d.leaf
	return d.tx.FinishErasure(d.ctx, x)
}

// endOutputs destroys what runs on a version left and did not go out; a request about it is rejected.
func (d *deed) endOutputs(x postgres.Destruction) error {
	outputs, err := d.tx.DoomedOutputs(d.ctx, x.Dataset, x.Version)
	if err != nil {
		return fmt.Errorf("finding outputs: %w", err)
	}
	for _, o := range outputs {
		at := state(o.State)
		if at == output.InReview {
			if at, err = d.rejectOpen(o); err != nil {
				return err
			}
		}
		to, err := output.Flow().Check(at, "destroy")
		if err != nil {
			return err
		}
		if err := d.moveOutput(o, to); err != nil {
			return err
		}
	}
	d.detail["outputs"] = strconv.Itoa(len(outputs))
	return nil
}

// rejectOpen ends the review of an output whose data ends.
func (d *deed) rejectOpen(o postgres.Output) (to flow.State, err error) {
	r, err := d.tx.OpenRequest(d.ctx, o.ID)
	if err != nil {
		return to, fmt.Errorf("reading the open request: %w", err)
	}
	closed, err := output.RequestFlow().Check(state(r.State), "reject")
	if err != nil {
		return to, err
	}
	if err := d.tx.MoveRequest(d.ctx, r.ID, string(closed), &d.now); err != nil {
		return to, err
	}
	return output.Flow().Check(output.InReview, "reject")
}

// endUpload ends the file a version was published from: its chunks hold the same rows.
func (d *deed) endUpload(v postgres.Version) error {
	if v.Publication == nil || v.Publication.Upload == "" {
		return nil
	}
	up, err := d.tx.LockUpload(d.ctx, v.Publication.Upload)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if upload.Flow().Ended(state(up.State)) {
		return d.tx.ForgetChunks(d.ctx, up.ID)
	}
	to, err := upload.Flow().Check(state(up.State), "drop")
	if err != nil {
		return err
	}
	if err := d.tx.MoveUpload(d.ctx, up.ID, string(to)); err != nil {
		return err
	}
	return d.tx.ForgetChunks(d.ctx, up.ID)
}

// Certify signs the certificate of one erasure that has been sequenced and checkpointed. One that a restore replays has
// its certificate already. It returns false when none waits.
func (s *Destructions) Certify(ctx context.Context, signer Signer) (bool, error) {
	return unless(s.c.act(ctx, Keeper(), "destruction.certify", func(d *deed) error {
		x, err := d.tx.SequencedErasure(ctx)
		if err != nil {
			return none(err)
		}
		row, v, err := d.destroyed(x)
		if err != nil {
			return err
		}
		to, err := destruction.Flow().Check(state(x.State), "certify")
		if err != nil {
			return err
		}
		if x.Certificate == nil {
			if x.Certificate, err = d.destructionCertificate(x, row, v, signer); err != nil {
				return err
			}
		}
		kept, err := keptCertificate(x)
		if err != nil {
			return err
		}
		digest, err := kept.Certificate.Digest()
		if err != nil {
			return err
		}
		d.refs["certificate"] = string(digest)
		return d.tx.CertifyDestruction(ctx, x.ID, string(to), x.Certificate)
	}))
}

func (d *deed) destructionCertificate(x postgres.Destruction, row postgres.Dataset, v postgres.Version, signer Signer) (json.RawMessage, error) {
	provider, err := d.tx.Org(d.ctx, row.Org)
	if err != nil {
		return nil, fmt.Errorf("reading provider: %w", err)
	}
	entry, proof, err := signer.Prove(d.ctx, text(x.Leaf))
	if err != nil {
		return nil, fmt.Errorf("proving the erasure: %w", err)
	}
	c := destruction.Certificate{
		Dataset: name.Slug(row.Slug), Version: x.Version, Provider: name.Number(provider.Number), Manifest: name.Digest(text(v.ManifestDigest)),
		Reason: destruction.Reason(x.Reason), Erased: *x.ErasedAt, Trace: destruction.Entry(entry), Issued: d.now,
		Asked:    destruction.Deed{By: trace.PersonHash(d.c.PersonKey, text(x.AskedBy)), At: x.AskedAt},
		Approved: destruction.Deed{By: trace.PersonHash(d.c.PersonKey, text(x.ApprovedBy)), At: *x.ApprovedAt},
	}
	for _, id := range x.Keys {
		c.Keys = append(c.Keys, name.ID(id))
	}
	_, refs, err := storedManifest(v)
	if err != nil {
		return nil, err
	}
	for _, r := range refs {
		if r.Key == v.DataKey {
			c.Parts = append(c.Parts, digest(r))
		} else {
			c.Kept = append(c.Kept, digest(r))
		}
	}
	sealed, err := c.Sign(signer.KeyID, signer.Key)
	if err != nil {
		return nil, fmt.Errorf("signing certificate: %w", err)
	}
	return json.Marshal(signed{Certificate: sealed, Proof: proof})
}

// Clear deletes what lies under the erased keys of one certified destruction. Nobody could read it any more: what is
// saved is room. It returns false when there is none.
func (s *Destructions) Clear(ctx context.Context) (bool, error) {
	var x postgres.Destruction
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		x, err = tx.UnclearedDestruction(ctx)
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for objects under erased keys: %w", err)
	}
	objects, err := s.deleteUnder(ctx, x.Keys)
	if err != nil {
		return false, err
	}
	return true, s.c.act(ctx, Keeper(), "destruction.clear", func(d *deed) error {
		if _, _, err := d.destroyed(x); err != nil {
			return err
		}
		d.detail["objects"] = strconv.Itoa(objects)
		return d.tx.ClearKeys(ctx, x.Keys, d.now)
	})
}

// deleteUnder deletes every object under some keys, and tells how many there were. Products lie under keys of their own.
func (s *Destructions) deleteUnder(ctx context.Context, keys []string) (deleted int, err error) {
	for _, key := range keys {
		for _, bucket := range []object.Bucket{object.Intake, object.Data, object.Output} {
			for ref, err := range s.c.Store.ListUnder(ctx, bucket, key) {
				if err != nil {
					return deleted, err
				}
				if err := s.c.Store.Delete(ctx, ref.Ref); err != nil {
					return deleted, err
				}
				deleted++
			}
		}
	}
	return deleted, nil
}
