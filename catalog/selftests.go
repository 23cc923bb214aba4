package catalog

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// SelfTests are the verdicts of workers about their runtimes.
type SelfTests struct{ c *core }

// Trace puts one verdict that a worker told on the record of the trace. It returns false when there is none.
func (s *SelfTests) Trace(ctx context.Context) (bool, error) {
	var waits bool
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		_, err := tx.UntracedSelfTest(ctx)
		waits = err == nil
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for self-tests: %w", err)
	}
	return waits, s.c.act(ctx, Keeper(), "platform.selftest", func(d *deed) error {
		test, err := d.tx.UntracedSelfTest(ctx)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "runtime"}, test.ID, policy.Facts{}); err != nil {
			return err
		}
		d.refs["runtime"] = test.Digest
		d.detail["runtime"], d.detail["verdict"] = test.Runtime, "holds"
		if len(test.Broken) > 0 {
			d.detail["verdict"], d.detail["broken"] = "refused", strings.Join(test.Broken, " ")
		}
		return d.tx.SetSelfTestLeaf(ctx, test.ID, d.leaf)
	})
}
