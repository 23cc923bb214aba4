package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/policy"
)

// A submit takes a run, its rows and one failed answer from every budget it draws on: of each grant, of the
// operator's month on each dataset, and of all its month. What it did not use is given back, in the month it was
// taken: the failed answer when the run leaves a product, all of it when the check refuses the code, the platform
// interrupts the run, or it is cancelled before it began. Taking the answer first is what keeps runs that are under
// way at once within the budget.
//
// Locks: agreement → grant → dataset → job, then rows of spent, those of datasets by id before the organization's.

// bill is what one job takes: by id of grant and dataset, and from the operator.
type bill struct {
	grants   map[string]budget.Amount
	datasets map[string]budget.Amount
	whole    budget.Amount
}

// billOf sums what the inputs read. An input whose grant or dataset is not there costs nothing: it cannot run.
func billOf(inputs []job.Input, g *ground) bill {
	once := budget.Amount{Runs: 1, Failed: 1}
	b := bill{grants: map[string]budget.Amount{}, datasets: map[string]budget.Amount{}, whole: once}
	for _, in := range inputs {
		if !g.knows(in) {
			continue
		}
		row := g.grants[string(in.Grant)]
		rows := budget.Amount{}
		if n := g.versions[versionKey(row.Dataset, in.Version)].Rows; n != nil {
			rows.Rows = *n
		}
		for id, of := range map[string]map[string]budget.Amount{row.ID: b.grants, row.Dataset: b.datasets} {
			if _, ok := of[id]; !ok {
				of[id] = once
			}
			of[id] = of[id].Plus(rows)
		}
		b.whole = b.whole.Plus(rows)
	}
	return b
}

// booking says which part of a bill is booked.
type booking func(budget.Amount) budget.Amount

func taken(a budget.Amount) budget.Amount     { return a }
func returned(a budget.Amount) budget.Amount  { return budget.Amount{}.Minus(a) }
func unfailing(a budget.Amount) budget.Amount { return budget.Amount{Failed: -a.Failed} }

// book takes or gives back a part of a job's bill, on locked grants.
func (d *deed) book(row postgres.Job, b bill, part booking) error {
	put := func(scope budget.Scope, subject string, a budget.Amount) error {
		s := d.spentOf(row, scope, subject)
		s.Runs, s.Rows, s.Failed = a.Runs, a.Rows, a.Failed
		if err := d.tx.Spend(d.ctx, s); err != nil {
			return fmt.Errorf("booking %s: %w", scope, err)
		}
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(b.grants)) {
		a := part(b.grants[id])
		if err := d.tx.SpendGrant(d.ctx, id, a.Runs, a.Rows, a.Failed); err != nil {
			return fmt.Errorf("booking grant: %w", err)
		}
		if err := put(budget.Grant, id, a); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.datasets)) {
		if err := put(budget.Dataset, id, part(b.datasets[id])); err != nil {
			return err
		}
	}
	return put(budget.Org, row.Org, part(b.whole))
}

func (d *deed) spentOf(row postgres.Job, scope budget.Scope, subject string) postgres.Spent {
	return postgres.Spent{Scope: string(scope), Org: row.Org, Subject: subject, Month: calendar.MonthOf(row.CreatedAt).String()}
}

// giveBack books a part of what a production job took when it was submitted.
func (d *deed) giveBack(row postgres.Job, g *ground, p job.Package, part booking) error {
	if row.Kind != string(job.Production) {
		return nil
	}
	return d.book(row, billOf(p.Inputs, g), part)
}

// overdrawn names the grants whose inputs together read more rows than are left; each alone may be within it.
func overdrawn(g *ground, b bill) (numbers []string) {
	for number, row := range g.grants {
		if b.grants[row.ID].Rows > row.RowsLeft {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// overspent says so of grants.
func overspent(grants []string) []policy.Reason {
	return []policy.Reason{{Code: "budget.rows", Dimension: "budget", What: grants, Remedy: "remedy.budget.rows"}}
}

// spentReader reads a row of spent, with or without its lock.
type spentReader func(context.Context, postgres.Spent) (postgres.Spent, error)

// monthFacts says what a submit would take of the month's budgets and what they have left.
func (d *deed) monthFacts(org string, g *ground, b bill, read spentReader) (facts []policy.BudgetFacts, err error) {
	add := func(name string, scope budget.Scope, subject string, asks budget.Amount) {
		if err != nil {
			return
		}
		var left budget.Left
		left, err = d.month(postgres.Spent{Scope: string(scope), Org: org, Subject: subject}, read)
		facts = append(facts, policy.BudgetFacts{
			Scope: name, Runs: asks.Runs, Rows: asks.Rows, Failed: asks.Failed,
			RunsLeft: left.Left.Runs, RowsLeft: left.Left.Rows, FailedLeft: left.Left.Failed,
		})
	}
	for _, id := range slices.Sorted(maps.Keys(b.datasets)) {
		add("dataset "+g.datasets[id].Slug, budget.Dataset, id, b.datasets[id])
	}
	add("org", budget.Org, org, b.whole)
	return facts, err
}

// month reads one budget of the month that is now. The subject's name is the caller's to fill in.
func (d *deed) month(s postgres.Spent, read spentReader) (budget.Left, error) {
	s.Month = calendar.MonthOf(d.now).String()
	row, err := read(d.ctx, s)
	if err != nil {
		return budget.Left{}, fmt.Errorf("reading the month's budget: %w", err)
	}
	left := budget.Left{Scope: budget.Scope(s.Scope), Month: s.Month, Limit: d.c.monthLimit(budget.Scope(s.Scope))}
	left.Left = left.Limit.Minus(budget.Amount{Runs: row.Runs, Rows: row.Rows, Failed: row.Failed})
	return left, nil
}

func (c *core) monthLimit(scope budget.Scope) budget.Amount {
	of := func(b ruleset.Budget) budget.Amount {
		return budget.Amount{Runs: int64(b.Runs), Rows: int64(b.Rows), Failed: int64(b.Failed)}
	}
	if scope == budget.Org {
		return of(c.Rules.Budgets.OrgMonth)
	}
	return of(c.Rules.Budgets.DatasetMonth)
}

// budgetsLeft lists what an operator has left: of grants, of the month on their datasets, and of the month.
func (d *deed) budgetsLeft(org string, grants []postgres.Grant) ([]budget.Left, error) {
	var all []budget.Left
	datasets := map[string]bool{}
	for _, g := range grants {
		datasets[g.Dataset] = true
		b := g.Scope.Budget
		all = append(all, budget.Left{
			Scope: budget.Grant, Subject: g.Number, Limit: budget.Amount{Runs: b.Runs, Rows: b.Rows, Failed: b.Failed},
			Left: budget.Amount{Runs: g.RunsLeft, Rows: g.RowsLeft, Failed: g.FailedLeft},
		})
	}
	months, err := d.monthsLeft(org, slices.Sorted(maps.Keys(datasets)))
	return append(all, months...), err
}

// monthsLeft lists what an operator has left of the month that is now.
func (d *deed) monthsLeft(org string, datasets []string) ([]budget.Left, error) {
	var all []budget.Left
	for _, id := range datasets {
		row, err := d.tx.DatasetByID(d.ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading dataset: %w", err)
		}
		left, err := d.month(postgres.Spent{Scope: string(budget.Dataset), Org: org, Subject: id}, d.tx.Spent)
		if err != nil {
			return nil, err
		}
		left.Subject = row.Slug
		all = append(all, left)
	}
	home, err := d.tx.Org(d.ctx, org)
	if err != nil {
		return nil, fmt.Errorf("reading organization: %w", err)
	}
	left, err := d.month(postgres.Spent{Scope: string(budget.Org), Org: org, Subject: org}, d.tx.Spent)
	left.Subject = home.Number
	return append(all, left), err
}

// jobBudgets lists what the operator has left of everything a production job draws on. Nobody else is told.
func (d *deed) jobBudgets(row postgres.Job) ([]budget.Left, error) {
	if row.Kind != string(job.Production) || row.Org != d.caller.Org {
		return nil, nil
	}
	inputs, err := d.tx.JobInputs(d.ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading inputs: %w", err)
	}
	seen := map[string]bool{}
	var grants []postgres.Grant
	for _, in := range inputs {
		if seen[in.DataGrant] {
			continue
		}
		seen[in.DataGrant] = true
		g, err := d.tx.GrantByID(d.ctx, in.DataGrant)
		if err != nil {
			return nil, fmt.Errorf("reading grant: %w", err)
		}
		grants = append(grants, g)
	}
	return d.budgetsLeft(row.Org, grants)
}

// monthNamed reads "2026-11"; "" is the month that is now.
func (d *deed) monthNamed(text string) (calendar.Month, error) {
	if text == "" {
		return calendar.MonthOf(d.now), nil
	}
	m, err := calendar.ParseMonth(text)
	if err != nil {
		return m, fault.Bad("usage.invalid", fault.Place{Location: "query.month", Code: "month.invalid"})
	}
	return m, nil
}
