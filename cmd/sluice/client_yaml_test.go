package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway/wire"
)

func TestScalarsAreReadAsWritten(t *testing.T) {
	var spec wire.DatasetSpec
	faults, err := decodeYAML([]byte(`
slug: visits
columns:
  - {name: a, type: text, level: 1, role: other, domain: [yes, 1, "2", 2025-01-01, 500101]}
  - {name: b, type: integer, level: 2, role: other, min: 0, max: 100}
terms: {to: 2026-12-31, min_units: 10}
`), &spec)
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	if diff := cmp.Diff([]string{"yes", "1", "2", "2025-01-01", "500101"}, spec.Columns[0].Domain); diff != "" {
		t.Error(diff)
	}
	if spec.Columns[1].Min == nil || *spec.Columns[1].Max != "100" || spec.Terms.To.String() != "2026-12-31" || spec.Terms.MinUnits != 10 {
		t.Errorf("got %+v", spec)
	}
}

func TestFilesWithoutADocumentAreFaults(t *testing.T) {
	for situation, text := range map[string]string{
		"empty": "", "only a comment": "# nothing", "two documents": "slug: a\n---\nslug: b", "not YAML": "a: [",
		"anchors": "slug: &a b\ntitle: *a", "merged": "<<: {slug: a}", "a list": "- slug", "null": "~",
	} {
		var spec wire.DatasetSpec
		if faults, err := decodeYAML([]byte(text), &spec); err == nil && len(faults) == 0 {
			t.Errorf("%s: was read as %+v", situation, spec)
		}
	}
}

// FuzzDecodeYAML holds that what is read without a fault is what the API would read from the same JSON, and
// that nothing ends the program.
func FuzzDecodeYAML(f *testing.F) {
	f.Add([]byte("agreement: A-2026-0001\nscope: {dataset: a, rows: {all: true}, to: 2026-01-01}"))
	f.Add([]byte("scope: {budget: {runs: 1, rows: 2}, columns: [a, b]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var spec, again wire.GrantSpec
		faults, err := decodeYAML(body, &spec)
		if err != nil || len(faults) > 0 {
			return
		}
		encoded, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		if faults, err := decodeYAML(encoded, &again); err == nil && len(faults) == 0 {
			if diff := cmp.Diff(spec.Agreement, again.Agreement); diff != "" {
				t.Error(diff)
			}
		}
	})
}
