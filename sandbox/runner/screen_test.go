package runner

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy/screen"
)

// personYear is one staged row of the tests' people.
type personYear struct {
	resident     int
	plan, health string
	visits       int
	cost         float64
}

// people invents n residents of 1 to 3 rows.
func people(seed uint64, n int) []personYear {
	r := rand.New(rand.NewPCG(seed, 7))
	var list []personYear
	for i := range n {
		plan, health := []string{"free", "shared"}[r.IntN(2)], []string{"good", "fair", "poor"}[r.IntN(3)]
		for range 1 + r.IntN(3) {
			list = append(list, personYear{i, plan, health, r.IntN(12), math.Round(r.Float64()*1e4) / 100})
		}
	}
	return list
}

// screenBox is a container of screen over one staged table "visits" of some people.
type screenBox struct {
	*box
	letter task.ScreenLetter
}

// peopleColumns are the staged columns.
func peopleColumns() []task.Column {
	return []task.Column{{Name: "plan", Type: task.Text}, {Name: "health", Type: task.Text},
		{Name: "visits", Type: task.Integer}, {Name: "cost", Type: task.Number}}
}

// newScreenBox stages rows under a token key of this run.
func newScreenBox(t *testing.T, tokenKey byte, rows []personYear) *screenBox {
	t.Helper()
	b := &screenBox{newBox(t), task.ScreenLetter{RoundTo: 5, Near: 9, DigestKey: key('d'), Tables: []task.TableSpec{{
		Input: "visits", Columns: peopleColumns(), Units: []task.Unit{{Kind: "resident", Column: "id"}}}}}}
	if err := os.MkdirAll(filepath.Join(b.in, relationsDir), 0o755); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("id,plan,health,visits,cost\n")
	for _, p := range rows {
		fmt.Fprintf(&text, "%d,%s,%s,%d,%g\n", p.resident, p.plan, p.health, p.visits, p.cost)
	}
	i, units := newBox(t), []task.Unit{{Kind: "resident", Column: "id"}}
	i.write(rawFile, text.String())
	cols := append([]task.Column{{Name: "id", Type: task.Text, Role: task.Identifier}}, peopleColumns()...)
	i.run(task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Columns: cols, Units: units, MaxErrors: 1}})
	s := newBox(t)
	s.move(i, partFile, "visits/part-0001.parquet")
	s.run(task.Letter{Verb: task.Stage, Stage: &task.StageLetter{TokenKey: key(tokenKey), Inputs: []task.StageInput{{
		Scope:   task.Scope{Input: "visits", Columns: peopleColumns(), Units: units},
		UnitKey: key('u'), Parts: []string{"visits/part-0001.parquet"}}}}})
	b.move(s, "visits.parquet", "visits.parquet")
	b.move(s, unitsFile, unitsFile)
	return b
}

// relation makes a relation by a statement over the view visits, as a job would. Columns are given as
// name=kind or name=measure:source:form.
func (b *screenBox) relation(name, query string, columns ...string) {
	b.t.Helper()
	dir := b.t.TempDir()
	db, err := openDuck(context.Background(), duckConfig{Read: b.in, Write: dir})
	if err != nil {
		b.t.Fatal(err)
	}
	b.exec(db, "CREATE VIEW visits AS SELECT * FROM read_parquet("+quoteLiteral(filepath.Join(b.in, "visits.parquet"))+")")
	b.exec(db, "CREATE VIEW units AS SELECT * FROM read_parquet("+quoteLiteral(filepath.Join(b.in, unitsFile))+")")
	if err := copyParquet(context.Background(), db, query, filepath.Join(dir, "r.parquet")); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	if err := db.Close(); err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "r.parquet"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("relations/"+name+".parquet", string(text))
	p := task.RelationPlan{Statement: task.Statement{Relation: name}, Inputs: []string{"visits"},
		Columns: []task.RelationColumn{{Name: "resident", Kind: task.KindToken, Unit: "resident"}}}
	for _, c := range columns {
		column, kind, _ := strings.Cut(c, "=")
		rc := task.RelationColumn{Name: column, Kind: task.KindLabel}
		if source, ok := strings.CutPrefix(kind, "measure:"); ok {
			source, form, _ := strings.Cut(source, ":")
			rc.Kind, rc.Source, rc.Form = task.KindMeasure, "visits."+source, form
		}
		p.Columns = append(p.Columns, rc)
	}
	b.letter.Relations = append(b.letter.Relations, p)
}

// output declares a table by plan and health.
func (b *screenBox) output(name, from string, ms ...task.Measure) {
	b.letter.Output = append(b.letter.Output, task.Table{Name: name, From: from, Measures: ms, By: []task.Dimension{
		{Column: "plan", Values: []string{"free", "shared"}}, {Column: "health", Values: []string{"good", "fair", "poor"}}}})
}

// screen runs the letter and returns the evidence of every output.
func (b *screenBox) screen() []screen.Evidence {
	b.t.Helper()
	return b.run(task.Letter{Verb: task.Screen, Screen: &b.letter}).Screen.Facts
}

// published reads an output's CSV.
func (b *screenBox) published(name string) [][]string {
	b.t.Helper()
	f, err := os.Open(filepath.Join(b.out, name+".csv"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

const rawQuery = "SELECT resident, plan, health, visits, cost FROM visits ORDER BY ALL"

// raw makes the relation of all rows.
func (b *screenBox) raw(name, query string) {
	b.t.Helper()
	b.relation(name, query, "plan=label", "health=label", "visits=measure:visits:", "cost=measure:cost:")
}

// allMeasures are the figures of the property test.
func allMeasures() []task.Measure {
	return []task.Measure{{Name: "people", Stat: task.StatUnits}, {Name: "n", Stat: task.StatRows},
		{Name: "total", Stat: task.StatSum, Of: "visits"}, {Name: "mean", Stat: task.StatMean, Of: "visits"},
		{Name: "each", Stat: task.StatMean, Of: "visits", Per: "unit"},
		{Name: "rate", Stat: task.StatRatio, Of: "cost", Per: "visits"}}
}

// The table and its evidence equal a plain recomputation from the rows, over random people.
func TestScreenEqualsRecomputation(t *testing.T) {
	for seed, n := range map[uint64]int{1: 40, 2: 90, 3: 400, 4: 3, 5: 2000} {
		rows := people(seed, n)
		b := newScreenBox(t, 't', rows)
		b.raw("all", rawQuery)
		b.output("table", "all", allMeasures()...)
		e := b.screen()[0]
		want := [][]string{{"plan", "health", "people", "n", "total", "mean", "each", "rate"}}
		at := 0
		for _, plan := range []string{"free", "shared"} {
			for _, health := range []string{"good", "fair", "poor"} {
				line, cell := recompute(rows, plan, health)
				want = append(want, append([]string{plan, health}, line...))
				if d := cmp.Diff(cell, e.Cells[at], nearly()); d != "" {
					t.Fatalf("seed %d: evidence (-want +got):\n%s", seed, d)
				}
				at++
			}
		}
		if d := cmp.Diff(want, b.published("table")); d != "" {
			t.Fatalf("seed %d: table (-want +got):\n%s", seed, d)
		}
		if d := cmp.Diff([]screen.RelationFact{{Relation: "all", Rows: int64(len(rows))}}, e.Relations); d != "" {
			t.Fatalf("seed %d: relation (-want +got):\n%s", seed, d)
		}
		if len(e.OutsideDomain)+len(e.Differences)+e.CopiedRows+len(e.Identifiers) != 0 {
			t.Fatalf("seed %d: evidence about nothing: %+v", seed, e)
		}
	}
}

// nearly compares floats but for their last bits.
func nearly() cmp.Option {
	return cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) })
}

// recompute is one cell by hand: its figures and its evidence.
func recompute(rows []personYear, plan, health string) ([]string, screen.Cell) {
	counts, visits, costs, values := map[int]float64{}, map[int]float64{}, map[int]float64{}, map[int][]int{}
	costTexts := map[int][]float64{}
	n, totalVisits, totalCost := 0, 0, 0.0
	for _, p := range rows {
		if p.plan == plan && p.health == health {
			n++
			totalVisits += p.visits
			totalCost += p.cost
			counts[p.resident]++
			visits[p.resident] += float64(p.visits)
			costs[p.resident] += p.cost
			values[p.resident] = append(values[p.resident], p.visits)
			costTexts[p.resident] = append(costTexts[p.resident], p.cost)
		}
	}
	units := len(counts)
	base := func(n int) int { return int(math.RoundToEven(float64(n)/5)) * 5 }
	visitTexts, costSets := map[string]int{}, map[string]int{}
	for u := range counts {
		sort.Ints(values[u])
		sort.Float64s(costTexts[u])
		visitTexts[fmt.Sprint(slices.Compact(values[u]))]++
		costSets[fmt.Sprint(slices.Compact(costTexts[u]))]++
	}
	cell := screen.Cell{Key: []string{plan, health}, Units: []screen.UnitCount{{Kind: "resident", Count: int64(units)}},
		Rows: top(counts), Measures: []screen.MeasureFact{
			{Column: "visits", Concentration: top(visits), Varying: varying(units, visitTexts)},
			{Column: "cost", Concentration: top(costs), Varying: varying(units, costSets)}}}
	line := []string{strconv.Itoa(base(units)), "", "", "", "", ""}
	if base(units) > 0 {
		d := max(1, int(math.Floor(math.Log10(float64(base(units)))+1e-9)))
		line[1] = strconv.Itoa(base(n))
		line[2] = digitsOf(float64(totalVisits), d)
		line[3] = digitsOf(float64(totalVisits)/float64(n), d)
		line[4] = digitsOf(float64(totalVisits)/float64(units), d)
		line[5] = digitsOf(totalCost/float64(totalVisits), d)
	}
	return line, cell
}

func top(m map[int]float64) screen.Concentration {
	var c screen.Concentration
	list := []float64{}
	for _, v := range m {
		list = append(list, v)
		c.Total += v
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(list)))
	for i, v := range list {
		if i == 0 {
			c.X1 = v
		}
		if i == 1 {
			c.X2 = v
		}
	}
	return c
}

func varying(units int, texts map[string]int) int64 {
	most := 0
	for _, n := range texts {
		most = max(most, n)
	}
	return int64(units - most)
}

// digitsOf rounds by scaling, unlike the runner.
func digitsOf(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	scale := math.Pow(10, float64(n)-1-math.Floor(math.Log10(math.Abs(v))))
	s := strconv.FormatFloat(math.RoundToEven(v*scale)/scale, 'f', max(0, int(math.Round(math.Log10(scale)))), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// A forged token, a repeated person and an undeclared label each leave their mark in the evidence.
func TestScreenFindsForgeries(t *testing.T) {
	rows := people(1, 60)
	b := newScreenBox(t, 't', rows)
	one := "(SELECT min(resident) FROM visits)"
	b.raw("forged", "SELECT CASE WHEN resident = "+one+" THEN gen_random_uuid() ELSE resident END AS resident, plan, health, visits, cost FROM visits")
	b.raw("nobody", "SELECT CASE WHEN resident = "+one+" THEN NULL ELSE resident END AS resident, plan, health, visits, cost FROM visits")
	b.raw("repeated", "SELECT resident, plan, health, visits, cost FROM visits UNION ALL SELECT resident, plan, health, visits, cost FROM visits WHERE resident = "+one)
	b.raw("labels", "SELECT resident, CASE WHEN resident = "+one+" THEN 'gold' ELSE plan END AS plan, NULLIF(health, 'poor') AS health, visits, cost FROM visits")
	for _, name := range []string{"forged", "nobody", "repeated", "labels"} {
		b.output(name, name, task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	}
	facts := map[string]screen.Evidence{}
	for _, e := range b.screen() {
		facts[e.Output] = e
	}
	if facts["forged"].Relations[0].Foreign == 0 || facts["nobody"].Relations[0].Foreign == 0 {
		t.Fatal("a token nobody was staged under went unseen")
	}
	if facts["repeated"].Relations[0].Repeated != 1 || facts["labels"].Relations[0].Repeated != 0 {
		t.Fatalf("repeated units = %d, want 1", facts["repeated"].Relations[0].Repeated)
	}
	got := facts["labels"].OutsideDomain
	if len(got) != 2 || got[0].Column != "plan" || got[1].Column != "health" || got[1].Count == 0 {
		t.Fatalf("labels outside their domain: %+v", got)
	}
}

// A label's text is the same whatever the author's expression was typed, and Unicode forms meet.
func TestScreenLabels(t *testing.T) {
	b := newScreenBox(t, 't', people(3, 200))
	b.relation("r", "SELECT resident, CAST(visits AS DOUBLE) AS d, visits > 5 AS often, 'e\u0301' AS accent, '=1' AS formula FROM visits",
		"d=label", "often=label", "accent=label", "formula=label")
	b.letter.Output = []task.Table{{Name: "table", From: "r", Measures: []task.Measure{{Name: "-n", Stat: task.StatUnits}},
		By: []task.Dimension{{Column: "often", Values: []string{"true", "false"}}, {Column: "accent", Values: []string{"\u00e9"}},
			{Column: "formula", Values: []string{"=1"}},
			{Column: "d", Values: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}}}}}
	e := b.screen()[0]
	if len(e.OutsideDomain) != 0 || len(e.Cells) != 24 {
		t.Fatalf("%d cells, labels outside their domain: %+v", len(e.Cells), e.OutsideDomain)
	}
	got := b.published("table")
	if d := cmp.Diff([]string{"often", "accent", "formula", "d", "'-n"}, got[0]); d != "" {
		t.Fatalf("header (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"true", "\u00e9", "'=1", "0", "0"}, got[1]); d != "" {
		t.Fatalf("first row (-want +got):\n%s", d)
	}
}

// What is not in the checked plan, or is not what the plan says, cannot be published.
func TestScreenRefusals(t *testing.T) {
	for name, change := range map[string]func(l *task.ScreenLetter){
		"an unchecked relation": func(l *task.ScreenLetter) { l.Output[0].From = "other" },
		"a label as a measure":  func(l *task.ScreenLetter) { l.Output[0].Measures[0].Of = "plan" },
		"a computed measure":    func(l *task.ScreenLetter) { l.Output[0].Measures[0].Of = "more" },
		"a token as a label":    func(l *task.ScreenLetter) { l.Output[0].By[0].Column = "resident" },
		"an unknown statistic":  func(l *task.ScreenLetter) { l.Output[0].Measures[0].Stat = "median" },
		"a ratio over nothing":  func(l *task.ScreenLetter) { l.Output[0].Measures[0].Stat = task.StatRatio },
		"an empty domain":       func(l *task.ScreenLetter) { l.Output[0].By[0].Values = nil },
		"a domain that repeats": func(l *task.ScreenLetter) { l.Output[0].By[0].Values = []string{"e\u0301", "\u00e9"} },
		"a name with a path":    func(l *task.ScreenLetter) { l.Output[0].Name = "../x" },
		"no rounding base":      func(l *task.ScreenLetter) { l.RoundTo = 0 },
		"no digest key":         func(l *task.ScreenLetter) { l.DigestKey = nil },
		"no bound":              func(l *task.ScreenLetter) { l.Near = 0 },
		"an earlier release that is not there": func(l *task.ScreenLetter) {
			l.Earlier = []task.Earlier{{Name: "x", Title: "x"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScreenBox(t, 't', people(1, 5))
			b.relation("all", "SELECT resident, plan, health, visits, visits + 1 AS more FROM visits",
				"plan=label", "health=label", "visits=measure:visits:", "more=label")
			b.output("table", "all", task.Measure{Name: "m", Stat: task.StatMean, Of: "visits"})
			change(&b.letter)
			if _, err := b.tryRun(task.Letter{Verb: task.Screen, Screen: &b.letter}); err == nil {
				t.Fatal("screened")
			}
		})
	}
}

// A kind of unit whose token the relation does not carry counts as nobody.
func TestScreenMissingKind(t *testing.T) {
	b := newScreenBox(t, 't', people(3, 100))
	b.raw("all", rawQuery)
	b.output("table", "all", task.Measure{Name: "m", Stat: task.StatMean, Of: "visits"})
	db, err := openDuck(context.Background(), duckConfig{Read: b.in, Write: b.in})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b.exec(db, "COPY (SELECT gen_random_uuid() AS enterprise) TO ? (FORMAT parquet)", filepath.Join(b.in, "firms.parquet"))
	firms := task.TableSpec{Input: "firms", Units: []task.Unit{{Kind: "enterprise", Column: "x"}}}
	b.letter.Tables = append(b.letter.Tables, firms)
	b.letter.Relations[0].Inputs = []string{"visits", "firms"}
	e := b.screen()[0]
	for _, c := range e.Cells {
		if len(c.Units) != 2 || c.Units[0].Count == 0 || c.Units[1] != (screen.UnitCount{Kind: "enterprise"}) {
			t.Fatalf("units %+v, want residents and no enterprise", c.Units)
		}
	}
}

// A published row whose three figures equal a row few hold is a copy; by two figures nothing is said.
func TestScreenFindsCopies(t *testing.T) {
	rows := []personYear{}
	for i := range 20 {
		rows = append(rows, personYear{i, "free", "good", 5, 7}, personYear{i, "shared", "good", 5, 7})
	}
	rows[1].visits, rows[1].cost = 6, 8
	b := newScreenBox(t, 't', rows)
	b.letter.Tables[0].Columns = append(b.letter.Tables[0].Columns, task.Column{Name: ordinalColumn})
	b.relation("r", "SELECT resident, plan, health, visits, cost, _ordinal AS third FROM visits WHERE plan = 'free' OR visits = 6",
		"plan=label", "health=label", "visits=measure:visits:", "cost=measure:cost:", "third=measure:_ordinal:")
	mean := func(of string) task.Measure { return task.Measure{Name: of, Stat: task.StatMean, Of: of} }
	b.letter.RoundTo = 1 // one person is published, to be seen as a copy
	b.output("three", "r", mean("visits"), mean("cost"), mean("third"))
	b.output("two", "r", mean("visits"), mean("cost"))
	e := b.screen()
	if e[0].CopiedRows != 1 || e[1].CopiedRows != 0 {
		t.Fatalf("copied rows = %d by three figures and %d by two, want 1 and 0", e[0].CopiedRows, e[1].CopiedRows)
	}
}

// 20,000 rows and 40 cells take a small part of two seconds; the limit allows for a busy machine.
func TestScreenIsQuick(t *testing.T) {
	rows := people(9, 10_000)
	b := newScreenBox(t, 't', rows)
	b.raw("all", "SELECT resident, plan, visits % 20 AS health, visits, cost FROM visits")
	b.output("table", "all", allMeasures()...)
	b.letter.Output[0].By[1].Values = nil
	for i := range 20 {
		b.letter.Output[0].By[1].Values = append(b.letter.Output[0].By[1].Values, strconv.Itoa(i))
	}
	start := time.Now()
	e := b.screen()[0]
	took := time.Since(start)
	t.Logf("%d rows, %d cells: %v", len(rows), len(e.Cells), took)
	if len(e.Cells) != 40 || took > 10*time.Second {
		t.Fatalf("%d cells in %v", len(e.Cells), took)
	}
}
