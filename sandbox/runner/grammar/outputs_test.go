package grammar

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

func codesAt(findings []task.CheckFinding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s:%d", f.Code, f.Line))
	}
	return out
}

// verified is a relation with one column of each sort.
func verified() map[string]Verdict {
	measure := func(name, form, rows string, typ task.Type) Column {
		return Column{RelationColumn: task.RelationColumn{
			Name: name, Kind: task.KindMeasure, Source: "visits." + name, Form: form,
		}, Rows: rows, Type: typ}
	}
	return map[string]Verdict{"r": {Columns: []Column{
		{RelationColumn: task.RelationColumn{Name: "resident", Kind: task.KindToken, Unit: "resident"}},
		{RelationColumn: task.RelationColumn{Name: "band", Kind: task.KindLabel}},
		{RelationColumn: task.RelationColumn{Name: "resident_id", Kind: task.KindLabel}, Identifier: true},
		measure("visits", "", "1", task.Integer), measure("cost", "sum", "1", task.Number),
		measure("plan", "", "1", task.Text), measure("limitation", "", "1", task.Boolean),
		measure("amount", "sum", "2", task.Number),
	}}}
}

func numbers(n int) []string {
	var out []string
	for i := range n {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

func TestOutputs(t *testing.T) {
	band := task.Dimension{Column: "band", Values: []string{"a", "b"}}
	people := task.Measure{Name: "people", Stat: task.StatUnits}
	by := func(d ...task.Dimension) task.Table {
		return task.Table{Name: "t", From: "r", By: d, Measures: []task.Measure{people}}
	}
	of := func(m ...task.Measure) task.Table {
		return task.Table{Name: "t", From: "r", By: []task.Dimension{band}, Measures: m}
	}
	wide := func(column string, n int) task.Dimension { return task.Dimension{Column: column, Values: numbers(n)} }
	for _, c := range []struct {
		name   string
		tables []task.Table
		codes  []string
	}{
		{"people by band", []task.Table{of(people)}, nil},
		{"every statistic", []task.Table{of(
			people, task.Measure{Name: "n", Stat: task.StatRows},
			task.Measure{Name: "s", Stat: task.StatSum, Of: "visits"},
			task.Measure{Name: "m", Stat: task.StatMean, Of: "visits"},
			task.Measure{Name: "u", Stat: task.StatMean, Of: "cost", Per: "unit"},
			task.Measure{Name: "q", Stat: task.StatRatio, Of: "cost", Per: "visits"},
		)}, nil},
		{"a plain column as label", []task.Table{by(task.Dimension{Column: "plan", Values: []string{"free"}})}, nil},
		{"no dimension", []task.Table{by()}, nil},
		{"exactly as many cells as fit", []task.Table{by(wide("band", 1000), wide("plan", 10))}, nil},
		{"a name that is none", []task.Table{{Name: "../t", From: "r", Measures: []task.Measure{people}}}, []string{"table.name:0"}},
		{"one name twice", []task.Table{of(people), of(people)}, []string{"table.twice:0"}},
		{"a relation that is not verified", []task.Table{{Name: "t", From: "x", Measures: []task.Measure{people}}}, []string{"table.from:0"}},
		{"no figure", []task.Table{of()}, []string{"table.measures:0"}},
		{"an unknown label", []task.Table{by(task.Dimension{Column: "x", Values: []string{"a"}})}, []string{"table.dimension:0"}},
		{"a token as label", []task.Table{by(task.Dimension{Column: "resident", Values: []string{"a"}})}, []string{"table.dimension_token:0"}},
		{"an identifier as label", []task.Table{by(task.Dimension{Column: "resident_id", Values: []string{"a"}})}, []string{"table.dimension_identifier:0"}},
		{"one label twice", []task.Table{by(band, band)}, []string{"table.dimension_twice:0"}},
		{"an empty domain", []task.Table{by(task.Dimension{Column: "band"})}, []string{"table.domain_empty:0"}},
		{"a value twice", []task.Table{by(task.Dimension{Column: "band", Values: []string{"a", "b", "a"}})}, []string{"table.domain_twice:0"}},
		{"too many values", []task.Table{by(wide("band", 1001))}, []string{"table.domain_large:0"}},
		{"too many cells", []task.Table{by(wide("band", 1000), wide("plan", 11))}, []string{"table.cells:0"}},
		{"an expression", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum, Of: "band"})}, []string{"measure.expression:0"}},
		{"a token", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum, Of: "resident"})}, []string{"measure.expression:0"}},
		{"an expression below", []task.Table{of(task.Measure{Name: "s", Stat: task.StatRatio, Of: "visits", Per: "band"})}, []string{"measure.expression:0"}},
		{"an identifier", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum, Of: "resident_id"})}, []string{"measure.identifier:0"}},
		{"text", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum, Of: "plan"})}, []string{"measure.type:0"}},
		{"yes and no", []task.Table{of(task.Measure{Name: "s", Stat: task.StatMean, Of: "limitation"})}, []string{"measure.type:0"}},
		{"other rows", []task.Table{of(task.Measure{Name: "s", Stat: task.StatRatio, Of: "visits", Per: "amount"})}, []string{"measure.row_set:0"}},
		{"other rows in another table", []task.Table{
			of(task.Measure{Name: "s", Stat: task.StatSum, Of: "visits"}),
			{Name: "t2", From: "r", Measures: []task.Measure{{Name: "s", Stat: task.StatSum, Of: "amount"}}},
		}, []string{"measure.row_set:0"}},
		{"a figure of nothing", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum})}, []string{"measure.of:0"}},
		{"people of something", []task.Table{of(task.Measure{Name: "s", Stat: task.StatUnits, Of: "visits"})}, []string{"measure.of:0"}},
		{"a ratio without a denominator", []task.Table{of(task.Measure{Name: "s", Stat: task.StatRatio, Of: "visits"})}, []string{"measure.per:0"}},
		{"a mean per column", []task.Table{of(task.Measure{Name: "s", Stat: task.StatMean, Of: "visits", Per: "cost"})}, []string{"measure.per:0"}},
		{"a sum per unit", []task.Table{of(task.Measure{Name: "s", Stat: task.StatSum, Of: "visits", Per: "unit"})}, []string{"measure.per:0"}},
		{"an unknown statistic", []task.Table{of(task.Measure{Name: "s", Stat: "median", Of: "visits"})}, []string{"measure.stat:0"}},
		{"a figure's name that is none", []task.Table{of(task.Measure{Name: "=1+1", Stat: task.StatUnits})}, []string{"measure.name:0"}},
		{"one figure twice", []task.Table{of(people, people)}, []string{"measure.twice:0"}},
		{"a figure named like a label", []task.Table{of(task.Measure{Name: "band", Stat: task.StatUnits})}, []string{"measure.twice:0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.codes, codesAt(Outputs(c.tables, verified()))); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}
