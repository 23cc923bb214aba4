package catalog

import (
	"context"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/policy"
)

// Refuse is one seat's no to a run on real data, with its reason. Nothing was read, and the budget is given back. Either
// seat may say no first. Who: as Approve.
func (s *Jobs) Refuse(ctx context.Context, caller policy.Subject, number string, said flow.Opinion) (view job.View, err error) {
	if err := said.Validate(); err != nil {
		return job.View{}, err
	}
	err = s.c.change(ctx, caller, "job.refuse", &view, func(d *deed) error {
		row, p, g, err := d.jobToEnd(number)
		if err != nil {
			return err
		}
		// A check and a debug run are refused too, but never by people: only what waits for a seat is a seat's to refuse.
		if _, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), "approve"); err != nil {
			return err
		}
		to, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), "refuse")
		if err != nil {
			return err
		}
		seat, err := d.jobSeat(row)
		if err != nil {
			return err
		}
		if err := d.giveBack(row, g, p, returned); err != nil {
			return err
		}
		row.State, row.EndedAt = string(to), &d.now
		row.Refused = d.opinion(seat, said)
		if err := d.tx.RefuseJob(ctx, row.ID, row.State, row.Refused, d.now); err != nil {
			return err
		}
		view, err = d.jobView(row)
		return err
	})
	return view, err
}

// Refuse ends a proposed grant without one ever being in force. Who: approver of the agreement's agency, never the
// proposer.
func (s *Grants) Refuse(ctx context.Context, caller policy.Subject, number string, said flow.Opinion) (view grant.View, err error) {
	if err := said.Validate(); err != nil {
		return grant.View{}, err
	}
	err = s.c.change(ctx, caller, "grant.refuse", &view, func(d *deed) error {
		row, a, slug, err := d.lockedGrant(number)
		if err != nil {
			return err
		}
		if a.Agency != caller.Org {
			return fault.NotFound()
		}
		facts := policy.Facts{Person: &policy.PersonFacts{First: row.ProposedBy}}
		if err := d.decide(policy.Object{Kind: "grant", ID: row.ID, Org: row.Operator}, number, facts); err != nil {
			return err
		}
		if err := d.seen(d.grantView(row, a.Number, slug)); err != nil {
			return err
		}
		to, err := grant.Flow().Check(state(row.State), "refuse")
		if err != nil {
			return err
		}
		row.State, row.EndedAt = string(to), &d.now
		row.Refused = d.opinion(string(org.ImplementingAgency), said)
		if err := d.tx.RefuseGrant(ctx, row.ID, row.State, row.Refused, d.now); err != nil {
			return err
		}
		view, err = d.grantView(row, a.Number, slug)
		return err
	})
	return view, err
}

// opinion is what was said as the record keeps it. The trace says who spoke, not what.
func (d *deed) opinion(by string, said flow.Opinion) *flow.Handled {
	d.detail["by"] = by
	return &flow.Handled{By: by, Reason: said.Reason, At: d.now}
}
