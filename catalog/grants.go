package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy"
)

// Grants keeps what one operator may do with one dataset: proposed by one person, approved by another.
type Grants struct{ c *core }

// Propose asks for a grant under an agreement. One wider than the provider's terms is refused with every
// dimension named. Who: developer or approver of the operator.
func (s *Grants) Propose(ctx context.Context, caller policy.Subject, spec grant.Spec) (view grant.View, err error) {
	if err := spec.Scope.Validate(); err != nil {
		return grant.View{}, err
	}
	err = s.c.change(ctx, caller, "grant.propose", &view, func(d *deed) error {
		a, found, err := d.groundsOf(spec)
		if err != nil {
			return err
		}
		if spec.Scope.Budget.Failed == 0 {
			spec.Scope.Budget.Failed = int64(s.c.Rules.Budgets.GrantFailed)
		}
		row := postgres.Grant{
			ID: name.NewID().String(), Agreement: a.ID, Operator: caller.Org, Dataset: found.ID,
			State: string(grant.Flow().Start()), Scope: spec.Scope, RuleSet: s.c.Rules.Version, RunsLeft: spec.Scope.Budget.Runs,
			RowsLeft: spec.Scope.Budget.Rows, FailedLeft: spec.Scope.Budget.Failed, EndsAt: spec.Scope.To.End(), ProposedBy: caller.Member, CreatedAt: d.now,
		}
		if err := d.decideGrant(row, caller.Org); err != nil {
			return err
		}
		if row.Number, err = d.newNumber(name.Grant); err != nil {
			return err
		}
		d.number = row.Number
		if view, err = d.grantView(row, a.Number, found.Slug); err != nil {
			return err
		}
		return d.tx.InsertGrant(ctx, row)
	})
	return view, err
}

// groundsOf reads what a proposal of the caller's organization would rest on.
func (d *deed) groundsOf(spec grant.Spec) (a postgres.Agreement, ds postgres.Dataset, err error) {
	if a, err = d.tx.Agreement(d.ctx, spec.Agreement); err != nil || a.Operator != d.caller.Org {
		return a, ds, fault.NotFound()
	}
	ds, err = d.tx.Dataset(d.ctx, string(spec.Scope.Dataset))
	return a, ds, err
}

// Approve makes a proposed grant active. Who: approver of the agreement's agency, never the proposer.
func (s *Grants) Approve(ctx context.Context, caller policy.Subject, number string) (grant.View, error) {
	return s.move(ctx, caller, number, "approve")
}

// Revoke ends a grant for good: its runs die within seconds and nothing that rests on it is released. Who:
// approver of the agreement's agency.
func (s *Grants) Revoke(ctx context.Context, caller policy.Subject, number string) (grant.View, error) {
	return s.move(ctx, caller, number, "revoke")
}

func (s *Grants) move(ctx context.Context, caller policy.Subject, number, act string) (view grant.View, err error) {
	err = s.c.change(ctx, caller, policy.Action("grant."+act), &view, func(d *deed) error {
		row, a, slug, err := d.lockedGrant(number)
		if err != nil {
			return err
		}
		if a.Agency != caller.Org {
			return fault.NotFound()
		}
		if err := d.decideGrant(row, row.Operator); err != nil {
			return err
		}
		if err := d.seen(d.grantView(row, a.Number, slug)); err != nil {
			return err
		}
		to, err := grant.Flow().Check(state(row.State), act)
		if err != nil {
			return err
		}
		row.State = string(to)
		if act == "approve" {
			row.ApprovedBy = &caller.Member
		} else {
			row.EndedAt = &d.now
		}
		if view, err = d.grantView(row, a.Number, slug); err != nil {
			return err
		}
		if err := d.tx.MoveGrant(ctx, row.ID, row.State, row.ApprovedBy, row.EndedAt); err != nil {
			return err
		}
		if act == "revoke" {
			return d.stopJobsOf(row.ID, "grant.revoked")
		}
		return nil
	})
	return view, err
}

// lockedGrant reads a grant and what it rests on, in lock order.
func (d *deed) lockedGrant(number string) (postgres.Grant, postgres.Agreement, string, error) {
	fail := func(err error) (postgres.Grant, postgres.Agreement, string, error) {
		return postgres.Grant{}, postgres.Agreement{}, "", err
	}
	found, err := d.tx.Grant(d.ctx, number)
	if err != nil {
		return fail(err)
	}
	a, err := d.tx.ShareAgreement(d.ctx, found.Agreement)
	if err != nil {
		return fail(err)
	}
	row, err := d.tx.LockGrant(d.ctx, found.ID)
	if err != nil {
		return fail(err)
	}
	ds, err := d.tx.DatasetByID(d.ctx, row.Dataset)
	return row, a, ds.Slug, err
}

// decideGrant compares a grant with its bounds: terms, agreement, dataset, and who proposed it.
func (d *deed) decideGrant(row postgres.Grant, owner string) error {
	a, err := d.tx.ShareAgreement(d.ctx, row.Agreement)
	if err != nil {
		return fmt.Errorf("reading agreement: %w", err)
	}
	ds, err := d.tx.ShareDataset(d.ctx, row.Dataset)
	if err != nil {
		return fmt.Errorf("reading dataset: %w", err)
	}
	bounds := &policy.GrantBounds{
		Grant: *grantFacts(row), Terms: termsFacts(ds.Terms), Agreement: agreementFacts(a, row.Dataset),
		Dataset: datasetFacts(ds, string(dataset.Available)),
	}
	facts := policy.Facts{Grant: bounds, Person: &policy.PersonFacts{First: row.ProposedBy}}
	d.detail["dataset"] = ds.Slug
	return d.decide(policy.Object{Kind: "grant", ID: row.ID, Org: owner}, row.Number, facts)
}

// Show returns a grant. Who: its operator, its agency, the dataset's provider.
func (s *Grants) Show(ctx context.Context, caller policy.Subject, number string) (view grant.View, err error) {
	err = s.c.act(ctx, caller, "grant.show", func(d *deed) error {
		row, err := d.tx.ShownGrant(ctx, number)
		if err != nil {
			return err
		}
		if !slices.Contains([]string{row.Operator, row.Agency, row.Provider}, caller.Org) {
			return fault.NotFound()
		}
		view = viewOfGrant(row.Grant, row.AgreementNumber, row.OperatorNumber, row.OperatorName, row.DatasetSlug)
		return d.decide(policy.Object{Kind: "grant", ID: row.ID, Org: row.Operator}, number, policy.Facts{})
	})
	return view, err
}

// partyGrant reads a grant and what it rests on for its parties, and decides.
func (d *deed) partyGrant(number string) (row postgres.Grant, a postgres.Agreement, ds postgres.Dataset, err error) {
	if row, err = d.tx.Grant(d.ctx, number); err != nil {
		return row, a, ds, err
	}
	if a, err = d.tx.ShareAgreement(d.ctx, row.Agreement); err != nil {
		return row, a, ds, err
	}
	if ds, err = d.tx.DatasetByID(d.ctx, row.Dataset); err != nil {
		return row, a, ds, err
	}
	if !slices.Contains([]string{row.Operator, a.Agency, ds.Org}, d.caller.Org) {
		return row, a, ds, fault.NotFound()
	}
	return row, a, ds, d.decide(policy.Object{Kind: "grant", ID: row.ID, Org: row.Operator}, number, policy.Facts{})
}

// List returns the grants the caller's organization is a party to. Who: as Show.
func (s *Grants) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[grant.View], err error) {
	err = s.c.act(ctx, caller, "grant.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "grant", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Grant, error) { return d.tx.Grants(ctx, caller.Org, p.Dataset, w) },
			func(r postgres.Grant) string { return r.ID }, d.listedGrant, grant.Flow())
		return err
	})
	return views, err
}

// stopJobsOf ends every live job that rests on a grant.
func (d *deed) stopJobsOf(grantID, reason string) error {
	jobs, err := d.tx.LiveJobs(d.ctx, grantID)
	if err != nil {
		return fmt.Errorf("finding runs of the grant: %w", err)
	}
	return d.stopJobs(jobs, reason)
}

// stopJobsOn ends every live job that reads a dataset, or one version of it.
func (d *deed) stopJobsOn(datasetID string, version int, reason string) error {
	jobs, err := d.tx.LiveJobsOn(d.ctx, datasetID, version)
	if err != nil {
		return fmt.Errorf("finding runs on the dataset: %w", err)
	}
	return d.stopJobs(jobs, reason)
}

// stopJobsBy ends every live job of an organization, or of one member of it.
func (d *deed) stopJobsBy(orgID, member, reason string) error {
	jobs, err := d.tx.LiveJobsBy(d.ctx, orgID, member)
	if err != nil {
		return fmt.Errorf("finding runs of the author: %w", err)
	}
	return d.stopJobs(jobs, reason)
}

// scopeOf cuts a dataset to a grant: the asked columns, the grant's rows, every protected unit.
func scopeOf(ds postgres.Dataset, g postgres.Grant, input string, columns []string) task.Scope {
	scope := task.Scope{Input: input, Units: ds.Units, Rows: g.Scope.Rows.Filters}
	for _, c := range ds.Columns {
		if slices.Contains(columns, c.Name) {
			scope.Columns = append(scope.Columns, c)
		}
	}
	return scope
}

func (d *deed) grantView(row postgres.Grant, agreement, slug string) (grant.View, error) {
	operator, err := d.tx.Org(d.ctx, row.Operator)
	return viewOfGrant(row, agreement, operator.Number, operator.Name, slug), err
}

func viewOfGrant(row postgres.Grant, agreement, operator, called, slug string) grant.View {
	return grant.View{
		Number: row.Number, Agreement: agreement, Operator: operator, OperatorName: called, Dataset: slug, State: row.State, Scope: row.Scope,
		RunsLeft: row.RunsLeft, RowsLeft: row.RowsLeft, FailedLeft: row.FailedLeft, CreatedAt: row.CreatedAt, EndedAt: row.EndedAt,
		Refused: row.Refused, Asked: row.Asked,
	}
}

// absent tells whether a look-up found nothing.
func absent(err error) bool { return errors.Is(err, postgres.ErrNone) }

func compare(a, b string) int { return strings.Compare(a, b) }

// unique sorts names and keeps each once.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// listedGrant shows a grant with the names of what it rests on.
func (d *deed) listedGrant(row postgres.Grant) (grant.View, error) {
	a, err := d.tx.ShareAgreement(d.ctx, row.Agreement)
	if err != nil {
		return grant.View{}, err
	}
	ds, err := d.tx.DatasetByID(d.ctx, row.Dataset)
	if err != nil {
		return grant.View{}, err
	}
	return d.grantView(row, a.Number, ds.Slug)
}
