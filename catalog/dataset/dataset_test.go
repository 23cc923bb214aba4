package dataset_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

func ptr(s string) *string { return &s }

func columns() []dataset.Column {
	return []dataset.Column{
		{Name: "resident_id", Type: dataset.Text, Level: 4, Role: dataset.Identifier},
		{Name: "phone", Type: dataset.Text, Level: 4, Role: dataset.Identifier, Mask: dataset.MaskPhone},
		{Name: "plan", Type: dataset.Text, Level: 2, Role: dataset.Quasi, Domain: []string{"free", "shared"}},
		{Name: "visits", Type: dataset.Integer, Level: 3, Role: dataset.Sensitive, Min: ptr("0"), Max: ptr("400")},
		{Name: "year", Type: dataset.Date, Level: 1, Role: dataset.Other},
	}
}

func units() []dataset.Unit { return []dataset.Unit{{Kind: "resident", Column: "resident_id"}} }

// places returns "location code" of every fault, sorted.
func places(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var ps []string
	for _, p := range f.Places {
		ps = append(ps, p.Location+" "+p.Code)
	}
	slices.Sort(ps)
	return ps
}

func TestSchema(t *testing.T) {
	if err := dataset.Schema(columns(), units()); err != nil {
		t.Fatalf("good schema: %v", err)
	}
	tests := []struct {
		want  string
		spoil func(c []dataset.Column, u []dataset.Unit)
	}{
		{"columns[2].name name.invalid", func(c []dataset.Column, _ []dataset.Unit) { c[2].Name = "Plan" }},
		{"columns[2].name name.invalid", func(c []dataset.Column, _ []dataset.Unit) { c[2].Name = "_ordinal" }},
		{"columns[2].name name.invalid", func(c []dataset.Column, _ []dataset.Unit) { c[2].Name = strings.Repeat("p", 64) }},
		{"columns[2].name name.duplicate", func(c []dataset.Column, _ []dataset.Unit) { c[2].Name = "phone" }},
		{"columns[2].level level.out_of_range", func(c []dataset.Column, _ []dataset.Unit) { c[2].Level = 5 }},
		{"columns[2].level level.out_of_range", func(c []dataset.Column, _ []dataset.Unit) { c[2].Level = 0 }},
		{"columns[4].type type.unknown", func(c []dataset.Column, _ []dataset.Unit) { c[4].Type = "time" }},
		{"columns[2].role role.unknown", func(c []dataset.Column, _ []dataset.Unit) { c[2].Role = "" }},
		{"columns[2].mask mask.unknown", func(c []dataset.Column, _ []dataset.Unit) { c[2].Mask = "half" }},
		{"columns[3].mask mask.not_for_type", func(c []dataset.Column, _ []dataset.Unit) { c[3].Mask = dataset.MaskPhone }},
		{"columns[1].mask identifier.unmasked", func(c []dataset.Column, _ []dataset.Unit) { c[1].Mask = "" }},
		{"columns[1].domain domain.of_identifier", func(c []dataset.Column, _ []dataset.Unit) { c[1].Domain = []string{"1"} }},
		{"columns[2].title title.invalid", func(c []dataset.Column, _ []dataset.Unit) { c[2].Title = strings.Repeat("t", 201) }},
		{"columns[2].title title.invalid", func(c []dataset.Column, _ []dataset.Unit) { c[2].Title = "a\u202eb" }},
		{"columns[4].domain domain.too_long", func(c []dataset.Column, _ []dataset.Unit) { c[4].Type, c[4].Domain = dataset.Integer, numbers(1001) }},
		{"columns[3].domain domain.not_for_type", func(c []dataset.Column, _ []dataset.Unit) {
			c[3].Type, c[3].Domain = dataset.Number, []string{"0.5"}
		}},
		{"columns[2].domain[1] domain.duplicate", func(c []dataset.Column, _ []dataset.Unit) { c[2].Domain[1] = "free" }},
		{"columns[3].domain[0] domain.not_of_type", func(c []dataset.Column, _ []dataset.Unit) { c[3].Domain = []string{"01"} }},
		{"columns[3].min range.reversed", func(c []dataset.Column, _ []dataset.Unit) { c[3].Min = ptr("401") }},
		{"columns[3].min range.not_of_type", func(c []dataset.Column, _ []dataset.Unit) { c[3].Max = ptr("many") }},
		{"columns[4].min range.reversed", func(c []dataset.Column, _ []dataset.Unit) { c[4].Min, c[4].Max = ptr("2025-02-01"), ptr("2025-01-01") }},
		{"columns[2].min range.not_for_type", func(c []dataset.Column, _ []dataset.Unit) { c[2].Min = ptr("a") }},
		{"units[0].column column.unknown", func(c []dataset.Column, u []dataset.Unit) { u[0].Column = "id"; c[0].Mask = dataset.MaskDrop }},
		{"units[0].kind kind.is_a_column", func(_ []dataset.Column, u []dataset.Unit) { u[0].Kind = "plan" }},
		{"units[0].kind kind.invalid", func(_ []dataset.Column, u []dataset.Unit) { u[0].Kind = "_ordinal" }},
		{"units[0].column unit.not_identifier", func(c []dataset.Column, _ []dataset.Unit) { c[0].Role = dataset.Quasi }},
		{"units[0].column unit.not_for_type", func(c []dataset.Column, _ []dataset.Unit) { c[0].Type = dataset.Date }},
	}
	for _, tt := range tests {
		c, u := columns(), units()
		tt.spoil(c, u)
		if diff := cmp.Diff([]string{tt.want}, places(dataset.Schema(c, u))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
	if places(dataset.Schema(columns(), append(units(), units()...))) == nil {
		t.Error("took a unit twice")
	}
	if places(dataset.Schema(nil, nil)) == nil {
		t.Error("took no columns")
	}
}

func numbers(n int) []string {
	var s []string
	for i := range n {
		s = append(s, strconv.Itoa(i))
	}
	return s
}

func TestSpells(t *testing.T) {
	tests := []struct {
		typ  dataset.Type
		good []string
		bad  []string
	}{
		{dataset.Text, []string{"a", "名"}, []string{"", strings.Repeat("a", 201)}},
		{dataset.Integer, []string{"0", "-7", "9223372036854775807"}, []string{"", "07", "+7", "-0", "7.0", "9223372036854775808"}},
		{dataset.Number, []string{"0.5", "-1e9"}, []string{"", "NaN", "Inf", "x"}},
		{dataset.Boolean, []string{"true", "false"}, []string{"", "TRUE", "1", "t"}},
		{dataset.Date, []string{"2028-02-29"}, []string{"", "2027-02-29", "2027-2-1"}},
		{"", nil, []string{"", "a"}},
	}
	for _, tt := range tests {
		for _, s := range tt.good {
			if !dataset.Spells(tt.typ, s) {
				t.Errorf("%s: refused %q", tt.typ, s)
			}
		}
		for _, s := range tt.bad {
			if dataset.Spells(tt.typ, s) {
				t.Errorf("%s: took %q", tt.typ, s)
			}
		}
	}
}

func TestPersonal(t *testing.T) {
	firm := []dataset.Unit{{Kind: "enterprise", Column: "credit_code"}}
	for i, want := range []bool{true, true, true, true, false} {
		if got := dataset.Personal(columns()[i], units()); got != want {
			t.Errorf("%s: %v", columns()[i].Name, got)
		}
		if dataset.Personal(columns()[i], firm) {
			t.Errorf("%s: personal about firms", columns()[i].Name)
		}
	}
}

func terms(t *testing.T) *dataset.Terms {
	d, err := calendar.ParseDate("2027-12-31")
	if err != nil {
		t.Fatal(err)
	}
	return &dataset.Terms{
		Purposes: []string{"health-policy-statistics"}, Columns: []string{"plan", "visits"},
		Operations: []name.Operation{name.OpSQL}, Outputs: []name.OutputKind{name.OutTable},
		MinUnits: 10, Approval: dataset.Manual, To: d,
	}
}

func within() dataset.Bounds { return dataset.Bounds{Columns: 10, KeepLeast: 2, KeepMost: 5} }

func TestTerms(t *testing.T) {
	if err := terms(t).Validate(columns(), within()); err != nil {
		t.Fatal(err)
	}
	closed := dataset.Terms{Approval: dataset.Manual, To: terms(t).To}
	if err := closed.Validate(columns(), within()); err != nil {
		t.Fatalf("terms that allow nothing are terms: %v", err)
	}
	tests := []struct {
		want  string
		spoil func(*dataset.Terms)
	}{
		{"columns[0] column.unknown", func(v *dataset.Terms) { v.Columns[0] = "income" }},
		{"columns[1] column.duplicate", func(v *dataset.Terms) { v.Columns[1] = "plan" }},
		{"columns[0] column.dropped", func(v *dataset.Terms) { v.Columns[0] = "phone" }},
		{"purposes[0] purpose.invalid", func(v *dataset.Terms) { v.Purposes[0] = "any thing" }},
		{"operations[0] operation.unknown", func(v *dataset.Terms) { v.Operations[0] = "copy" }},
		{"outputs[0] output.unknown", func(v *dataset.Terms) { v.Outputs[0] = "raw" }},
		{"min_units min_units.negative", func(v *dataset.Terms) { v.MinUnits = -1 }},
		{"approval approval.unknown", func(v *dataset.Terms) { v.Approval = "" }},
		{"to date.missing", func(v *dataset.Terms) { v.To = calendar.Date{} }},
		{"retention.versions retention.out_of_bounds", func(v *dataset.Terms) { v.Retention = &dataset.Retention{Versions: 1} }},
		{"retention.versions retention.out_of_bounds", func(v *dataset.Terms) { v.Retention = &dataset.Retention{Versions: 6} }},
	}
	cols := columns()
	cols[1].Mask = dataset.MaskDrop
	for _, tt := range tests {
		v := terms(t)
		tt.spoil(v)
		if diff := cmp.Diff([]string{tt.want}, places(v.Validate(cols, within()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
}

func TestDataset(t *testing.T) {
	good := func() dataset.Dataset {
		return dataset.Dataset{
			Slug: "health-visits", Title: "Visits", Basis: "public health service", Class: dataset.General, Acquired: dataset.Own,
			Columns: columns(), Units: units(), RoundTo: 5, Terms: terms(t),
		}
	}
	if err := good().Validate(within()); err != nil {
		t.Fatal(err)
	}
	if good().Level() != 4 {
		t.Errorf("level %d", good().Level())
	}
	tests := []struct {
		want  string
		spoil func(*dataset.Dataset)
	}{
		{"slug slug.invalid", func(d *dataset.Dataset) { d.Slug = "H" }},
		{"title title.invalid", func(d *dataset.Dataset) { d.Title = "" }},
		{"title title.invalid", func(d *dataset.Dataset) { d.Title = "a\nb" }},
		{"basis basis.invalid", func(d *dataset.Dataset) { d.Basis = "" }},
		{"basis basis.invalid", func(d *dataset.Dataset) { d.Basis = "a\x1b[2Jb" }},
		{"class class.not_admitted", func(d *dataset.Dataset) { d.Class = dataset.Important }},
		{"class class.not_admitted", func(d *dataset.Dataset) { d.Class = dataset.Core }},
		{"class class.unknown", func(d *dataset.Dataset) { d.Class = "" }},
		{"acquired acquired.unknown", func(d *dataset.Dataset) { d.Acquired, d.Consent = "found", "x" }},
		{"consent consent.missing", func(d *dataset.Dataset) { d.Acquired = dataset.Sharing }},
		{"round_to round_to.out_of_range", func(d *dataset.Dataset) { d.RoundTo = 0 }},
		{"columns columns.too_many", func(d *dataset.Dataset) {
			for len(d.Columns) <= 10 {
				d.Columns = append(d.Columns, dataset.Column{Name: "c" + strings.Repeat("x", len(d.Columns)), Type: dataset.Text, Level: 1, Role: dataset.Other})
			}
		}},
		{"terms.columns[0] column.unknown", func(d *dataset.Dataset) { d.Terms.Columns[0] = "income" }},
	}
	for _, tt := range tests {
		d := good()
		tt.spoil(&d)
		if diff := cmp.Diff([]string{tt.want}, places(d.Validate(within()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
}

// plain is a manifest of form 1, as versions from before parts had names have it.
func plain() dataset.Manifest {
	return dataset.Manifest{
		Format: 1, Dataset: "health-visits", Number: 1, Provider: "ORG-0001",
		Created: time.Date(2026, 3, 4, 13, 6, 7, 8, time.FixedZone("", 8*3600)), Columns: columns(), Units: units(), RoundTo: 5,
		Parts: []dataset.Part{{Digest: name.DigestOf([]byte("a")), Size: 10, Rows: 3}, {Digest: name.DigestOf([]byte("b")), Size: 11, Rows: 4}},
		Rows:  7,
	}
}

// manifest is one of form 2.
func manifest() dataset.Manifest {
	m := plain()
	m.Format, m.Number, m.Parts = 2, 3, m.Labelled()
	m.Parts[0].Version, m.Parts[0].AddedAt = 1, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	m.Parts[1].Label, m.Parts[1].Version, m.Parts[1].AddedAt = "2026-03", 3, time.Date(2026, 3, 5, 5, 6, 7, 0, time.UTC)
	return m
}

// The forms must last: a changed digest here is a changed format.
func TestManifestForms(t *testing.T) {
	for want, m := range map[name.Digest]dataset.Manifest{
		"sha256:f41862006bfca75f98e7d96d2d7e3408c61e8d554837a5934ee8e1532b1d4135": plain(),
		"sha256:bf1edbd6f062c92d6a5c8b1ea0e07c0c50cb31b858f476e7cf16db514a340724": manifest(),
	} {
		b, d, err := m.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		if d != want {
			t.Errorf("form %d: digest %s, want %s\n%s", m.Format, d, want, b)
		}
	}
}

func TestManifest(t *testing.T) {
	b, d, err := manifest().Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	m, err := dataset.DecodeManifest(b)
	if err != nil {
		t.Fatalf("DecodeManifest: %v", err)
	}
	if b2, d2, err := m.Encode(); err != nil || d2 != d || !bytes.Equal(b, b2) {
		t.Fatalf("read back it is another: %v", err)
	}
	if bytes.Contains(b, []byte(`"key"`)) {
		t.Error("the manifest says where parts lie")
	}
	none := manifest()
	none.Units, none.Columns[0].Mask = nil, dataset.MaskDrop
	if b, _, err := none.Encode(); err != nil || !bytes.Contains(b, []byte(`"units":[]`)) {
		t.Errorf("no unit is spelt %s, %v", b, err)
	}
	spaced := append([]byte(" "), b...)
	if _, err := dataset.DecodeManifest(spaced); !errors.Is(err, canon.ErrNotCanonical) {
		t.Errorf("another spelling: %v", err)
	}
}

func TestManifestRefuses(t *testing.T) {
	tests := []struct {
		want  string
		spoil func(*dataset.Manifest)
	}{
		{"format format.unknown", func(m *dataset.Manifest) { m.Format = 3 }},
		{"dataset slug.invalid", func(m *dataset.Manifest) { m.Dataset = "" }},
		{"provider number.invalid", func(m *dataset.Manifest) { m.Provider = "J-2026-0001" }},
		{"number number.invalid", func(m *dataset.Manifest) { *m = plain(); m.Number = 0; m.Previous = name.DigestOf(nil) }},
		{"previous previous.invalid", func(m *dataset.Manifest) { *m = plain(); m.Previous = name.DigestOf(nil) }},
		{"previous digest.invalid", func(m *dataset.Manifest) { m.Previous = "x" }},
		{"parts[0] part.named", func(m *dataset.Manifest) { m.Format = 1; m.Parts[1] = plain().Parts[1] }},
		{"parts[1].label label.invalid", func(m *dataset.Manifest) { m.Parts[1].Label = "a/b" }},
		{"parts[1].label label.duplicate", func(m *dataset.Manifest) { m.Parts[1].Label = m.Parts[0].Label }},
		{"parts[1].version version.invalid", func(m *dataset.Manifest) { m.Parts[1].Version = 4 }},
		{"parts[1].added_at time.invalid", func(m *dataset.Manifest) { m.Parts[1].AddedAt = m.Parts[1].AddedAt.Add(1) }},
		{"created time.invalid", func(m *dataset.Manifest) { m.Created = time.Time{} }},
		{"round_to round_to.out_of_range", func(m *dataset.Manifest) { m.RoundTo = 0 }},
		{"rows rows.sum", func(m *dataset.Manifest) { m.Rows = 8 }},
		{"parts[1].digest part.duplicate", func(m *dataset.Manifest) { m.Parts[1].Digest = m.Parts[0].Digest }},
		{"parts[1].digest digest.invalid", func(m *dataset.Manifest) { m.Parts[1].Digest = "sha256:" }},
		{"parts[1] part.size", func(m *dataset.Manifest) { m.Parts[1].Size = 0 }},
		{"parts parts.missing", func(m *dataset.Manifest) { m.Parts, m.Rows = nil, 0 }},
		{"columns[2].level level.out_of_range", func(m *dataset.Manifest) { m.Columns[2].Level = 9 }},
	}
	for _, tt := range tests {
		m := manifest()
		tt.spoil(&m)
		_, _, err := m.Encode()
		if diff := cmp.Diff([]string{tt.want}, places(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.want, diff)
		}
	}
}

// Names on the wire are fixed: containers, manifests and profiles share them.
func TestColumnJSON(t *testing.T) {
	b, err := json.Marshal(columns()[3])
	want := `{"name":"visits","type":"integer","level":3,"role":"sensitive","min":"0","max":"400"}`
	if err != nil || string(b) != want {
		t.Fatalf("got %s, %v", b, err)
	}
	b, err = json.Marshal(dataset.ColumnProfile{Column: columns()[2], Missing: 5, Values: []dataset.ValueFreq{{Value: "free", Rows: 10}}})
	want = `{"name":"plan","type":"text","level":2,"role":"quasi","domain":["free","shared"],"missing":5,"values":[{"value":"free","rows":10}]}`
	if err != nil || string(b) != want {
		t.Fatalf("got %s, %v", b, err)
	}
}
