package grant_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
)

func good(t *testing.T) grant.Scope {
	t.Helper()
	from, ok := calendar.NewDate(2026, 3, 1)
	if !ok {
		t.Fatal("date")
	}
	return grant.Scope{
		Dataset: "health-visits", VersionFrom: 1, Columns: []string{"plan", "visits"},
		Rows:       grant.Rows{Filters: []grant.RowFilter{{Column: "district", In: []string{"500103", "500105"}}}},
		Operations: []name.Operation{name.OpSQL}, Purposes: []string{"health-policy-statistics"},
		Outputs: []name.OutputKind{name.OutTable}, LevelCap: 3, From: from, To: from.AddDays(30),
		Budget: grant.Budget{Runs: 20, Rows: 1_000_000}, MinUnits: 10, LawfulBasis: "statistics law",
	}
}

func places(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var ps []string
	for _, p := range f.Places {
		ps = append(ps, p.Location+" "+p.Code)
	}
	return ps
}

func TestScope(t *testing.T) {
	if err := good(t).Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		want  string
		spoil func(*grant.Scope)
	}{
		{"dataset slug.invalid", func(s *grant.Scope) { s.Dataset = "" }},
		{"version_from version.invalid", func(s *grant.Scope) { s.VersionFrom = 0 }},
		{"version_to version.reversed", func(s *grant.Scope) { s.VersionFrom, s.VersionTo = 3, 2 }},
		{"columns list.empty", func(s *grant.Scope) { s.Columns = nil }},
		{"columns[1] list.duplicate", func(s *grant.Scope) { s.Columns[1] = "plan" }},
		{"columns[0] list.unknown", func(s *grant.Scope) { s.Columns[0] = "*" }},
		{"purposes list.empty", func(s *grant.Scope) { s.Purposes = nil }},
		{"operations list.empty", func(s *grant.Scope) { s.Operations = nil }},
		{"operations[0] list.unknown", func(s *grant.Scope) { s.Operations[0] = "download" }},
		{"outputs list.empty", func(s *grant.Scope) { s.Outputs = nil }},
		{"outputs[0] list.unknown", func(s *grant.Scope) { s.Outputs[0] = "raw" }},
		{"rows rows.not_scoped", func(s *grant.Scope) { s.Rows = grant.Rows{} }},
		{"rows rows.not_scoped", func(s *grant.Scope) { s.Rows.All = true }},
		{"rows.filters[0].in list.empty", func(s *grant.Scope) { s.Rows.Filters[0].In = nil }},
		{"rows.filters[0].in[0] list.unknown", func(s *grant.Scope) { s.Rows.Filters[0].In[0] = strings.Repeat("5", 201) }},
		{"rows.filters[0].column column.invalid", func(s *grant.Scope) { s.Rows.Filters[0].Column = `d"` }},
		{"rows.filters[1].column column.duplicate", func(s *grant.Scope) { s.Rows.Filters = append(s.Rows.Filters, s.Rows.Filters[0]) }},
		{"scenario scenario.invalid", func(s *grant.Scope) { s.Scenario = "A B" }},
		{"level_cap level.out_of_range", func(s *grant.Scope) { s.LevelCap = 0 }},
		{"level_cap level.out_of_range", func(s *grant.Scope) { s.LevelCap = 5 }},
		{"to term.invalid", func(s *grant.Scope) { s.To = s.From.AddDays(-1) }},
		{"to term.invalid", func(s *grant.Scope) { s.From = calendar.Date{} }},
		{"budget.runs budget.out_of_range", func(s *grant.Scope) { s.Budget.Runs = 0 }},
		{"budget.rows budget.out_of_range", func(s *grant.Scope) { s.Budget.Rows = 1 << 60 }},
		{"lawful_basis lawful_basis.invalid", func(s *grant.Scope) { s.LawfulBasis = strings.Repeat("b", 501) }},
		{"lawful_basis lawful_basis.invalid", func(s *grant.Scope) { s.LawfulBasis = "a\u2067b" }},
		{"rows.filters[0].in list.too_long", func(s *grant.Scope) {
			s.Rows.Filters[0].In = nil
			for i := range 1001 {
				s.Rows.Filters[0].In = append(s.Rows.Filters[0].In, strconv.Itoa(i))
			}
		}},
		{"min_units min_units.negative", func(s *grant.Scope) { s.MinUnits = -1 }},
	}
	for _, tt := range tests {
		s := good(t)
		tt.spoil(&s)
		if diff := cmp.Diff([]string{tt.want}, places(s.Validate())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
}

func TestRowsScoped(t *testing.T) {
	filters := []grant.RowFilter{{Column: "district", In: []string{"1"}}}
	for _, tt := range []struct {
		rows grant.Rows
		want bool
	}{
		{grant.Rows{}, false}, {grant.Rows{All: true}, true}, {grant.Rows{Filters: filters}, true}, {grant.Rows{All: true, Filters: filters}, false},
	} {
		if got := tt.rows.Scoped(); got != tt.want {
			t.Errorf("%+v: got %v", tt.rows, got)
		}
	}
}

// O17, O23: what ended stays ended, and no act of the table changes the grantee.
func TestFlowEnds(t *testing.T) {
	for _, from := range []flow.State{grant.Revoked, grant.Expired, grant.Refused} {
		for _, m := range grant.Flow().Moves {
			if _, err := grant.Flow().Check(from, m.Act); fault.Of(err) != fault.Conflict {
				t.Errorf("%s from %s: %v", m.Act, from, err)
			}
		}
	}
	if _, err := grant.Flow().Check(grant.Active, "transfer"); fault.Of(err) != fault.Conflict {
		t.Errorf("transfer: %v", err)
	}
}
