package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy/screen"
)

// Statements of the differencing tests. "One" is a resident of the first large cell with at least two rows.
const (
	oneResident = "(SELECT min(resident) FROM visits WHERE plan = 'free' AND health = 'good')"
	oneRow      = "(SELECT min(_ordinal) FROM (SELECT *, count(*) OVER (PARTITION BY resident) AS n FROM visits) WHERE plan = 'free' AND health = 'good' AND n > 1 AND visits > 0)"
	perUnit     = "SELECT resident, plan, health, sum(visits) AS visits, sum(cost) AS cost FROM visits %s GROUP BY ALL ORDER BY ALL"
)

// second makes the relation "b" beside the raw relation "a", and tables of the same name over both.
func second(t *testing.T, query string, aggregate bool) []screen.Evidence {
	t.Helper()
	b := newScreenBox(t, 't', people(5, 400))
	b.raw("a", rawQuery)
	if aggregate {
		b.relation("b", query, "plan=label", "health=label", "visits=measure:visits:sum", "cost=measure:cost:sum")
	} else {
		b.raw("b", query)
	}
	b.output("a", "a", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	b.output("b", "b", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits", Per: map[bool]string{true: "unit"}[aggregate]})
	return b.screen()
}

// worst is the greatest number of units and of rows in the differences of one evidence.
func worst(e screen.Evidence) [2]int64 {
	var w [2]int64
	for _, d := range e.Differences {
		w[0], w[1] = max(w[0], d.Units), max(w[1], d.Rows)
	}
	return w
}

func TestDifferencesInOneLetter(t *testing.T) {
	aggregated := func(where string) string { return fmt.Sprintf(perUnit, where) }
	for name, tt := range map[string]struct {
		query     string
		aggregate bool
		want      [2]int64 // units, rows
	}{
		"the same rows":            {rawQuery, false, [2]int64{}},
		"the same rows, per unit":  {aggregated(""), true, [2]int64{}},
		"one resident":             {"SELECT resident, plan, health, visits, cost FROM visits WHERE resident <> " + oneResident, false, [2]int64{1, 0}},
		"one resident, per unit":   {aggregated("WHERE resident <> " + oneResident), true, [2]int64{1, 0}},
		"one row of one":           {"SELECT resident, plan, health, visits, cost FROM visits WHERE _ordinal <> " + oneRow, false, [2]int64{0, 1}},
		"one row of one, per unit": {aggregated("WHERE _ordinal <> " + oneRow), true, [2]int64{0, 1}},
		"one row that adds nothing": {"SELECT resident, plan, health, visits, cost FROM visits WHERE _ordinal <> (SELECT min(_ordinal) FROM (SELECT *, count(*) OVER (PARTITION BY resident) AS n FROM visits) WHERE n > 1 AND visits = 0)",
			false, [2]int64{0, 1}},
		"a row of 10 of every cell": {"SELECT resident, plan, health, visits, cost FROM (SELECT *, dense_rank() OVER (PARTITION BY plan, health, n > 1 ORDER BY resident) AS at_, row_number() OVER (PARTITION BY resident) AS row_ FROM (SELECT *, count(*) OVER (PARTITION BY resident) AS n FROM visits)) WHERE n = 1 OR at_ > 10 OR row_ > 1",
			false, [2]int64{}},
		"one resident in another row": {"SELECT resident, CASE WHEN resident = " + oneResident + " THEN 'shared' ELSE plan END AS plan, health, visits, cost FROM visits", false, [2]int64{1, 0}},
		"10 residents of every cell": {"SELECT resident, plan, health, visits, cost FROM (SELECT *, dense_rank() OVER (PARTITION BY plan, health ORDER BY resident) AS at_ FROM visits) WHERE at_ > 10",
			false, [2]int64{}},
		"9 residents of every cell": {"SELECT resident, plan, health, visits, cost FROM (SELECT *, dense_rank() OVER (PARTITION BY plan, health ORDER BY resident) AS at_ FROM visits) WHERE at_ > 9",
			false, [2]int64{9, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, e := range second(t, tt.query, tt.aggregate) {
				if d := cmp.Diff(tt.want, worst(e)); d != "" {
					t.Fatalf("output %d: units and rows (-want +got):\n%s%+v", i, d, e.Differences)
				}
				for _, d := range e.Differences {
					if d.Other != "output "+[]string{"b", "a"}[i] {
						t.Fatalf("difference with %q", d.Other)
					}
				}
			}
		})
	}
}

// The cell, both margins it is part of and the total all tell.
func TestDifferencesNameCellsAndMargins(t *testing.T) {
	e := second(t, "SELECT resident, plan, health, visits, cost FROM visits WHERE resident <> "+oneResident, false)[0]
	var got [][]string
	for _, d := range e.Differences {
		got = append(got, d.Key)
		if d := cmp.Diff(d.Key, d.OtherKey); d != "" {
			t.Fatalf("key and other key:\n%s", d)
		}
	}
	want := [][]string{{"free", "good"}, {"*", "good"}, {"free", "*"}, {"*", "*"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("keys (-want +got):\n%s", d)
	}
}

// An earlier release is found from another run, whose tokens differ and whose input had another name.
func TestDifferencesWithEarlierRelease(t *testing.T) {
	rows := people(5, 400)
	first := newScreenBox(t, 'a', rows)
	first.raw("r", rawQuery)
	for i := range first.letter.Relations[0].Columns {
		if c := &first.letter.Relations[0].Columns[i]; c.Source != "" {
			c.Source = "v" + c.Source
		}
	}
	first.output("old", "r", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	first.screen()
	for name, tt := range map[string]struct {
		where string
		want  [2]int64
	}{
		"the same": {"", [2]int64{}}, "one resident": {"WHERE resident IN (SELECT token FROM units ORDER BY unit LIMIT 399)", [2]int64{1, 0}},
		"one row": {"WHERE _ordinal <> " + oneRow, [2]int64{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScreenBox(t, 'b', rows)
			b.relation("r", fmt.Sprintf(perUnit, tt.where), "plan=label", "health=label", "visits=measure:visits:sum", "cost=measure:cost:sum")
			b.output("new", "r", task.Measure{Name: "total", Stat: task.StatSum, Of: "visits"})
			b.move(first.box, "old.members", "earlier/1")
			b.letter.Earlier = []task.Earlier{{Name: "1", Title: "D-2026-0003 old"}}
			e := b.screen()[0]
			if d := cmp.Diff(tt.want, worst(e)); d != "" {
				t.Fatalf("units and rows (-want +got):\n%s", d)
			}
			for _, d := range e.Differences {
				if d.Other != "D-2026-0003 old" {
					t.Fatalf("difference with %q", d.Other)
				}
			}
		})
	}
}

// Whether a small cell is empty or not changes no difference: one class, all alike.
func TestDifferencesHideSmallCells(t *testing.T) {
	for _, small := range []int{0, 1, 9} {
		var rows []personYear
		for i := range 50 {
			rows = append(rows, personYear{i, "free", "good", i, 1})
		}
		for i := range small {
			rows = append(rows, personYear{100 + i, "free", "fair", i, 1})
		}
		b := newScreenBox(t, 't', rows)
		b.raw("a", rawQuery)
		b.output("a", "a", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
		if e := b.screen()[0]; len(e.Differences) != 0 {
			t.Fatalf("a cell of %d: %+v", small, e.Differences)
		}
	}
}

// Nor does it change a difference with another table, whichever of the two has the small cell.
func TestDifferencesHideSmallCellsOfOthers(t *testing.T) {
	var rows []personYear
	for i := range 12 {
		rows = append(rows, personYear{i, "free", "good", i, 1})
	}
	b := newScreenBox(t, 't', rows)
	b.raw("a", rawQuery)
	b.raw("b", rawQuery+" LIMIT 5")
	b.output("a", "a", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	b.output("b", "b", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	for _, e := range b.screen() {
		if len(e.Differences) != 0 {
			t.Fatalf("output %s: %+v", e.Output, e.Differences)
		}
	}
}

// A cell and its margin that differ in few units of another large cell are listed: residents move.
func TestDifferencesWithinOneTable(t *testing.T) {
	var rows []personYear
	for i := range 60 {
		rows = append(rows, personYear{i, "free", "good", i, 1})
		if i < 55 {
			rows = append(rows, personYear{i, "free", "fair", i, 1})
		}
	}
	b := newScreenBox(t, 't', rows)
	b.raw("a", rawQuery)
	b.output("a", "a", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"})
	got := b.screen()[0].Differences
	if len(got) == 0 {
		t.Fatal("five residents who are in one of two cells only went unseen")
	}
	for _, d := range got {
		if d.Units != 5 || d.Other != "output a" {
			t.Fatalf("difference %+v, want 5 units within output a", d)
		}
	}
}

// Sums of floating-point numbers in another order are the same contribution; another cent is not.
func TestDigestsForgiveTheLastBits(t *testing.T) {
	d := digester{mac: newMAC(key('d'))}
	m := &measure{values: []float64{0.1, 0.2, 0.3, 0.6, 0.60000000000000009, 0.61, 0, 9.99999999999999, 10}, null: make([]bool, 9)}
	c := contribution{key: "cost:total", measure: m, additive: true}
	of := func(rows ...int32) uint64 { return d.digest([16]byte{1}, c, rows) }
	if !sameDigest(of(0, 1, 2), of(2, 1, 0)) || !sameDigest(of(0, 1, 2), of(3)) || !sameDigest(of(3), of(4)) || !sameDigest(of(7), of(8)) {
		t.Fatal("the same sum in another order is another contribution")
	}
	if sameDigest(of(3), of(5)) || sameDigest(of(6), of(3)) {
		t.Fatal("other values are the same contribution")
	}
	m.null[6] = true
	if sameDigest(of(6), d.digest([16]byte{1}, contribution{key: "cost:total", measure: &measure{values: []float64{0}, null: []bool{false}}, additive: true}, []int32{0})) {
		t.Fatal("nothing and zero are the same contribution")
	}
	if sameDigest(of(3), d.digest([16]byte{2}, c, []int32{3})) {
		t.Fatal("two units' contributions can be compared")
	}
}

func TestMembershipFile(t *testing.T) {
	b := newScreenBox(t, 't', people(5, 60))
	b.raw("a", rawQuery)
	b.output("a", "a", task.Measure{Name: "mean", Stat: task.StatMean, Of: "visits"}, task.Measure{Name: "c", Stat: task.StatSum, Of: "cost"})
	b.screen()
	path := filepath.Join(b.out, "a.members")
	m, err := readMembers(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"cost:total", "visits:total"}, m.contributions); d != "" || !m.rowsComparable || len(m.cells) != 12 {
		t.Fatalf("%d cells, contributions (-want +got):\n%s", len(m.cells), d)
	}
	again := filepath.Join(b.out, "again")
	if err := m.write(again); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Fatal("a membership file does not read and write to the same bytes")
	}
	for _, at := range []int{0, 9, 20, len(want) / 2, len(want) - 40, len(want) - 1} {
		broken := bytes.Clone(want)
		broken[at] ^= 1
		if err := os.WriteFile(again, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readMembers(again); err == nil {
			t.Fatalf("byte %d was flipped and nobody saw", at)
		}
	}
	if err := os.WriteFile(again, want[:len(want)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readMembers(again); err == nil {
		t.Fatal("a cut file was read")
	}
}
