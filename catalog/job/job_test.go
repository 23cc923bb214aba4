package job_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
)

const example = `name: visits-by-plan
purpose: health-policy-statistics
engine: sql                       # DuckDB
inputs:
  visits: {grant: G-2026-0001, dataset: health-visits, version: 1, columns: [plan, health, visits]}
  again: {grant: G-2026-0001, dataset: health-visits, version: 1, columns: [plan]}
code: visits.sql
outputs:
  - name: visits_by_plan
    table:
      from: person_years
      by: {plan: [free, shared], health: [excellent, good, fair, poor], chronic: [1, 0], urban: [yes, no]}
      measures:
        - {name: people, stat: units}
        - {name: visits_mean, stat: mean, of: visits, per: unit}
        - {name: rate, stat: ratio, of: visits, per: years}
  - name: list
    file: {from: person_years}
`

func parsed(t *testing.T) job.Package {
	t.Helper()
	p, file, err := job.ParsePackage([]byte(example))
	if err != nil {
		t.Fatalf("ParsePackage: %v", err)
	}
	if file != "visits.sql" {
		t.Fatalf("code file %q", file)
	}
	p.Code = "-- relation: person_years\nSELECT * FROM visits\n"
	return p
}

func limits() job.Limits {
	return job.Limits{CodeBytes: 256 << 10, Inputs: 4, Outputs: 4, Dimensions: 4, Measures: 4, Cells: 64}
}

func TestParsePackage(t *testing.T) {
	want := job.Package{
		Format: 1, Name: "visits-by-plan", Purpose: "health-policy-statistics", Engine: job.EngineSQL,
		Inputs: []job.Input{
			{Name: "visits", Grant: "G-2026-0001", Dataset: "health-visits", Version: 1, Columns: []string{"plan", "health", "visits"}},
			{Name: "again", Grant: "G-2026-0001", Dataset: "health-visits", Version: 1, Columns: []string{"plan"}},
		},
		Code: "-- relation: person_years\nSELECT * FROM visits\n",
		Outputs: []job.Output{
			{Table: &job.Table{
				Name: "visits_by_plan", From: "person_years",
				By: []job.Dimension{
					{Column: "plan", Values: []string{"free", "shared"}},
					{Column: "health", Values: []string{"excellent", "good", "fair", "poor"}},
					{Column: "chronic", Values: []string{"1", "0"}},
					{Column: "urban", Values: []string{"yes", "no"}},
				},
				Measures: []job.Measure{
					{Name: "people", Stat: job.StatUnits},
					{Name: "visits_mean", Stat: job.StatMean, Of: "visits", Per: "unit"},
					{Name: "rate", Stat: job.StatRatio, Of: "visits", Per: "years"},
				},
			}},
			{File: &job.File{Name: "list", From: "person_years"}},
		},
	}
	got := parsed(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if err := got.Validate(limits()); err != nil {
		t.Fatalf("Validate: %v", err)
	}
	if got.Operation() != name.OpSQL || got.Outputs[0].Kind() != name.OutTable || got.Outputs[1].Kind() != name.OutFile || len(got.Tables()) != 1 {
		t.Fatal("operation and kinds")
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

func TestParsePackageRefuses(t *testing.T) {
	tests := []struct{ old, new, want string }{
		{"purpose:", "porpoise:", "line 2: porpoise member.unknown"},
		{"columns: [plan]", "columns: [plan], rows: all", "line 6: inputs.again.rows member.unknown"},
		{"{name: people, stat: units}", "{name: people, stat: units, where: x}", "line 14: outputs[0].table.measures[0].where member.unknown"},
		{"  again:", "  visits:", "line 6: inputs.visits member.duplicate"},
		{"plan: [free, shared]", "plan: free", "line 12: outputs[0].table.by.plan yaml.not_a_list"},
		{"by: {plan: [free", "by: {plan: [null", "line 12: outputs[0].table.by.plan[0] yaml.not_a_text"},
		{"version: 1, columns: [plan]}", "version: one, columns: [plan]}", "line 6: inputs.again.version yaml.not_an_integer"},
		{"engine: sql ", "engine: [sql] ", "line 3: engine yaml.not_a_text"},
		{"  again: {grant: G-2026-0001, dataset: health-visits, version: 1, columns: [plan]}", "  again: G-2026-0001", "line 6: inputs.again yaml.not_a_mapping"},
		{"  again:", "  [again]:", "line 5: inputs yaml.key"},
		{"code: visits.sql\n", "", "code code.missing"},
		{"name: visits-by-plan", "name: &a visits-by-plan\nother: *a", "line 2: other member.unknown"},
		{"purpose: health-policy-statistics", "purpose: !!null x", "line 2: purpose yaml.not_a_text"},
	}
	for _, tt := range tests {
		spoilt := strings.Replace(example, tt.old, tt.new, 1)
		if spoilt == example {
			t.Fatalf("%q is not in the example", tt.old)
		}
		_, _, err := job.ParsePackage([]byte(spoilt))
		if diff := cmp.Diff([]string{tt.want}, places(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
	for _, whole := range []string{"", "a: [", "- 1", example + "---\n{}\n", "just text", example + strings.Repeat("#", 1<<20)} {
		if _, _, err := job.ParsePackage([]byte(whole)); fault.Of(err) != fault.Invalid {
			t.Errorf("%.20q: %v", whole, err)
		}
	}
}

func TestAliasIsNoText(t *testing.T) {
	spoilt := strings.Replace(strings.Replace(example, "name: visits-by-plan", "name: &a visits-by-plan", 1), "purpose: health-policy-statistics", "purpose: *a", 1)
	if _, _, err := job.ParsePackage([]byte(spoilt)); fault.Of(err) != fault.Invalid {
		t.Fatalf("took an alias: %v", err)
	}
}

func TestValidate(t *testing.T) {
	table := func(p *job.Package) *job.Table { return p.Outputs[0].Table }
	tests := []struct {
		want  string
		spoil func(*job.Package)
	}{
		{"format format.unknown", func(p *job.Package) { p.Format = 0 }},
		{"name name.invalid", func(p *job.Package) { p.Name = "" }},
		{"purpose purpose.invalid", func(p *job.Package) { p.Purpose = "a b" }},
		{"engine engine.unknown", func(p *job.Package) { p.Engine = "perl" }},
		{"engine engine.takes_no_folder", func(p *job.Package) { p.Image = "python-2026" }},
		{"code code.missing", func(p *job.Package) { p.Code = " \n" }},
		{"code code.too_long", func(p *job.Package) { p.Code = strings.Repeat("x", 256<<10+1) }},
		{"code code.not_text", func(p *job.Package) { p.Code = "a\x00" }},
		{"code code.not_text", func(p *job.Package) { p.Code = "\xff" }},
		{"code code.not_text", func(p *job.Package) { p.Code += " -- \u202e" }},
		{"code code.not_text", func(p *job.Package) { p.Code += "\u200b" }},
		{"inputs inputs.missing", func(p *job.Package) { p.Inputs = nil }},
		{"inputs inputs.too_many", func(p *job.Package) {
			for _, n := range []string{"c", "d", "e"} {
				in := p.Inputs[1]
				in.Name = n
				p.Inputs = append(p.Inputs, in)
			}
		}},
		{"inputs[0].columns[1] name.invalid", func(p *job.Package) { p.Inputs[0].Columns[1] = "*" }},
		{"outputs outputs.too_many", func(p *job.Package) {
			for _, n := range []string{"c", "d", "e"} {
				p.Outputs = append(p.Outputs, job.Output{File: &job.File{Name: n, From: "person_years"}})
			}
		}},
		{"outputs[1].name name.invalid", func(p *job.Package) { p.Outputs[1].File.Name = "a/b" }},
		{"outputs[0].table.by dimensions.too_many", func(p *job.Package) {
			table(p).By = append(table(p).By, job.Dimension{Column: "one", Values: []string{"1"}})
		}},
		{"outputs[0].table.by[0].column name.invalid", func(p *job.Package) { table(p).By[0].Column = `a"b` }},
		{"outputs[0].table.measures measures.too_many", func(p *job.Package) {
			table(p).Measures = append(table(p).Measures, job.Measure{Name: "a", Stat: job.StatRows}, job.Measure{Name: "b", Stat: job.StatRows})
		}},
		{"outputs[0].table.measures[0].name name.invalid", func(p *job.Package) { table(p).Measures[0].Name = "a b" }},
		{"outputs[0].table.measures[1].of measure.needs_column", func(p *job.Package) { table(p).Measures[1].Stat = job.StatSum }},
		{"inputs[1].name name.duplicate", func(p *job.Package) { p.Inputs[1].Name = "visits" }},
		{"inputs[0].name name.invalid", func(p *job.Package) { p.Inputs[0].Name = "../x" }},
		{"inputs[0].grant number.invalid", func(p *job.Package) { p.Inputs[0].Grant = "J-2026-0001" }},
		{"inputs[0].dataset slug.invalid", func(p *job.Package) { p.Inputs[0].Dataset = "" }},
		{"inputs[0].version version.invalid", func(p *job.Package) { p.Inputs[0].Version = 0 }},
		{"inputs[0].columns columns.missing", func(p *job.Package) { p.Inputs[0].Columns = nil }},
		{"inputs[0].columns[1] name.duplicate", func(p *job.Package) { p.Inputs[0].Columns[1] = "plan" }},
		{"outputs outputs.missing", func(p *job.Package) { p.Outputs = nil }},
		{"outputs[0] output.kind", func(p *job.Package) { p.Outputs[0].File = &job.File{Name: "x", From: "y"} }},
		{"outputs[1].name name.duplicate", func(p *job.Package) { p.Outputs[1].File.Name = "visits_by_plan" }},
		{"outputs[1].file.from name.invalid", func(p *job.Package) { p.Outputs[1].File.From = "" }},
		{"outputs[0].table.from name.invalid", func(p *job.Package) { table(p).From = "a.b" }},
		{"outputs[0].table.measures measures.missing", func(p *job.Package) { table(p).Measures = nil }},
		{"outputs[0].table.by cells.too_many", func(p *job.Package) { table(p).By[0].Values = []string{"a", "b", "c", "d", "e"} }},
		{"outputs[0].table.by[1] name.duplicate", func(p *job.Package) { table(p).By[1].Column = "plan" }},
		{"outputs[0].table.by[0].values domain.missing", func(p *job.Package) { table(p).By[0].Values = nil }},
		{"outputs[0].table.by[0].values[1] label.duplicate", func(p *job.Package) { table(p).By[0].Values[1] = "free" }},
		{"outputs[0].table.by[0].values[1] label.reserved", func(p *job.Package) { table(p).By[0].Values[1] = "*" }},
		{"outputs[0].table.by[0].values[1] label.invalid", func(p *job.Package) { table(p).By[0].Values[1] = "" }},
		{"outputs[0].table.by[0].values[1] label.invalid", func(p *job.Package) { table(p).By[0].Values[1] = "a\u202e" }},
		{"outputs[0].table.measures[0].name name.duplicate", func(p *job.Package) { table(p).Measures[0].Name = "plan" }},
		{"outputs[0].table.measures[0] measure.takes_no_column", func(p *job.Package) { table(p).Measures[0].Of = "visits" }},
		{"outputs[0].table.measures[0].stat stat.unknown", func(p *job.Package) { table(p).Measures[0].Stat = "median" }},
		{"outputs[0].table.measures[1].of measure.needs_column", func(p *job.Package) { table(p).Measures[1].Of = "" }},
		{"outputs[0].table.measures[1].per measure.per", func(p *job.Package) { table(p).Measures[1].Per = "row" }},
		{"outputs[0].table.measures[2] measure.needs_two_columns", func(p *job.Package) { table(p).Measures[2].Per = "" }},
	}
	for _, tt := range tests {
		p := parsed(t)
		tt.spoil(&p)
		if diff := cmp.Diff([]string{tt.want}, places(p.Validate(limits()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
}

// A domain declared large enough to overflow the product is still too many.
func TestCellsDoNotOverflow(t *testing.T) {
	p, l := parsed(t), limits()
	l.Dimensions = 100
	p.Outputs[0].Table.By = nil
	for i := range 70 {
		p.Outputs[0].Table.By = append(p.Outputs[0].Table.By, job.Dimension{Column: "c" + strings.Repeat("x", i%60) + string(rune('a'+i/60)), Values: []string{"0", "1"}})
	}
	if got := strings.Join(places(p.Validate(l)), "\n"); !strings.Contains(got, "cells.too_many") {
		t.Fatalf("got %s", got)
	}
}

func TestEncode(t *testing.T) {
	b, d, err := parsed(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := job.Decode(b)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if diff := cmp.Diff(parsed(t), back); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// The form must last: a changed digest here is a changed format.
	if want := name.Digest("sha256:5dfb1685025c2a0e7a6035f021004ed087261fa103f43bad93116360916c0882"); d != want {
		t.Errorf("digest %s, want %s\n%s", d, want, b)
	}
	changed := parsed(t)
	changed.Code += " "
	if _, other, err := changed.Encode(); err != nil || other == d {
		t.Fatalf("one more byte, same digest: %v", err)
	}
	if _, err := job.Decode(bytes.Replace(b, []byte(`"format":1`), []byte(`"format":1,"grant":"x"`), 1)); err == nil {
		t.Fatal("took an unknown member")
	}
}

func TestBucket(t *testing.T) {
	for rows, want := range map[int64]string{
		0: "0-9", 9: "0-9", 10: ">=10", 99: ">=10", 100: "10^2", 999: "10^2", 1000: "10^3", 20190: "10^4",
		999_999: "10^5", 1_000_000: "10^6", math.MaxInt64: "10^18", 1_000_000_000_000_000_000: "10^18",
	} {
		if got := job.Bucket(rows); got != want {
			t.Errorf("%d: got %s, want %s", rows, got, want)
		}
	}
}

// TestValidateFolder: a Python job is plain files with a main one, and relations of inputs with labels of their own.
func TestValidateFolder(t *testing.T) {
	good := func() job.Package {
		p := parsed(t)
		p.Engine, p.Code = job.EnginePython, ""
		p.Files = []job.SourceFile{{Name: job.MainFile, Text: "import sluice\n"}}
		p.Relations = []job.Relation{{Name: "people", Of: p.Inputs[0].Name, Labels: []string{"band"}}}
		return p
	}
	if err := good().Validate(limits()); err != nil {
		t.Fatalf("a good folder: %v", err)
	}
	for want, spoil := range map[string]func(p *job.Package){
		"code.folder":            func(p *job.Package) { p.Code = "SELECT 1" },
		"image.unnamed":          func(p *job.Package) { p.Image = "../x" },
		"files.main_missing":     func(p *job.Package) { p.Files[0].Name = "other.py" },
		"name.invalid":           func(p *job.Package) { p.Files = append(p.Files, job.SourceFile{Name: "../up.py"}) },
		"name.duplicate":         func(p *job.Package) { p.Files = append(p.Files, p.Files[0]) },
		"code.not_text":          func(p *job.Package) { p.Files[0].Text = "\x80\x04" },
		"code.too_long":          func(p *job.Package) { p.Files[0].Text = strings.Repeat("x", job.MaxFolder+1) },
		"relations.missing":      func(p *job.Package) { p.Relations = nil },
		"relation.input_unknown": func(p *job.Package) { p.Relations[0].Of = "nowhere" },
		"label.is_column":        func(p *job.Package) { p.Relations[0].Labels = p.Inputs[0].Columns[:1] },
	} {
		p := good()
		spoil(&p)
		if got := places(p.Validate(limits())); !slices.ContainsFunc(got, func(place string) bool { return strings.HasSuffix(place, " "+want) }) {
			t.Errorf("%s: got %v", want, got)
		}
	}
}
