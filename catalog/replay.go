package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// Replayed is a destruction that another record carried out: its certificate, verified by whoever replays it, and
// the package it came in.
type Replayed struct {
	Certificate destruction.Certificate
	Package     destruction.Package
}

// Ledger reads the certificate of every destruction on record with what proves it, oldest first.
func Ledger(ctx context.Context, tx *postgres.Tx) ([]destruction.Package, error) {
	rows, err := tx.Certificates(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing certificates: %w", err)
	}
	document, err := tx.Setting(ctx, TrustSetting)
	if err != nil {
		return nil, fmt.Errorf("reading trust document: %w", err)
	}
	return each(rows, func(x postgres.Destruction) (pkg destruction.Package, err error) {
		row, err := tx.DatasetByID(ctx, x.Dataset)
		if err != nil {
			return pkg, fmt.Errorf("reading dataset: %w", err)
		}
		kept, err := keptCertificate(x)
		if err != nil {
			return pkg, err
		}
		if pkg.Destruction, err = destructionView(row.Slug, x); err != nil {
			return pkg, err
		}
		pkg.Certificate, err = json.Marshal(kept.Certificate)
		pkg.Proof, pkg.Trust = kept.Proof, document
		return pkg, err
	})
}

// Replay does to a restored record, before any part of the instance has started, what a certificate says was done after
// the backup: the keys it names are erased, and the version is handed to the keeper as approved, who ends what else
// rests on it and traces it. It reports whether the record knew a key or the version. It is idempotent, and for the
// owner of the record only: nobody decides here, two people did.
func Replay(ctx context.Context, tx *postgres.Tx, r Replayed, now time.Time) (bool, error) {
	c := r.Certificate
	erased, err := tx.EraseKeys(ctx, identities(c.Keys), now)
	if err != nil {
		return false, err
	}
	row, err := tx.Dataset(ctx, string(c.Dataset))
	if absent(err) {
		return erased > 0, nil
	}
	if err != nil {
		return false, err
	}
	v, err := tx.Version(ctx, row.ID, c.Version)
	if absent(err) || err == nil && text(v.ManifestDigest) != string(c.Manifest) {
		return erased > 0, nil // the backup is from before the version was read in; its keys are gone all the same
	}
	if err != nil {
		return false, err
	}
	var e envelope.Envelope
	if err := json.Unmarshal(r.Package.Certificate, &e); err != nil {
		return false, fmt.Errorf("reading certificate: %w", err)
	}
	kept, err := json.Marshal(signed{Certificate: e, Proof: r.Package.Proof})
	if err != nil {
		return false, fmt.Errorf("encoding certificate: %w", err)
	}
	did, err := tx.ReplayDestruction(ctx, postgres.Destruction{
		ID: name.NewID().String(), Dataset: row.ID, Version: c.Version, State: string(destruction.Approved), Reason: string(c.Reason),
		AskedAt: c.Asked.At, ApprovedAt: &c.Approved.At, Keys: identities(c.Keys), Certificate: kept,
	})
	return did || erased > 0, err
}

func identities(ids []name.ID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
