package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// Retain withdraws one version that its provider's terms no longer keep and that nothing needs any more. It
// returns false when there is none.
func (s *Datasets) Retain(ctx context.Context) (bool, error) {
	var due postgres.Superfluous
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		due, err = tx.SuperfluousVersion(ctx)
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for superfluous versions: %w", err)
	}
	return true, s.c.act(ctx, Keeper(), "dataset.withdraw", func(d *deed) error {
		if _, err := d.dataset(due.Slug); err != nil {
			return err
		}
		row, err := d.tx.LockDataset(ctx, due.Slug)
		if err != nil {
			return err
		}
		d.detail["rule"], d.detail["kept"] = "terms.retention", fmt.Sprint(due.Kept)
		d.detail["version"] = fmt.Sprint(due.Number)
		// A job may have begun to read it in between: submitting shares the lock that is held now.
		still, err := d.tx.StillSuperfluous(ctx, due.Slug, due.Number)
		if err != nil {
			return fmt.Errorf("looking at a superfluous version again: %w", err)
		}
		if !still {
			d.detail["kept_after_all"] = "in use"
			return nil
		}
		to, err := dataset.VersionFlow().Check(dataset.Available, "withdraw")
		if err != nil {
			return err
		}
		if err := d.withdrawTwins(row.ID, due.Number); err != nil {
			return err
		}
		return d.tx.SetVersionState(ctx, row.ID, due.Number, string(dataset.Available), string(to))
	})
}
