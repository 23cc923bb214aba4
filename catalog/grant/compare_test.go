package grant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
)

func on(t *testing.T, day string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(day)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// beyond says in short what a comparison finds outside its bounds.
func beyond(all []grant.Comparison) map[string][]string {
	found := map[string][]string{}
	for _, c := range all {
		if len(c.Beyond) > 0 {
			found[c.Dimension+" of "+c.Bound] = c.Beyond
		}
	}
	return found
}

func TestCompare(t *testing.T) {
	asked := grant.Scope{
		Columns: []string{"plan", "visits"}, Purposes: []string{"health"}, Operations: []name.Operation{name.OpSQL},
		Outputs: []name.OutputKind{name.OutTable}, LevelCap: 2, MinUnits: 10, From: on(t, "2026-02-01"), To: on(t, "2026-11-30"),
	}
	within := func() grant.Bounds {
		return grant.Bounds{
			Terms: &grant.Ceiling{
				Columns: []string{"visits", "plan", "age"}, Purposes: []string{"health"}, Operations: []name.Operation{name.OpSQL},
				Outputs: []name.OutputKind{name.OutTable}, MinUnits: 10, To: asked.To,
			},
			Agreement: &grant.Term{From: asked.From, To: asked.To}, Level: 2,
		}
	}
	tests := []struct {
		name  string
		spoil func(*grant.Bounds)
		want  map[string][]string
	}{
		{"at every bound", func(*grant.Bounds) {}, map[string][]string{}},
		{"a column", func(b *grant.Bounds) { b.Terms.Columns = b.Terms.Columns[1:] }, map[string][]string{"columns of terms": {"visits"}}},
		{"a purpose", func(b *grant.Bounds) { b.Terms.Purposes = nil }, map[string][]string{"purposes of terms": {"health"}}},
		{"smaller cells", func(b *grant.Bounds) { b.Terms.MinUnits = 11 }, map[string][]string{"min_units of terms": {"10"}}},
		{"after the terms", func(b *grant.Bounds) { b.Terms.To = on(t, "2026-11-29") }, map[string][]string{"to of terms": {"2026-11-30"}}},
		{"before the agreement", func(b *grant.Bounds) { b.Agreement.From = on(t, "2026-02-02") }, map[string][]string{"from of agreement": {"2026-02-01"}}},
		{"after the agreement", func(b *grant.Bounds) { b.Agreement.To = on(t, "2026-11-29") }, map[string][]string{"to of agreement": {"2026-11-30"}}},
		{"above the cap", func(b *grant.Bounds) { b.Level = 3 }, map[string][]string{"level_cap of dataset": {"3"}}},
		{"no agreement", func(b *grant.Bounds) { b.Agreement = nil }, map[string][]string{
			"from of agreement": {"2026-02-01"}, "to of agreement": {"2026-11-30"},
		}},
		{"no terms", func(b *grant.Bounds) { b.Terms = nil }, map[string][]string{
			"columns of terms": {"plan", "visits"}, "purposes of terms": {"health"}, "operations of terms": {"sql"},
			"outputs of terms": {"table"}, "min_units of terms": {"10"}, "to of terms": {"2026-11-30"},
		}},
	}
	for _, tt := range tests {
		b := within()
		tt.spoil(&b)
		if diff := cmp.Diff(tt.want, beyond(asked.Compare(b))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
