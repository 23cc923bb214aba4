package screen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain is a cell that passes every rule: 100 units of one row each, values 1 to 100.
func plain(key ...string) Cell {
	return Cell{
		Key: key, Units: []UnitCount{{"resident", 100}}, Rows: Concentration{1, 1, 100},
		Measures: []MeasureFact{{"visits", Concentration{100, 99, 5050}, 99}},
	}
}

// codes lists code and what of findings.
func codes(fs []Finding) []string {
	list := []string{}
	for _, f := range fs {
		list = append(list, f.Code+" "+f.What)
	}
	return list
}

func TestJudgeCells(t *testing.T) {
	tests := map[string]struct {
		change func(c *Cell)
		want   []string
	}{
		"plain":      {func(*Cell) {}, []string{}},
		"10 units":   {func(c *Cell) { c.Units[0].Count = 10 }, []string{}},
		"9 units":    {func(c *Cell) { c.Units[0].Count = 9 }, []string{"people.below_threshold "}},
		"no unit":    {func(c *Cell) { *c = Cell{Key: c.Key, Units: []UnitCount{{"resident", 0}}} }, []string{"people.below_threshold "}},
		"no kind":    {func(c *Cell) { c.Units = nil }, []string{"people.below_threshold "}},
		"other kind": {func(c *Cell) { c.Units = append(c.Units, UnitCount{"enterprise", 9}) }, []string{"people.below_threshold "}},
		"two largest at 0.90": {func(c *Cell) { c.Measures[0].Concentration = Concentration{50, 40, 100} },
			[]string{"dominance.two_largest visits"}},
		"two largest below 0.90": {func(c *Cell) { c.Measures[0].Concentration = Concentration{50, 39.999, 100} }, []string{}},
		"two largest by rows": {func(c *Cell) { c.Rows = Concentration{70, 20, 100} },
			[]string{"dominance.two_largest "}},
		"p percent at 0.10":    {func(c *Cell) { c.Measures[0].Concentration = Concentration{100, 0, 110} }, []string{"dominance.two_largest visits"}},
		"p percent below 0.10": {func(c *Cell) { c.Measures[0].Concentration = Concentration{100, 0, 109} }, []string{"dominance.two_largest visits", "dominance.p_percent visits"}},
		"one contributor": {func(c *Cell) { c.Measures[0].Concentration = Concentration{7, 0, 7} },
			[]string{"dominance.two_largest visits", "dominance.p_percent visits"}},
		"all zero": {func(c *Cell) { c.Measures[0].Concentration = Concentration{} }, []string{}},
		"10 vary":  {func(c *Cell) { c.Measures[0].Varying = 10 }, []string{}},
		"9 vary":   {func(c *Cell) { c.Measures[0].Varying = 9 }, []string{"measure.constant visits"}},
		"constant but for one who dominates": {func(c *Cell) {
			c.Measures[0].Varying = 1
			c.Measures[0].Concentration = Concentration{7, 0, 7}
		}, []string{"measure.constant visits"}},
		"small cells are named for that alone": {func(c *Cell) {
			c.Units[0].Count, c.Measures[0].Varying = 9, 0
			c.Measures[0].Concentration, c.Rows = Concentration{7, 0, 7}, Concentration{9, 0, 9}
		}, []string{"people.below_threshold "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := plain("free")
			tt.change(&c)
			got := Judge(Evidence{Cells: []Cell{plain("shared"), c}}, Default())
			if d := cmp.Diff(tt.want, codes(got)); d != "" {
				t.Fatalf("findings (-want +got):\n%s", d)
			}
			for _, f := range got {
				if d := cmp.Diff([][]string{{"free"}}, f.Cells); d != "" || f.Remedy != "remedy."+f.Code {
					t.Fatalf("cells of %s (-want +got):\n%s", f.Code, d)
				}
			}
		})
	}
}

// At exactly 0.10 the p % rule passes: below is blocked. The (n, k) rule is set aside to see it.
func TestPPercentBoundary(t *testing.T) {
	r := Default()
	for _, tt := range []struct {
		c    Concentration
		want bool
	}{
		{Concentration{100, 20, 130}, false},
		{Concentration{100, 20, 129}, true},
		{Concentration{10, 5, 16}, false},
		{Concentration{0, 0, 0}, false},
		{Concentration{5, 0, 5}, true},
	} {
		if got := tt.c.pPercent(r); got != tt.want {
			t.Fatalf("pPercent(%v) = %v, want %v", tt.c, got, tt.want)
		}
	}
	for _, total := range []float64{10, 100, 1000, 70, 30} {
		if c := (Concentration{total / 2, total * 2 / 5, total}); !c.twoLargest(r) {
			t.Fatalf("twoLargest(%v) = false at 0.90 exactly", c)
		}
	}
}

func TestJudgeWhole(t *testing.T) {
	tests := map[string]struct {
		e    Evidence
		want []string
	}{
		"no cell at all": {Evidence{}, []string{"people.below_threshold "}},
		"tokens": {Evidence{Cells: []Cell{plain()}, Relations: []RelationFact{
			{Relation: "a", Foreign: 1}, {Relation: "b", Repeated: 1}, {Relation: "c", Dependent: true}, {Relation: "d"}}},
			[]string{"tokens.forged a", "tokens.repeated b", "relation.depends_on_others c"}},
		"labels": {Evidence{Cells: []Cell{plain()}, OutsideDomain: []ColumnCount{{"plan", 1}, {"health", 0}}},
			[]string{"label.outside_domain plan"}},
		"copies": {Evidence{Cells: []Cell{plain()}, CopiedRows: 1, Identifiers: []ColumnCount{{"plan", 1}}},
			[]string{"rows.copied ", "identifier.found plan"}},
		"differences": {Evidence{Cells: []Cell{plain("x")}, Differences: []Difference{
			{Key: []string{"x"}, Other: "u9", Units: 9}, {Key: []string{"x"}, Other: "u10", Units: 10},
			{Key: []string{"*"}, Other: "r1", Rows: 1}, {Key: []string{"x"}, Other: "r10", Rows: 10},
			{Key: []string{"x"}, Other: "u9", Units: 3}, {Key: []string{"x"}, Other: "b", Units: 1, Rows: 40}}},
			[]string{"difference.units b", "difference.units u9", "difference.rows r1"}},
		"differences of small cells": {Evidence{
			Cells:       []Cell{plain("x"), {Key: []string{"y"}, Units: []UnitCount{{"resident", 3}}}},
			Differences: []Difference{{Key: []string{"y"}, Other: "u", Units: 3}}},
			[]string{"people.below_threshold "}},
		"a difference of no known cell still counts": {Evidence{Cells: []Cell{plain("x")},
			Differences: []Difference{{Key: []string{"z"}, Other: "u", Units: 3}}}, []string{"difference.units u"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Judge(tt.e, Default())
			if d := cmp.Diff(tt.want, codes(got)); d != "" {
				t.Fatalf("findings (-want +got):\n%s", d)
			}
			if d := cmp.Diff(got, Judge(tt.e, Default())); d != "" {
				t.Fatalf("not the same again:\n%s", d)
			}
		})
	}
}

// The finding of a difference names no cell: where two tables differ by one person is that person's value.
func TestDifferencesNameNoCell(t *testing.T) {
	e := Evidence{Cells: []Cell{plain("x")}, Differences: []Difference{{Key: []string{"x"}, Other: "o", Units: 1}}}
	for _, f := range Judge(e, Default()) {
		if f.Cells != nil {
			t.Fatalf("%s names cells %v", f.Code, f.Cells)
		}
	}
}
