package runner

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// tables are the inputs of testdata/grammar.yaml.
func tables() []task.TableSpec {
	units := []task.Unit{{Kind: "resident", Column: "resident_id"}}
	return []task.TableSpec{
		{Input: "visits", Units: units, Known: []string{"phone", "name"}, Columns: []task.Column{
			{Name: "plan", Type: task.Text, Role: task.Other},
			{Name: "health", Type: task.Text, Role: task.Sensitive},
			{Name: "limitation", Type: task.Boolean, Role: task.Sensitive},
			{Name: "visits", Type: task.Integer, Role: task.Sensitive},
			{Name: "cost", Type: task.Number, Role: task.Sensitive},
			{Name: "chronic", Type: task.Integer, Role: task.Sensitive},
			{Name: "district", Type: task.Text, Role: task.Quasi},
			{Name: "seen", Type: task.Date, Role: task.Quasi},
			{Name: "resident_id", Type: task.Text, Role: task.Identifier},
		}},
		{Input: "costs", Units: units, Known: []string{"phone", "name"}, Columns: []task.Column{
			{Name: "kind", Type: task.Text, Role: task.Other},
			{Name: "amount", Type: task.Number, Role: task.Sensitive},
			{Name: "year", Type: task.Integer, Role: task.Other},
		}},
	}
}

// newChecker is an engine with empty inputs.
func newChecker(t testing.TB) *verifier {
	t.Helper()
	db, err := openDuck(t.Context(), duckConfig{Threads: 1, Read: t.TempDir(), Placed: true})
	if err != nil {
		t.Fatalf("opening engine: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing engine: %v", err)
		}
	})
	v := &verifier{db: db, grammar: grammar.New(), tables: tables()}
	if err := v.emptyTables(t.Context()); err != nil {
		t.Fatalf("making tables: %v", err)
	}
	return v
}

// decision is one row of the decision table.
type decision struct {
	Name    string   `yaml:"name"`
	SQL     string   `yaml:"sql"`
	Columns string   `yaml:"columns"` // of a verified statement
	Codes   []string `yaml:"codes"`   // of a refused one, sorted
}

func decisions(t testing.TB) []decision {
	t.Helper()
	b, err := os.ReadFile("testdata/grammar.yaml")
	if err != nil {
		t.Fatalf("reading decisions: %v", err)
	}
	var list []decision
	if err := yaml.Unmarshal(b, &list); err != nil {
		t.Fatalf("reading decisions: %v", err)
	}
	return list
}

func TestGrammarDecisions(t *testing.T) {
	v := newChecker(t)
	list := decisions(t)
	for _, d := range list {
		t.Run(d.Name, func(t *testing.T) {
			r := checkCode(t, v, "-- relation: r\n"+d.SQL, nil)
			if diff := cmp.Diff(d.Codes, codes(r.Findings)); diff != "" {
				t.Errorf("%s\ncodes (-want +got):\n%s", d.SQL, diff)
			}
			if diff := cmp.Diff(d.Columns, columnText(r.Relations)); diff != "" {
				t.Errorf("%s\ncolumns (-want +got):\n%s", d.SQL, diff)
			}
			for _, f := range r.Findings {
				if f.Remedy != "remedy."+f.Code || f.Line < 1 {
					t.Errorf("finding %+v: no remedy or no line", f)
				}
			}
		})
	}
}

func checkCode(t testing.TB, v *verifier, code string, out []task.Table) *task.CheckReport {
	t.Helper()
	r, err := v.check(t.Context(), &task.CheckLetter{Code: code, Tables: v.tables, Output: out})
	if err != nil {
		t.Fatalf("checking: %v", err)
	}
	return r
}

func codes(findings []task.CheckFinding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// columnText writes columns as name=token, name=label, name=input.column or name=form input.column.
func columnText(plans []task.RelationPlan) string {
	var out []string
	for _, p := range plans {
		for _, c := range p.Columns {
			what := string(c.Kind)
			if c.Kind == task.KindMeasure {
				what = strings.TrimSpace(c.Form + " " + c.Source)
			}
			out = append(out, c.Name+"="+what)
		}
	}
	return strings.Join(out, " ")
}

func TestCheckReport(t *testing.T) {
	v := newChecker(t)
	code := `-- relation: person
SELECT resident, sum(visits) AS total
FROM visits
WHERE plan = 'free'
GROUP BY resident

-- relation: bad
SELECT resident,
  upper(
    phone) AS a,
  '13800138000'
    || resident AS b
FROM visits
`
	r := checkCode(t, v, code, []task.Table{
		{Name: "totals", From: "person", Measures: []task.Measure{{Name: "s", Stat: task.StatSum, Of: "total"}}},
		{Name: "lost", From: "bad", Measures: []task.Measure{{Name: "n", Stat: task.StatUnits}}},
	})
	want := &task.CheckReport{
		Relations: []task.RelationPlan{{
			Statement: task.Statement{Relation: "person", Line: 2,
				SQL: "SELECT resident, sum(visits) AS total\nFROM visits\nWHERE plan = 'free'\nGROUP BY resident"},
			Inputs: []string{"visits"},
			Columns: []task.RelationColumn{
				{Name: "resident", Kind: task.KindToken, Unit: "resident"},
				{Name: "total", Kind: task.KindMeasure, Source: "visits.visits", Form: "sum"},
			},
		}},
		Findings: []task.CheckFinding{
			{Code: "columns.not_declared", Relation: "bad", Line: 10, What: "phone", Remedy: "remedy.columns.not_declared"},
			{Code: "token.used", Relation: "bad", Line: 12, What: "resident", Remedy: "remedy.token.used"},
			{Code: "table.from", Relation: "bad", What: "lost", Remedy: "remedy.table.from"},
		},
		Reads: []task.ColumnReading{{Input: "visits", Columns: []string{"plan", "visits"}}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestCheckRowSets(t *testing.T) {
	v := newChecker(t)
	sum := func(of, per string) []task.Table {
		return []task.Table{{Name: "t", From: "r", Measures: []task.Measure{{Name: "q", Stat: task.StatRatio, Of: of, Per: per}}}}
	}
	for _, c := range []struct {
		name, sql string
		codes     []string
	}{
		{"two columns of one table", "SELECT resident, cost AS a, visits AS b FROM visits WHERE plan = 'free'", nil},
		{"two aggregates of one select", "SELECT resident, sum(cost) AS a, count(*) AS b FROM visits GROUP BY resident", nil},
		{"two filters", "SELECT x.resident, x.a, y.b FROM (SELECT resident, sum(cost) AS a FROM visits GROUP BY resident) x" +
			" LEFT JOIN (SELECT resident, sum(visits) AS b FROM visits WHERE plan = 'free' GROUP BY resident) y ON x.resident = y.resident",
			[]string{"measure.row_set"}},
		{"two filters of one CTE", "WITH c AS (SELECT * FROM visits) SELECT x.resident, x.a, y.b FROM (SELECT resident, sum(cost) AS a FROM c GROUP BY resident) x" +
			" LEFT JOIN (SELECT resident, sum(visits) AS b FROM c WHERE plan = 'free' GROUP BY resident) y ON x.resident = y.resident",
			[]string{"measure.row_set"}},
		{"two filters of one aggregate", "WITH c AS (SELECT resident, sum(cost) AS a, sum(visits) AS b FROM visits GROUP BY resident) SELECT x.resident, x.a, y.b FROM c x" +
			" LEFT JOIN (SELECT resident, b FROM c WHERE a > 3) y ON x.resident = y.resident", []string{"measure.row_set"}},
		{"two tables", "SELECT v.resident, v.cost AS a, c.b FROM visits v JOIN (SELECT resident, sum(amount) AS b FROM costs GROUP BY resident) c ON v.resident = c.resident",
			[]string{"measure.row_set"}},
		{"the same through a union", "SELECT resident, cost AS a, visits AS b FROM visits UNION ALL SELECT resident, cost, visits FROM visits WHERE plan = 'free'", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checkCode(t, v, "-- relation: r\n"+c.sql, sum("a", "b"))
			if diff := cmp.Diff(c.codes, codes(r.Findings)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

// Where rows belong to two kinds of unit, both must be carried, grouped by and partitioned by.
func TestCheckTwoKinds(t *testing.T) {
	v := newChecker(t)
	v.tables = []task.TableSpec{
		{Input: "jobs", Units: []task.Unit{{Kind: "worker", Column: "w"}, {Kind: "firm", Column: "f"}},
			Columns: []task.Column{{Name: "pay", Type: task.Integer, Role: task.Sensitive}}},
		{Input: "people", Units: []task.Unit{{Kind: "worker", Column: "w"}},
			Columns: []task.Column{{Name: "age", Type: task.Integer, Role: task.Quasi}}},
	}
	if err := v.emptyTables(t.Context()); err != nil {
		t.Fatalf("making tables: %v", err)
	}
	for _, c := range []struct {
		name, sql string
		codes     []string
	}{
		{"both", "SELECT worker, firm, sum(pay) AS total FROM jobs GROUP BY worker, firm", nil},
		{"one carried", "SELECT worker, pay FROM jobs", []string{"token.missing"}},
		{"one grouped", "SELECT worker, sum(pay) AS total FROM jobs GROUP BY worker", []string{"grammar.aggregate", "grammar.group_token", "token.missing"}},
		{"one partitioned", "SELECT worker, firm, max(pay) OVER (PARTITION BY firm) AS top FROM jobs", []string{"grammar.window_partition"}},
		{"a join to fewer kinds", "SELECT j.worker, firm, pay, a FROM jobs j JOIN (SELECT worker, max(age) AS a FROM people GROUP BY worker) p ON j.worker = p.worker", nil},
		{"a join to more kinds", "SELECT p.worker, age FROM people p JOIN (SELECT worker, firm, max(pay) AS m FROM jobs GROUP BY worker, firm) j ON j.worker = p.worker",
			[]string{"join.condition"}},
		{"arms of other kinds", "SELECT worker FROM people UNION ALL SELECT worker FROM jobs", []string{"grammar.union_arms", "token.missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checkCode(t, v, "-- relation: r\n"+c.sql, nil)
			if diff := cmp.Diff(c.codes, codes(r.Findings)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

// A statement is refused before its size becomes the engine's: an alias is written out wherever it stands.
func TestCheckLarge(t *testing.T) {
	v := newChecker(t)
	chain := "visits + 1 AS a0"
	for i := range 40 {
		chain += fmt.Sprintf(", a%d + a%d AS a%d", i, i, i+1)
	}
	for _, c := range []struct {
		name, list string
		codes      []string
	}{
		{"a chain of aliases", chain, []string{"grammar.too_large"}},
		{"an alias in many places", strings.Repeat("visits + ", 900) + "1 AS a" + strings.Repeat(", a + 1 AS b", 60), []string{"grammar.column_twice", "grammar.too_large"}},
		{"a chain of windows", strings.ReplaceAll(chain, "visits + 1", "sum(visits) OVER (PARTITION BY resident)"), []string{"grammar.too_large"}},
		{"a long list", "visits IN (1" + strings.Repeat(",1", 5000) + ") AS x", []string{"grammar.too_large"}},
		{"a sum of many", "visits" + strings.Repeat(" + visits", 900) + " AS x", nil},
		{"deep parentheses", strings.Repeat("(", 300000) + "1" + strings.Repeat(")", 300000) + " AS x", []string{"grammar.syntax"}},
		{"deep negation", strings.Repeat("NOT ", 100000) + "limitation AS x", []string{"grammar.syntax"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checkCode(t, v, "-- relation: r\nSELECT resident, "+c.list+" FROM visits", nil)
			if diff := cmp.Diff(c.codes, codes(r.Findings)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

// What runs is what was checked: a tree that was not checked, or that means other columns, is not written out.
func TestRewriteChecksAgain(t *testing.T) {
	v, ctx := newChecker(t), t.Context()
	good, findings, err := v.verify(ctx, task.Statement{Relation: "r", Line: 1, SQL: "SELECT resident, visits FROM visits"})
	if err != nil || len(findings) > 0 {
		t.Fatalf("verifying: %v %+v", err, findings)
	}
	for sql, want := range map[string]bool{
		"SELECT resident, visits FROM visits":         true,
		"SELECT resident, visits FROM visits LIMIT 3": false,
		"SELECT resident, cost FROM visits":           false,
	} {
		tree, err := v.serialize(ctx, sql)
		if err != nil {
			t.Fatalf("serializing: %v", err)
		}
		ok, err := v.rewrite(ctx, &verified{Verdict: good.Verdict}, tree)
		if err != nil || ok != want {
			t.Errorf("%s: got %v %v, want %v", sql, ok, err, want)
		}
	}
}

// A token is what the engine calls one: a value of that type under another name, or a name without it, is refused.
func TestBindHoldsTokensToTheirType(t *testing.T) {
	v := newChecker(t)
	for text, want := range map[string][]string{
		"SELECT resident, visits FROM visits":           nil,
		"SELECT resident, uuid() AS visits FROM visits": {"grammar.type"},
		"SELECT plan AS resident, visits FROM visits":   {"grammar.type"},
	} {
		findings, err := v.bind(t.Context(), &verified{text: text, Verdict: grammar.Verdict{Columns: []grammar.Column{
			{RelationColumn: task.RelationColumn{Name: "resident", Kind: task.KindToken, Unit: "resident"}},
			{RelationColumn: task.RelationColumn{Name: "visits", Kind: task.KindMeasure}},
		}}})
		if d := cmp.Diff(want, codes(findings)); d != "" || err != nil {
			t.Errorf("%s: %v, codes (-want +got):\n%s", text, err, d)
		}
	}
}

// No code file makes check panic or fail: there is a verdict about everything.
func FuzzCheck(f *testing.F) {
	for _, d := range decisions(f) {
		f.Add("-- relation: r\n" + d.SQL)
	}
	v := newChecker(f)
	f.Fuzz(func(t *testing.T, code string) {
		if strings.Contains(code, "\x00") || len(code) > 4096 {
			return
		}
		checkCode(t, v, code, nil)
	})
}
