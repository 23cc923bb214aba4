package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// perRun is what one run of the city's package takes.
func perRun() budget.Amount { return budget.Amount{Runs: 1, Rows: 100, Failed: 1} }

func (c *city) datasetID() (id string) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		row, err := tx.Dataset(c.ctx, slug)
		id = row.ID
		return err
	})
	return id
}

// use writes what an operator has used of a scope's month.
func (c *city) use(scope budget.Scope, subject string, a budget.Amount) {
	c.t.Helper()
	c.sql(fmt.Sprintf(`insert into spent values ('%s', '%s', '%s', '%s', %d, %d, %d) on conflict (scope, org, subject, month)
		do update set runs = excluded.runs, rows = excluded.rows, failed = excluded.failed`,
		scope, c.developer.Org, subject, calendar.MonthOf(c.clock()), a.Runs, a.Rows, a.Failed))
}

// used reads it.
func (c *city) used(scope budget.Scope, subject string) (a budget.Amount) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		s, err := tx.Spent(c.ctx, postgres.Spent{
			Scope: string(scope), Org: c.developer.Org, Subject: subject, Month: calendar.MonthOf(c.clock()).String(),
		})
		a = budget.Amount{Runs: s.Runs, Rows: s.Rows, Failed: s.Failed}
		return err
	})
	return a
}

// TestMonthsAreNeverOverspent lets two submits race for the last of each figure of each monthly budget: exactly one
// wins, every time, and the loser is told which budget it was.
func TestMonthsAreNeverOverspent(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10_000, Rows: 10_000_000, Failed: 10_000})
	other := c.newGrant(c.grant.Scope.Budget) // two grants: their own locks do not keep the submits apart
	rules, err := ruleset.Default()
	c.must(err)
	ds := c.datasetID()
	for _, scope := range []struct {
		scope   budget.Scope
		subject string
		limit   ruleset.Budget
		told    string
	}{
		{budget.Dataset, ds, rules.Budgets.DatasetMonth, "dataset " + slug},
		{budget.Org, c.developer.Org, rules.Budgets.OrgMonth, "org"},
	} {
		limit := budget.Amount{Runs: int64(scope.limit.Runs), Rows: int64(scope.limit.Rows), Failed: int64(scope.limit.Failed)}
		for code, used := range map[string]budget.Amount{
			"budget.runs": {Runs: limit.Runs - 1}, "budget.rows": {Rows: limit.Rows - 100}, "budget.failed": {Failed: limit.Failed - 1},
		} {
			t.Run(string(scope.scope)+" "+code, func(t *testing.T) {
				for range 8 {
					c.use(budget.Dataset, ds, budget.Amount{})
					c.use(budget.Org, c.developer.Org, budget.Amount{})
					c.use(scope.scope, scope.subject, used)
					c.raceSubmits(t, other.Number, code, scope.told)
					if got := c.used(scope.scope, scope.subject); got != used.Plus(perRun()) {
						t.Fatalf("used %+v", got)
					}
				}
			})
		}
	}
}

// raceSubmits submits at once under two grants: one is refused with one code about one budget.
func (c *city) raceSubmits(t *testing.T, other, code, told string) {
	t.Helper()
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, number := range []string{c.grant.Number, other} {
		both.Go(func() { _, errs[i] = c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(number)) })
	}
	both.Wait()
	lost := errs[0]
	if lost == nil {
		lost = errs[1]
	}
	var f *fault.Error
	if (errs[0] == nil) == (errs[1] == nil) || !errors.As(lost, &f) || len(f.Reasons) != 1 {
		t.Fatalf("got %v and %v, want one of them refused for one reason", errs[0], errs[1])
	}
	if f.Reasons[0].Code != code || !slices.Equal(f.Reasons[0].What, []string{told}) {
		t.Fatalf("the loser was told %v", f.Reasons)
	}
}

// TestWhatIsChargedAndGivenBack follows the budgets of every scope through each way a job can end (I11).
func TestWhatIsChargedAndGivenBack(t *testing.T) {
	none, kept := budget.Amount{}, budget.Amount{Runs: 1, Rows: 100}
	tests := []struct {
		name string
		end  func(*city, job.View)
		want budget.Amount
	}{
		{"refused by its check", func(c *city, _ job.View) { c.check(task.CheckFinding{Code: "grammar.limit", Relation: "r", Line: 2}) }, none},
		{"check that failed", func(c *city, _ job.View) {
			c.work(func(work.Letter, work.Keys) (string, work.Result) { return "failed", work.Result{} })
		}, none},
		{"cancelled before it began", func(c *city, j job.View) {
			c.check()
			_, err := c.serve.Jobs.Cancel(c.ctx, c.developer.Subject, j.Number)
			c.must(err)
		}, none},
		{"interrupted by the platform", func(c *city, j job.View) {
			c.approve(j)
			c.interrupted()
			c.interrupted()
			c.interrupted()
		}, none},
		{"failed", func(c *city, j job.View) {
			c.run(j, "failed", work.Result{Failure: &task.Failure{Class: task.FailCast}})
		}, perRun()},
		{"at a limit", func(c *city, j job.View) { c.run(j, "limit", work.Result{}) }, perRun()},
		{"without evidence", func(c *city, j job.View) { c.run(j, "success", work.Result{}) }, perRun()},
		{"a product", func(c *city, j job.View) {
			c.approve(j)
			c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
				if letter.Wall() != time.Hour {
					c.t.Errorf("a run may take %s, and the rules say an hour", letter.Wall())
				}
				return "success", c.outputs(keys, j.Number)
			})
		}, kept},
	}
	c := newCity(t, plenty())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := c.newGrant(grant.Budget{Runs: 5, Rows: 500, Failed: 5})
			ds := c.datasetID()
			before := [2]budget.Amount{c.used(budget.Dataset, ds), c.used(budget.Org, c.developer.Org)}
			j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(g.Number))
			c.must(err)
			if got := c.used(budget.Org, c.developer.Org).Minus(before[1]); got != perRun() {
				t.Fatalf("a submit took %+v", got)
			}
			tt.end(c, j)
			g, err = c.serve.Grants.Show(c.ctx, c.developer.Subject, g.Number)
			c.must(err)
			got := []budget.Amount{
				{Runs: 5 - g.RunsLeft, Rows: 500 - g.RowsLeft, Failed: 5 - g.FailedLeft},
				c.used(budget.Dataset, ds).Minus(before[0]), c.used(budget.Org, c.developer.Org).Minus(before[1]),
			}
			if diff := cmp.Diff([]budget.Amount{tt.want, tt.want, tt.want}, got); diff != "" {
				t.Fatalf("taken of grant, dataset and organization (-want +got):\n%s", diff)
			}
		})
	}
}

// check settles the check of the oldest job with findings; none verify it.
func (c *city) check(findings ...task.CheckFinding) {
	c.t.Helper()
	c.work(func(work.Letter, work.Keys) (string, work.Result) {
		return "success", work.Result{Check: &task.CheckReport{
			Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}, Findings: findings,
		}}
	})
}

func (c *city) approve(j job.View) {
	c.t.Helper()
	c.check()
	for _, p := range []person{c.officer, c.chief} {
		_, err := c.serve.Jobs.Approve(c.ctx, p.Subject, j.Number)
		c.must(err)
	}
}

// run takes a submitted job to its run and seals how that ended.
func (c *city) run(j job.View, outcome string, r work.Result) {
	c.t.Helper()
	c.approve(j)
	c.work(func(work.Letter, work.Keys) (string, work.Result) { return outcome, r })
}

// TestFailedAnswersRunOut: with its last failed answer an operator has no further run on the dataset under the
// grant, nor on the dataset in that month; the next month has its own.
func TestFailedAnswersRunOut(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 100, Rows: 100_000, Failed: 1})
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.run(j, "failed", work.Result{Failure: &task.Failure{Class: task.FailCast}})
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "budget.failed" {
		t.Fatalf("under the grant: %v", err)
	}
	g := c.newGrant(plenty()) // the agency gives more
	rules, err := ruleset.Default()
	c.must(err)
	c.use(budget.Dataset, c.datasetID(), budget.Amount{Failed: int64(rules.Budgets.DatasetMonth.Failed)})
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(g.Number)); code(err) != "budget.failed" {
		t.Fatalf("in the month: %v", err)
	}
	c.mu.Lock()
	c.now = calendar.MonthOf(c.now).End()
	c.mu.Unlock()
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(g.Number)); err != nil {
		t.Fatalf("in the next month: %v", err)
	}
}

// TestUsage shows one month to each party: the operator with its budgets, the agency and the department without,
// and nothing to anybody else.
func TestUsage(t *testing.T) {
	c := newCity(t, plenty())
	c.ran(c.grant.Number)
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.run(j, "failed", work.Result{Failure: &task.Failure{Class: task.FailCast}})
	want := []budget.Use{{
		Operator: c.director.home, OperatorName: c.agreement.OperatorName, Agreement: c.agreement.Number, Grant: c.grant.Number, Dataset: slug,
		Columns: []string{"health", "visits"}, Amount: budget.Amount{Runs: 2, Rows: 200, Failed: 1},
	}}
	own, err := c.serve.Usage.Month(c.ctx, c.developer.Subject, "")
	c.must(err)
	theirs, err := c.serve.Usage.Month(c.ctx, c.chief.Subject, calendar.MonthOf(c.clock()).String())
	c.must(err)
	data, err := c.serve.Datasets.Usage(c.ctx, c.steward.Subject, slug, "")
	c.must(err)
	for who, u := range map[string]budget.Usage{"operator": own, "agency": theirs, "department": data} {
		if diff := cmp.Diff(want, u.Uses); diff != "" || want[0].OperatorName == "" {
			t.Errorf("%s (-want +got):\n%s", who, diff)
		}
		if (len(u.Budgets) > 0) != (who == "operator") {
			t.Errorf("%s sees budgets %v", who, u.Budgets)
		}
	}
	if len(own.Budgets) != 2 || own.Budgets[0].Subject != slug || own.Budgets[0].Limit.Minus(own.Budgets[0].Left) != want[0].Amount {
		t.Errorf("budgets %+v", own.Budgets)
	}
	c.refusesUsage(t)
	c.recently(t, want[0])
}

// recently: a department sees a month and more of its own, once for each operator and dataset, and nobody else any of it.
func (c *city) recently(t *testing.T, used budget.Use) {
	t.Helper()
	ask := func() []budget.Recent {
		t.Helper()
		all, err := c.serve.Usage.Recent(c.ctx, c.steward.Subject)
		c.must(err)
		return all
	}
	got := ask()
	if len(got) != 1 || got[0].Dataset != slug || got[0].Operator != used.Operator || got[0].OperatorName == "" ||
		got[0].Runs != 2 || got[0].Releases != 0 || !slices.Equal(got[0].Columns, used.Columns) {
		t.Errorf("recently: %+v", got)
	}
	for who, subject := range map[string]policy.Subject{"operator": c.developer.Subject, "agency": c.chief.Subject} {
		if _, err := c.serve.Usage.Recent(c.ctx, subject); code(err) != "access.not_permitted" {
			t.Errorf("%s asks who used a department's data: %v", who, err)
		}
	}
	other := c.steward.Subject
	other.Org = name.NewID().String()
	if all, err := c.serve.Usage.Recent(c.ctx, other); err == nil && len(all) > 0 {
		t.Errorf("another department sees %+v", all)
	}
	c.sql("update job set created_at = created_at - interval '31 days'")
	if got := ask(); len(got) != 0 {
		t.Errorf("after a month: %+v", got)
	}
}

func (c *city) refusesUsage(t *testing.T) {
	t.Helper()
	if u, err := c.serve.Usage.Month(c.ctx, c.developer.Subject, "2026-01"); err != nil || len(u.Uses)+len(u.Budgets) > 0 {
		t.Errorf("another month: %+v, %v", u, err)
	}
	if _, err := c.serve.Usage.Month(c.ctx, c.developer.Subject, "November"); code(err) != "usage.invalid" {
		t.Errorf("no month: %v", err)
	}
	if _, err := c.serve.Usage.Month(c.ctx, c.steward.Subject, ""); code(err) != "access.not_permitted" {
		t.Errorf("a department asks for everything: %v", err)
	}
	if _, err := c.serve.Datasets.Usage(c.ctx, c.developer.Subject, slug, ""); code(err) != "unknown" {
		t.Errorf("an operator asks who else uses a dataset: %v", err)
	}
	other := c.developer.Subject
	other.Org = name.NewID().String()
	if u, err := c.serve.Usage.Month(c.ctx, other, "2026-01"); err == nil && len(u.Uses) > 0 {
		t.Errorf("another operator sees %+v", u.Uses)
	}
}

// TestBudgetsAreShown: a job and a grant tell their operator what is left; the agency is told of the grant only.
// What others spend meanwhile does not make a job another one to who decides on it.
func TestBudgetsAreShown(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 3, Rows: 300})
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	rules, err := ruleset.Default()
	c.must(err)
	want := []budget.Amount{
		{Runs: 2, Rows: 200, Failed: int64(rules.Budgets.GrantFailed) - 1},
		{Runs: int64(rules.Budgets.DatasetMonth.Runs) - 1, Rows: int64(rules.Budgets.DatasetMonth.Rows) - 100, Failed: int64(rules.Budgets.DatasetMonth.Failed) - 1},
		{Runs: int64(rules.Budgets.OrgMonth.Runs) - 1, Rows: int64(rules.Budgets.OrgMonth.Rows) - 100, Failed: int64(rules.Budgets.OrgMonth.Failed) - 1},
	}
	var got []budget.Amount
	for _, b := range j.Budgets {
		got = append(got, b.Left)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	seen, err := c.serve.Jobs.Show(c.ctx, c.officer.Subject, j.Number)
	c.must(err)
	agency, err := c.serve.Jobs.Show(c.ctx, c.chief.Subject, j.Number)
	c.must(err)
	if len(seen.Budgets) != 3 || len(agency.Budgets) != 0 {
		t.Errorf("the officer sees %d budgets, the agency %d", len(seen.Budgets), len(agency.Budgets))
	}
	c.check()
	seen, err = c.serve.Jobs.Show(c.ctx, c.officer.Subject, j.Number)
	c.must(err)
	tag, err := catalog.Tag(seen)
	c.must(err)
	_, err = c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	_, err = c.serve.Jobs.Approve(catalog.Under(c.ctx, catalog.Condition{Seen: tag}), c.officer.Subject, j.Number)
	c.must(err)
}
