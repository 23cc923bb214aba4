package catalog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/work"
)

// report is what the check container says of the city's package when nothing is wrong with it.
func report(findings ...task.CheckFinding) task.CheckReport {
	return task.CheckReport{
		Relations: []task.RelationPlan{{
			Statement: task.Statement{Relation: "r", Line: 2}, Inputs: []string{"visits"},
			Columns: []task.RelationColumn{
				{Name: "resident", Kind: task.KindToken}, {Name: "health", Kind: task.KindMeasure, Source: "visits.health"},
				{Name: "visits", Kind: task.KindMeasure, Source: "visits.visits"},
			},
		}},
		Findings: findings,
	}
}

// foretell asks for a check of a package, lets the container report, and returns the job as it ended.
func (c *city) foretell(p job.Package, r task.CheckReport) job.View {
	c.t.Helper()
	j, err := c.serve.Jobs.Check(c.ctx, c.developer.Subject, p)
	c.must(err)
	if j.Over() {
		return j
	}
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		if len(keys.Data)+len(keys.Units) > 0 || keys.Token != nil {
			c.t.Error("a check was handed keys")
		}
		return "success", work.Result{Check: &r}
	})
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	return j
}

// reasonCodes lists all an answer refuses for, scope first.
func reasonCodes(a *job.Answer) (codes []string) {
	for _, r := range a.Scope {
		codes = append(codes, r.Code)
	}
	for _, f := range a.Code.Findings {
		codes = append(codes, f.Code)
	}
	for _, o := range a.Outputs {
		for _, f := range o.Refused {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// TestCheckThatPasses: nothing refuses the package, what is allowed and left is told, and nothing is spent.
func TestCheckThatPasses(t *testing.T) {
	c := newCity(t, plenty())
	j := c.foretell(c.pack(c.grant.Number), report())
	a := j.Answer
	if j.State != string(job.Checked) || j.EndedAt == nil || a == nil || !a.Passes || len(reasonCodes(a)) > 0 {
		t.Fatalf("%s: %+v", j.State, a)
	}
	if a.RuleSet == "" || a.Revision == "" || a.Code.State != job.CodeVerified {
		t.Errorf("by %q and %q: %s", a.RuleSet, a.Revision, a.Code.State)
	}
	want := []job.RelationAnswer{{Relation: "r", Standing: job.Verified, Columns: []job.ColumnAnswer{
		{Name: "resident", Kind: "token"}, {Name: "health", Kind: "measure"}, {Name: "visits", Kind: "measure"},
	}}}
	if diff := cmp.Diff(want, a.Code.Relations); diff != "" {
		t.Errorf("relations (-want +got):\n%s", diff)
	}
	if len(a.Allowed) != 1 || !slices.Equal(a.Allowed[0].Columns, []string{"health", "visits"}) || a.Allowed[0].Left.Runs != plenty().Runs {
		t.Errorf("allowed %+v", a.Allowed)
	}
	if a.Budgets[0].Left.Runs != plenty().Runs-1 || a.Budgets[0].Left.Rows != plenty().Rows-100 {
		t.Errorf("left after the run: %+v", a.Budgets[0])
	}
	for _, g := range a.Gates {
		if !g.Open {
			t.Errorf("gate %+v", g)
		}
	}
	if got := c.used(budget.Org, c.developer.Org); got != (budget.Amount{}) {
		t.Errorf("a check spent %+v", got)
	}
}

// TestCheckTellsEverything: a refused scope does not keep the code from being checked, nor one part another.
func TestCheckTellsEverything(t *testing.T) {
	c := newCity(t, plenty())
	p := c.pack(c.grant.Number)
	p.Purpose = "planning"
	p.Inputs[0].Columns = append(p.Inputs[0].Columns, "resident_id")
	p.Outputs[0].Table.By[0].Values = []string{"good", "splendid"}
	many := slices.Clone(p.Outputs[0].Table.By)
	many[0].Values = strings.Split(strings.Repeat("good,", 10)+"poor", ",") // 11 cells of 10 units, and 100 rows
	p.Outputs = append(p.Outputs, job.Output{Table: &job.Table{Name: "many", From: "r", By: many, Measures: p.Outputs[0].Table.Measures}})
	for i := range many[0].Values {
		many[0].Values[i] = "v" + string(rune('a'+i))
	}
	j := c.foretell(p, report(
		task.CheckFinding{Code: "grammar.limit", Relation: "s", Line: 9, Remedy: "remedy.grammar.limit"},
		task.CheckFinding{Code: "table.dimension", Relation: "r", What: "many", Remedy: "remedy.table.dimension"},
	))
	want := []string{
		"purpose.outside_grant", "purpose.outside_terms", // of the job
		"columns.dropped", "columns.outside_grant", "columns.outside_terms", "level.above_cap",
		"grammar.limit", "label.outside_column", "table.dimension", "label.outside_column", "people.too_many_cells",
	}
	got := reasonCodes(j.Answer)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if j.State != string(job.Refused) || j.Answer.Passes || j.Answer.Code.State != job.CodeRefused {
		t.Errorf("%s, passes %v, code %s", j.State, j.Answer.Passes, j.Answer.Code.State)
	}
	if last := j.Answer.Code.Relations[1]; last.Relation != "s" || last.Standing != job.Claimed {
		t.Errorf("relations %+v", j.Answer.Code.Relations)
	}
	if slices.Contains(j.Answer.Allowed[0].Columns, "resident_id") {
		t.Error("tells a column nobody granted as allowed")
	}
}

// TestCheckAndSubmitAgree: whatever a check tells of the scope is what a submit is refused for, and no more.
func TestCheckAndSubmitAgree(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 2, Rows: 150})
	bend := map[string]func(*job.Package){
		"nothing":          func(*job.Package) {},
		"purpose":          func(p *job.Package) { p.Purpose = "planning" },
		"column":           func(p *job.Package) { p.Inputs[0].Columns = []string{"resident_id"} },
		"version":          func(p *job.Package) { p.Inputs[0].Version = 7 },
		"grant":            func(p *job.Package) { p.Inputs[0].Grant = "G-2026-0999" },
		"dataset":          func(p *job.Package) { p.Inputs[0].Dataset = "nothing-there" },
		"file":             func(p *job.Package) { p.Outputs = []job.Output{{File: &job.File{Name: "f", From: "r"}}} },
		"two of one grant": func(p *job.Package) { in := p.Inputs[0]; in.Name = "b"; p.Inputs = append(p.Inputs, in) },
	}
	for what, do := range bend {
		t.Run(what, func(t *testing.T) {
			p := c.pack(c.grant.Number)
			do(&p)
			j := c.foretell(p, report())
			_, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
			told := ""
			if len(j.Answer.Scope) > 0 {
				told = j.Answer.Scope[0].Code
			}
			if code(err) != told || (what == "nothing") != (err == nil) {
				t.Fatalf("the check told %v, the submit %v", j.Answer.Scope, err)
			}
			if err == nil {
				c.check() // settles the submit's own
			}
		})
	}
}

// TestCheckOfUnknownInputs checks the code over what is known and says what is not; with nothing known it answers
// at once. Of another operator's grant it tells nothing but that it is unknown.
func TestCheckOfUnknownInputs(t *testing.T) {
	c := newCity(t, plenty())
	p := c.pack(c.grant.Number)
	foreign := p.Inputs[0]
	foreign.Name, foreign.Grant = "others", "G-2026-0002"
	c.sql("insert into data_grant select gen_random_uuid(), 'G-2026-0002', agreement, '" + c.steward.Org + "', dataset, state, scope, rule_set, " +
		"runs_left, rows_left, ends_at, proposed_by, approved_by, ended_at, created_at, failed_left from data_grant where number = '" + c.grant.Number + "'")
	p.Inputs = append(p.Inputs, foreign)
	j, err := c.serve.Jobs.Check(c.ctx, c.developer.Subject, p)
	c.must(err)
	c.work(func(letter work.Letter, _ work.Keys) (string, work.Result) {
		if tables := letter.Check.Tables; len(tables) != 1 || tables[0].Input != "visits" {
			t.Errorf("checked over %v", tables)
		}
		r := report(
			task.CheckFinding{Code: "grammar.table", Relation: "s", Line: 5, What: "others", Remedy: "x"},
			task.CheckFinding{Code: "table.from", Relation: "s", What: "by_others", Remedy: "x"},
		)
		return "success", work.Result{Check: &r}
	})
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	a := j.Answer
	if a.Code.State != job.CodePartly || !slices.Equal(a.Code.Unchecked, []string{"others"}) || len(a.Code.Findings) > 0 {
		t.Errorf("code %+v", a.Code)
	}
	if codes := reasonCodes(a); !slices.Equal(codes, []string{"grant.unknown"}) || len(a.Allowed) != 1 {
		t.Errorf("refused for %v, allowed %+v", codes, a.Allowed)
	}
	p.Inputs = []job.Input{foreign}
	j = c.foretell(p, report())
	if j.State != string(job.Refused) || j.Answer.Code.State != job.CodeUnchecked || len(j.Answer.Allowed)+len(j.Answer.Gates) > 0 {
		t.Errorf("%s: %+v", j.State, j.Answer)
	}
}

// TestCheckGates: a closed gate refuses: code never debugged, a frozen dataset, a grant that ended.
func TestCheckGates(t *testing.T) {
	c := (&city{t: t, ctx: t.Context(), debugFirst: true}).start(plenty())
	closed := func() (gates []string) {
		j := c.foretell(c.pack(c.grant.Number), report())
		for _, g := range j.Answer.Gates {
			if !g.Open {
				gates = append(gates, g.Gate)
			}
		}
		if j.Answer.Passes {
			t.Error("passes")
		}
		return gates
	}
	if got := closed(); !slices.Equal(got, []string{"debug"}) {
		t.Errorf("closed: %v", got)
	}
	_, err := c.serve.Datasets.Freeze(c.ctx, c.steward.Subject, slug)
	c.must(err)
	if got := closed(); !slices.Equal(got, []string{"debug", "dataset"}) {
		t.Errorf("closed: %v", got)
	}
	_, err = c.serve.Grants.Revoke(c.ctx, c.chief.Subject, c.grant.Number)
	c.must(err)
	if got := closed(); !slices.Equal(got, []string{"debug", "dataset", "grant"}) {
		t.Errorf("closed: %v", got)
	}
}

// TestNothingFollowsFromACheck: it cannot be approved, does not count as a debug run, and is its operator's alone.
func TestNothingFollowsFromACheck(t *testing.T) {
	c := newCity(t, plenty())
	j := c.foretell(c.pack(c.grant.Number), report())
	if _, err := c.serve.Jobs.Approve(c.ctx, c.officer.Subject, j.Number); code(err) != "check.move_not_allowed" {
		t.Errorf("approving: %v", err)
	}
	if _, err := c.serve.Jobs.Cancel(c.ctx, c.developer.Subject, j.Number); code(err) != "check.move_not_allowed" {
		t.Errorf("cancelling: %v", err)
	}
	c.tx(func(tx *postgres.Tx) error {
		done, err := tx.DebuggedCode(c.ctx, c.developer.Org, c.codeDigest())
		if done {
			t.Error("a check counts as a debug run")
		}
		return err
	})
	if _, err := c.serve.Jobs.Check(c.ctx, c.officer.Subject, c.pack(c.grant.Number)); code(err) != "access.not_permitted" {
		t.Errorf("an officer checks: %v", err)
	}
	if _, err := c.serve.Jobs.Show(c.ctx, c.steward.Subject, j.Number); code(err) != "unknown" {
		t.Errorf("a department looks: %v", err)
	}
}

// TestRealDataSaysNothing seals failures that carry values in every place a worker could put them: none reaches the
// author, the trace, or what is kept of decisions. Class, line and coarse sizes do.
func TestRealDataSaysNothing(t *testing.T) {
	const canary = "500101199003070011"
	c := newCity(t, plenty())
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.run(j, "failed", work.Result{
		Failure:   &task.Failure{Class: task.FailCast, Relation: "r", Line: 2, Message: "Could not convert string '" + canary + "'"},
		Relations: []task.RelationRows{{Relation: "r", Rows: 1234}, {Relation: "r" + canary, Rows: 7}},
		Tables:    map[string]string{canary: canary},
		Seconds:   47, PeakMB: 173,
	})
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	var f task.Failure
	var u job.Usage
	c.must(json.Unmarshal(j.Failure, &f))
	c.must(json.Unmarshal(j.Usage, &u))
	if f != (task.Failure{Class: task.FailCast, Relation: "r", Line: 2}) {
		t.Errorf("told %+v", f)
	}
	rules, err := ruleset.Default()
	c.must(err)
	limits := rules.Jobs
	if diff := cmp.Diff(job.Usage{
		Relations: []job.RelationSize{{Relation: "r", Rows: "10^3"}},
		Limits:    &job.LimitsUsed{Seconds: ">=10", MostTime: limits.WallSeconds, Memory: "10^2", MostMemory: limits.MemoryMB},
	}, u); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	second, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.run(second, "failed", work.Result{Failure: &task.Failure{Class: canary, Relation: canary, Line: 500101}})
	second, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, second.Number)
	c.must(err)
	if want := `{"class": "other"}`; string(second.Failure) != want {
		t.Errorf("told %s, want %s", second.Failure, want)
	}
	c.finds(t, canary, j, second)
}

// finds looks for a value in what people are shown, the trace and the kept decisions.
func (c *city) finds(t *testing.T, canary string, views ...job.View) {
	t.Helper()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	c.turns()
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Limit: 200})
	c.must(err)
	if len(entries) == 0 {
		t.Error("no trace")
	}
	var decisions []postgres.Decision
	c.tx(func(tx *postgres.Tx) (err error) {
		decisions, err = tx.Decisions(c.ctx, 1000)
		return err
	})
	shown, err := json.Marshal([]any{views, entries, decisions})
	c.must(err)
	for _, e := range entries {
		shown = append(shown, e.Body...)
	}
	for _, d := range decisions {
		shown = append(append(shown, d.Request...), d.Reasons...)
	}
	if strings.Contains(string(shown), canary) {
		t.Error("a value of the data is told")
	}
}
