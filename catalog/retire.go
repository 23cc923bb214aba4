package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Retire ends a dataset for good: there are no new versions, grants or jobs. What was released of it stays released
// and can be verified as before. It fails with Conflict dataset.granted while a grant that has not ended refers to
// it, and version.ingesting while a file is being read. Who: data_steward of the provider.
func (s *Datasets) Retire(ctx context.Context, caller policy.Subject, slug string) (dataset.View, error) {
	return s.move(ctx, caller, slug, "retire", "dataset.retired")
}

// unneeded refuses to end a locked dataset that something still rests on. Approving a grant and publishing a version
// take the same lock.
func (d *deed) unneeded(row postgres.Dataset) error {
	granted, err := d.tx.Granted(d.ctx, row.ID)
	if err != nil {
		return fmt.Errorf("looking for grants: %w", err)
	}
	if granted {
		return fault.New(fault.Conflict, "dataset.granted")
	}
	versions, err := d.tx.Versions(d.ctx, row.ID)
	if err != nil {
		return fmt.Errorf("reading versions: %w", err)
	}
	if slices.ContainsFunc(versions, func(v postgres.Version) bool { return v.State == string(dataset.Ingesting) }) {
		return fault.New(fault.Conflict, "version.ingesting")
	}
	return nil
}

// standing refuses what begins something new on a dataset that has ended.
func standing(row postgres.Dataset) error {
	if dataset.Flow().Ended(state(row.State)) {
		return fault.New(fault.Conflict, "dataset.retired")
	}
	return nil
}
