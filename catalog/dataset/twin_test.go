package dataset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
)

func TestJudgeTwin(t *testing.T) {
	unit, row := dataset.BadCell{Row: 1, Column: "id", Reason: dataset.UnitShared}, dataset.BadCell{Row: 2, Reason: dataset.RowEqual}
	both := []dataset.BadCell{unit, row}
	for name, tt := range map[string]struct {
		of    dataset.Resemblance
		share float64
		want  []dataset.BadCell
	}{
		"nothing real":            {dataset.Resemblance{Rows: 10}, 0, nil},
		"chance, within bounds":   {dataset.Resemblance{Rows: 10, Equal: 1, Errors: []dataset.BadCell{row}}, 0.1, []dataset.BadCell{}},
		"beyond them":             {dataset.Resemblance{Rows: 10, Equal: 2, Errors: []dataset.BadCell{row}}, 0.1, []dataset.BadCell{row}},
		"a set without a value":   {dataset.Resemblance{Rows: 10, Equal: 1, Errors: []dataset.BadCell{row}}, 0, []dataset.BadCell{row}},
		"one person is too many":  {dataset.Resemblance{Rows: 1000, Shared: 1, Equal: 1, Errors: both}, 0.5, []dataset.BadCell{unit}},
		"both":                    {dataset.Resemblance{Rows: 10, Shared: 1, Equal: 9, Errors: both}, 0.1, both},
		"no place was told":       {dataset.Resemblance{Rows: 10, Shared: 1, Equal: 9}, 0.1, []dataset.BadCell{{Reason: dataset.UnitShared}, {Reason: dataset.RowEqual}}},
		"a count out of its mind": {dataset.Resemblance{Rows: 10, Shared: -1}, 0.1, []dataset.BadCell{{Reason: dataset.UnitShared}}},
		"empty":                   {dataset.Resemblance{}, 0.5, []dataset.BadCell{{Reason: dataset.TwinEmpty}}},
	} {
		if d := cmp.Diff(tt.want, tt.of.Judge(tt.share)); d != "" {
			t.Errorf("%s: reasons (-want +got):\n%s", name, d)
		}
	}
}
