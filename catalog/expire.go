package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Expire ends one grant whose term is over, and with it whatever runs on it. It returns false when none is
// due. Policy refuses an expired grant anyway; this makes the record say so.
func (s *Grants) Expire(ctx context.Context) (bool, error) {
	var due []postgres.Grant
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		due, err = tx.ExpiredGrants(ctx, s.c.Now())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for expired grants: %w", err)
	}
	if len(due) == 0 {
		return false, nil
	}
	return true, s.c.act(ctx, Keeper(), "grant.expire", func(d *deed) error {
		row, _, _, err := d.lockedGrant(due[0].Number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "grant", ID: row.ID, Org: row.Operator}, row.Number, policy.Facts{}); err != nil {
			return err
		}
		to, err := grant.Flow().Check(state(row.State), "expire")
		if err != nil {
			return err
		}
		if err := d.tx.EndGrant(ctx, row.ID, string(to), d.now); err != nil {
			return err
		}
		return d.stopJobsOf(row.ID, "grant.expired")
	})
}
