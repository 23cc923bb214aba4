package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
)

// attempt is one job of step 4: what it says, and what must become of it.
type attempt struct {
	title   string
	columns []string
	sql     string
	second  bool // a second input `again` of the same table
	tables  []job.Table
	want    string // "refused", "blocked", "failed" or "passes"
	code    string // the reason, or the class of the failure, that must be named

	statements []statement // of a job that is told by its statements
}

// victim is one resident an attacker knows by quasi-identifiers, in the granted districts.
type victim struct {
	personYear
	years   int
	visited []int
}

// where picks the victim's rows by what the attacker knows.
func (v victim) where() string {
	return fmt.Sprintf("district = '%s' AND plan = '%s' AND health = '%s' AND chronic = %v", v.district, v.plan, v.health, v.chronic)
}

// findVictim takes the first resident who is alone with district, plan, health and chronic, and whose visits
// differ between years, so that one row tells something.
func findVictim(rows []personYear) (victim, bool) {
	key := func(r personYear) string { return fmt.Sprintf("%s|%s|%s|%v", r.district, r.plan, r.health, r.chronic) }
	who, visits := map[string]map[string]bool{}, map[string][]int{}
	for _, r := range rows {
		if who[key(r)] == nil {
			who[key(r)] = map[string]bool{}
		}
		who[key(r)][r.resident] = true
		visits[r.resident] = append(visits[r.resident], r.visits)
	}
	for _, r := range rows {
		v := visits[r.resident]
		if slices.Contains(granted(), r.district) && len(who[key(r)]) == 1 && len(v) >= 3 && slices.Max(v) > 3 && distinct(v) == len(v) {
			return victim{personYear: r, years: len(v), visited: v}, true
		}
	}
	return victim{}, false
}

func distinct(v []int) int {
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	return len(slices.Compact(sorted))
}

// byHealth is the plainest table: people and mean visits by health.
func byHealth(from string) job.Table {
	return job.Table{
		Name: "by_health_" + from, From: from, By: []job.Dimension{{Column: "health", Values: healths()}},
		Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}, {Name: "visits_mean", Stat: job.StatMean, Of: "visits"}},
	}
}

// labelled is a table over one label of a relation.
func labelled(from, label string, values ...string) job.Table {
	return job.Table{
		Name: "by_label_" + from, From: from, By: []job.Dimension{{Column: label, Values: values}},
		Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}},
	}
}

// forgeries would publish something about one person; each must be refused or blocked.
func forgeries(v victim) []attempt {
	refused := attempt{title: "forged statements", columns: everything(), second: true, want: "refused"}
	return append([]attempt{refused.of(forgedStatements(v))}, forgedTables(v)...)
}

// everything is all the grant covers but limitation.
func everything() []string { return []string{"plan", "health", "visits", "chronic", "district"} }

// figures are labels for every value a person's visits may have.
func figures() []string {
	all := make([]string, 0, 80)
	for i := range 80 {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// statement is one relation of a job, the table over it, and why the check refuses it, if it does.
type statement struct {
	title, sql string
	table      job.Table
	code       string
}

// of makes one job of statements.
func (a attempt) of(statements []statement) attempt {
	var code []string
	for _, s := range statements {
		code = append(code, "-- relation: "+s.table.From+"\n"+s.sql)
		a.tables = append(a.tables, s.table)
	}
	a.sql, a.statements = strings.Join(code, "\n"), statements
	return a
}

// forgedStatements lie about who or how many stand behind a cell, or carry one person's value in an honest-looking
// figure. The check names every one of them, before a row is read.
func forgedStatements(v victim) []statement {
	return []statement{
		{
			title: "unit tokens made by the code", code: "grammar.random", table: byHealth("tokens"),
			sql: "SELECT md5(CAST(visits AS VARCHAR)) AS resident, health, visits FROM visits",
		},
		{
			title: "twelve residents joined to one person's value", code: "join.condition", table: byHealth("twelve"),
			sql: "SELECT a.resident, a.health, b.visits FROM visits a JOIN (SELECT visits FROM visits WHERE " + v.where() +
				") b ON a.district = '" + v.district + "'",
		},
		{
			title: "one person's value as a label", code: "grammar.subquery", table: labelled("secrets", "secret", figures()...),
			sql: "SELECT resident, health, visits, CAST((SELECT max(visits) FROM visits WHERE " + v.where() + ") AS VARCHAR) AS secret FROM visits",
		},
		{
			title: "a row count that carries a value (LIMIT by subquery)", code: "grammar.limit", table: byHealth("limited"),
			sql: "SELECT resident, health, visits FROM visits LIMIT (SELECT 100 + max(visits) FROM visits WHERE " + v.where() + ")",
		},
		{
			title: "visits + 100·X of one person", code: "measure.expression", table: withMeasure("added", "visits2"),
			sql: "SELECT resident, health, visits + 100 * CASE WHEN " + v.where() + " THEN chronic ELSE 0 END AS visits2 FROM visits",
		},
		{
			title: "the same by arithmetic without CASE", code: "measure.expression", table: withMeasure("powers", "visits2"),
			sql: fmt.Sprintf("SELECT resident, health, visits + 100 * chronic * pow(0, abs(CAST(district AS INTEGER) - %s) + abs(chronic - %v)) AS visits2 FROM visits", v.district, v.chronic),
		},
		{
			title: "left joins that multiply one person's rows", code: "join.repeats", table: byHealth("multiplied"),
			sql: "SELECT a.resident, a.health, a.visits FROM visits a LEFT JOIN (SELECT resident, visits FROM again WHERE " + v.where() + ") b ON a.resident = b.resident",
		},
		{
			title: "a z-score over all rows", code: "grammar.window_partition", table: labelled("scores", "score", "high", "low"),
			sql: "SELECT resident, health, visits, CASE WHEN visits > 2 * avg(visits) OVER () THEN 'high' ELSE 'low' END AS score FROM visits",
		},
	}
}

// forgedTables are of statements that may run; what they came to is blocked.
func forgedTables(v victim) []attempt {
	all := everything()
	return []attempt{
		{
			title: "a measure that is constant except for one person", columns: all,
			sql:    "-- relation: r\nSELECT resident, health, visits FROM visits WHERE visits = 0 OR (" + v.where() + ")",
			tables: []job.Table{byHealth("r")}, want: "blocked", code: "measure.constant",
		},
		{
			title: "two tables that differ by one resident", columns: all,
			sql:    "-- relation: r\nSELECT resident, health, visits FROM visits\n-- relation: s\nSELECT resident, health, visits FROM visits WHERE NOT (" + v.where() + ")",
			tables: []job.Table{byHealth("r"), byHealth("s")}, want: "blocked", code: "difference.units",
		},
		{
			title: "two tables that differ by one row of one resident", columns: all,
			sql:    fmt.Sprintf("-- relation: r\nSELECT resident, health, visits FROM visits\n-- relation: s\nSELECT resident, health, visits FROM visits WHERE NOT (%s AND visits = %d)", v.where(), slices.Max(v.visited)),
			tables: []job.Table{byHealth("r"), byHealth("s")}, want: "blocked", code: "difference.rows",
		},
		{
			title: "a filter on one person with every value as a declared label", columns: all,
			sql:    "-- relation: r\nSELECT resident, CAST(visits AS VARCHAR) AS figure FROM visits WHERE " + v.where(),
			tables: []job.Table{labelled("r", "figure", figures()...)}, want: "blocked", code: "people.below_threshold",
		},
	}
}

// castError is honest code that fails on real data: no plan is a number.
func castError() attempt {
	return attempt{
		title: "a cast error", columns: []string{"health", "visits", "plan"}, tables: []job.Table{labelled("r", "bin", "a", "b")},
		sql:  "-- relation: r\nSELECT resident,\n       CASE WHEN CAST(plan AS INTEGER) > 0 THEN 'a' ELSE 'b' END AS bin\nFROM visits",
		want: "failed", code: "cast",
	}
}

func withMeasure(from, column string) job.Table {
	t := byHealth(from)
	t.Measures[1].Of = column
	return t
}

// honest is one job of what analysts write every day: each statement must pass, and the tables beside each other.
func honest() attempt {
	return attempt{title: "honest statements", columns: []string{"health", "visits"}, second: true, want: "passes"}.of([]statement{
		{
			title: "a per-resident aggregate", table: byState("aggregate"),
			sql: "SELECT resident, min(health) AS state, sum(visits) AS visits_all FROM visits GROUP BY resident",
		},
		{
			title: "a per-resident window", table: byHealth("windowed"),
			sql: "SELECT resident, health, visits FROM visits QUALIFY row_number() OVER (PARTITION BY resident ORDER BY visits DESC, _ordinal) = 1",
		},
		{
			title: "CASE bins", table: labelled("bins", "bin", "none", "some", "many"),
			sql: "SELECT resident, CASE WHEN visits = 0 THEN 'none' WHEN visits < 5 THEN 'some' ELSE 'many' END AS bin FROM visits",
		},
		{
			title: "a CTE", table: labelled("summed", "habit", "frequent", "rare"),
			sql: "WITH sums AS (SELECT resident, sum(visits) AS visits_all FROM visits GROUP BY resident)\nSELECT resident, CASE WHEN visits_all >= 10 THEN 'frequent' ELSE 'rare' END AS habit FROM sums",
		},
		{
			title: "a join of two tables of the dataset on the resident", table: labelled("joined", "course", "peak", "calm"),
			sql: "SELECT a.resident, a.visits, CASE WHEN b.peak >= 5 THEN 'peak' ELSE 'calm' END AS course FROM visits a JOIN (SELECT resident, max(visits) AS peak FROM again GROUP BY resident) b ON a.resident = b.resident",
		},
	})
}

// byState is byHealth over a per-resident relation.
func byState(from string) job.Table {
	t := byHealth(from)
	t.By[0].Column, t.Measures[1].Of = "state", "visits_all"
	return t
}

// pack makes the job package of an attempt.
func (a attempt) pack(grant, purpose string) job.Package {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(a.title))
	p := job.Package{
		Format: job.PackageFormat, Name: strings.Trim(strings.ReplaceAll(name[:min(len(name), 40)], "--", "-"), "-"),
		Purpose: purpose, Engine: job.EngineSQL, Code: a.sql,
		Inputs: []job.Input{input("visits", grant, a.columns)},
	}
	if a.second {
		p.Inputs = append(p.Inputs, input("again", grant, a.columns))
	}
	for i := range a.tables {
		p.Outputs = append(p.Outputs, job.Output{Table: &a.tables[i]})
	}
	return p
}
