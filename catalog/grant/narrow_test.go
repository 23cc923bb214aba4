package grant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/grant"
)

// TestNarrow: an allowance takes down, never up, and what it does not name stays as it was asked.
func TestNarrow(t *testing.T) {
	asked := good(t) // columns plan and visits, two districts, 30 days, 20 runs, 1,000,000 rows
	early, late := asked.To.AddDays(-10), asked.To.AddDays(1)
	before := asked.From.AddDays(-1)
	district := func(in ...string) []grant.RowFilter { return []grant.RowFilter{{Column: "district", In: in}} }
	for _, tt := range []struct {
		name     string
		part     grant.Allowance
		narrowed []string // dimensions, when it is one
		places   []string // what is wrong, when it is none
	}{
		{"a column less", grant.Allowance{Columns: []string{"plan"}}, []string{"columns"}, nil},
		{"everything less", grant.Allowance{Columns: []string{"plan"}, Filters: district("500103"), To: &early, Runs: new(int64(1)), Rows: new(int64(10))}, []string{"columns", "filters", "to", "runs", "rows"}, nil},
		{"a filter more", grant.Allowance{Filters: append(district("500103", "500105"), grant.RowFilter{Column: "plan", In: []string{"free"}})}, []string{"filters"}, nil},
		{"nothing less", grant.Allowance{Columns: []string{"visits", "plan"}, Runs: new(int64(20))}, nil, []string{" allowance.nothing"}},
		{"nothing named", grant.Allowance{}, nil, []string{" allowance.nothing"}},
		{"another column", grant.Allowance{Columns: []string{"plan", "resident_id"}}, nil, []string{"columns[1] allowance.wider"}},
		{"another value", grant.Allowance{Filters: district("500103", "500109")}, nil, []string{"filters[0].in[1] allowance.wider"}},
		{"another filter only", grant.Allowance{Filters: []grant.RowFilter{{Column: "plan", In: []string{"free"}}}}, nil, []string{"filters allowance.wider"}},
		{"a day more", grant.Allowance{To: &late}, nil, []string{"to allowance.wider"}},
		{"ended before it begins", grant.Allowance{To: &before}, nil, []string{"to term.invalid"}},
		{"runs more, rows below none", grant.Allowance{Runs: new(int64(21)), Rows: new(int64(-1))}, nil, []string{"runs allowance.wider", "rows allowance.none"}},
		{"none of anything", grant.Allowance{Columns: []string{}, Runs: new(int64(0)), Rows: new(int64(0))}, nil,
			[]string{"columns allowance.none", "runs allowance.none", "rows allowance.none"}},
		{"a column twice", grant.Allowance{Columns: []string{"plan", "plan"}}, nil, []string{"columns[1] list.duplicate"}},
		{"an empty filter", grant.Allowance{Filters: district()}, nil, []string{"rows.filters[0].in list.empty"}},
	} {
		got, err := asked.Narrow(tt.part)
		if diff := cmp.Diff(tt.places, places(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if err == nil {
			if diff := cmp.Diff(tt.narrowed, asked.Narrowed(got)); diff != "" {
				t.Errorf("%s narrows (-want +got):\n%s", tt.name, diff)
			}
		}
	}
	if changed := good(t).Narrowed(asked); len(changed) > 0 {
		t.Errorf("what was asked changed: %v", changed)
	}
	whole := good(t)
	whole.Rows = grant.Rows{All: true}
	if got, err := whole.Narrow(grant.Allowance{Filters: district("500103")}); err != nil || got.Rows.All {
		t.Errorf("some rows of all: %+v %v", got.Rows, err)
	}
}
