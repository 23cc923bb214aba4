package catalog

import (
	"context"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/policy"
)

// Allow makes a part of a proposed grant active: fewer columns, fewer rows, an earlier end, a smaller budget than was
// asked, never more. The grant keeps what was asked beside what is allowed. Who: as Approve.
func (s *Grants) Allow(ctx context.Context, caller policy.Subject, number string, part grant.Allowance) (view grant.View, err error) {
	err = s.c.change(ctx, caller, "grant.allow", &view, func(d *deed) error {
		row, a, slug, err := d.lockedGrant(number)
		if err != nil {
			return err
		}
		if a.Agency != caller.Org {
			return fault.NotFound()
		}
		asked, before := row.Scope, row
		narrowed, wrong := asked.Narrow(part)
		row.Scope = narrowed // who may not decide is told that first, and nothing of the allowance
		if err := d.decideGrant(row, row.Operator); err != nil {
			return err
		}
		if err := d.seen(d.grantView(before, a.Number, slug)); err != nil {
			return err
		}
		to, err := grant.Flow().Check(state(row.State), "approve")
		if err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		row.State, row.ApprovedBy, row.Asked = string(to), &caller.Member, &asked
		row.RunsLeft, row.RowsLeft, row.EndsAt = row.Scope.Budget.Runs, row.Scope.Budget.Rows, row.Scope.To.End()
		d.detail["narrowed"] = strings.Join(asked.Narrowed(row.Scope), " ")
		if view, err = d.grantView(row, a.Number, slug); err != nil {
			return err
		}
		return d.tx.AllowGrant(ctx, row)
	})
	return view, err
}
