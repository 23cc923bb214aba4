package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Usage tells who used what in a month.
type Usage struct{ c *core }

// Month returns a month ("2026-11"; "" is the one that is now) as the caller's organization is a party to it: an
// operator its own use by grant with what is left of its monthly budgets, an agency the grants of its agreements.
// Who: developer, security_officer or approver of the operator; approver of the agency.
func (s *Usage) Month(ctx context.Context, caller policy.Subject, month string) (u budget.Usage, err error) {
	err = s.c.act(ctx, caller, "usage.show", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "usage", Org: caller.Org}, month, policy.Facts{}); err != nil {
			return err
		}
		if u, err = d.usage(month, postgres.UseFilter{Party: caller.Org}); err != nil {
			return err
		}
		if slices.Contains(caller.Capacities, string(org.Operator)) {
			u.Budgets, err = d.usedBudgets(u.Month)
		}
		return err
	})
	return u, err
}

// Usage returns a month of one dataset by operator and grant. Who: data_steward of the provider.
func (s *Datasets) Usage(ctx context.Context, caller policy.Subject, slug, month string) (u budget.Usage, err error) {
	err = s.c.act(ctx, caller, "dataset.usage", func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		u, err = d.usage(month, postgres.UseFilter{Dataset: row.ID})
		return err
	})
	return u, err
}

// recently is how far back Recent looks, in days.
const recently = 30

// Recent returns who used the datasets of the caller's organization in the last 30 days, by dataset and operator. Who:
// data_steward of the provider.
func (s *Usage) Recent(ctx context.Context, caller policy.Subject) (all []budget.Recent, err error) {
	err = s.c.act(ctx, caller, "dataset.usage", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "dataset", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		rows, err := d.tx.RecentUses(d.ctx, caller.Org, d.now.AddDate(0, 0, -recently))
		if err != nil {
			return fmt.Errorf("reading recent use: %w", err)
		}
		for _, r := range rows {
			all = append(all, budget.Recent(r))
		}
		return nil
	})
	return all, err
}

func (d *deed) usage(month string, f postgres.UseFilter) (budget.Usage, error) {
	m, err := d.monthNamed(month)
	if err != nil {
		return budget.Usage{}, err
	}
	f.Month, f.From, f.To = m.String(), m.Start(), m.End()
	rows, err := d.tx.Uses(d.ctx, f)
	if err != nil {
		return budget.Usage{}, fmt.Errorf("reading use: %w", err)
	}
	u := budget.Usage{Month: f.Month, From: f.From, To: f.To, Uses: make([]budget.Use, 0, len(rows))}
	for _, r := range rows {
		u.Uses = append(u.Uses, budget.Use{
			Operator: r.Operator, OperatorName: r.OperatorName, Agreement: r.Agreement, Grant: r.Number, Dataset: r.Dataset, Columns: r.Columns,
			Amount: budget.Amount{Runs: r.Runs, Rows: r.Rows, Failed: r.Failed}, Releases: r.Releases,
		})
	}
	return u, nil
}

// usedBudgets lists an operator's monthly budgets on the datasets it used. Of another month than this nothing is
// left to tell.
func (d *deed) usedBudgets(month string) ([]budget.Left, error) {
	if month != calendar.MonthOf(d.now).String() {
		return nil, nil
	}
	rows, err := d.tx.SpentDatasets(d.ctx, d.caller.Org, month)
	if err != nil {
		return nil, fmt.Errorf("reading used datasets: %w", err)
	}
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.Subject)
	}
	return d.monthsLeft(d.caller.Org, ids)
}
