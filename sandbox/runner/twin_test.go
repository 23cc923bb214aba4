package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

// twinOf parses rows of a clinic and puts them beside the real parts.
func twinOf(t *testing.T, rows string, changes ...func(c []task.Column)) (*box, task.Letter) {
	t.Helper()
	sent := newBox(t)
	sent.write(rawFile, clinicHeader+rows)
	if r := sent.run(ingestLetter(10)).Ingest; len(r.Parts) != 1 {
		t.Fatalf("the twin does not parse: %+v", r.Errors)
	}
	from, b := parts(t), newBox(t)
	for _, name := range []string{"part-0001.parquet", "part-0002.parquet"} {
		text, err := os.ReadFile(filepath.Join(from.in, "visits", name))
		if err != nil {
			t.Fatal(err)
		}
		b.write(name, string(text))
	}
	b.move(sent, partFile, twinFile)
	cols, units := clinic()
	for _, change := range changes {
		change(cols)
	}
	return b, task.Letter{Verb: task.Twin, Twin: &task.TwinLetter{Columns: cols, Units: units, MinUnits: 10, MaxErrors: 3}}
}

// inventedRows are rows of people nobody knows.
func inventedRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%02d,甲%d,199%08d,free,%d,1.5,true,2024-02-%02d\n", i, i, i, i%3, 1+i%28)
	}
	return b.String()
}

// unit and row are faults of one kind each.
func unit(row int64) task.BadCell {
	return task.BadCell{Row: row, Column: "id", Reason: task.UnitShared}
}

func row(row int64) task.BadCell { return task.BadCell{Row: row, Reason: task.RowEqual} }

func TestTwinIsCompared(t *testing.T) {
	real := strings.Split(strings.TrimSpace(realRows(t)), "\n")
	renamed := func(line string) string { return "x" + line }
	tests := map[string]struct {
		rows string
		want task.TwinReport
	}{
		"invented":           {inventedRows(20), task.TwinReport{Rows: 20}},
		"a real person":      {inventedRows(2) + strings.Replace(inventedRows(1), "t00", "r07", 1), task.TwinReport{Rows: 3, Shared: 1, Errors: []task.BadCell{unit(3)}}},
		"in other clothes":   {strings.Replace(inventedRows(1), "t00", " R-07.", 1), task.TwinReport{Rows: 1, Shared: 1, Errors: []task.BadCell{unit(1)}}},
		"a renamed person":   {inventedRows(1) + renamed(real[5]) + "\n", task.TwinReport{Rows: 2, Equal: 1, Errors: []task.BadCell{row(2)}}},
		"a copy of the data": {strings.Join(real[:5], "\n") + "\n", task.TwinReport{Rows: 5, Shared: 5, Equal: 5, Errors: []task.BadCell{unit(1), unit(2), unit(3), row(1), row(2), row(3)}, More: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, l := twinOf(t, tt.rows)
			if tt.want.Errors == nil {
				tt.want.Errors = []task.BadCell{}
			}
			if d := cmp.Diff(&tt.want, b.run(l).Twin); d != "" {
				t.Fatalf("report (-want +got):\n%s", d)
			}
		})
	}
}

// realRows are the rows of the clinic's parts as text.
func realRows(t *testing.T) string {
	t.Helper()
	from := parts(t)
	var b strings.Builder
	for _, line := range from.table(from.open(), "SELECT id || ',' || name || ',' || phone || ',' || plan || ',' || visits || ',' || "+
		"score || ',' || chronic || ',' || day FROM read_parquet(?) ORDER BY ALL", filepath.Join(from.in, "visits", "part-*.parquet"))[1:] {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// What many hold is nobody's: a twin may show it, as a profile does. Under a larger threshold it may not.
func TestTwinMaySayWhatManyHold(t *testing.T) {
	common := func(c []task.Column) { c[2].Role = task.Other } // chronic alone is left to compare: false is most people's
	rows := strings.ReplaceAll(inventedRows(4), "true", "false")
	b, l := twinOf(t, rows, common)
	if r := b.run(l).Twin; r.Equal != 0 {
		t.Fatalf("%d rows equal what many hold", r.Equal)
	}
	b, l = twinOf(t, rows, common)
	l.Twin.MinUnits = 1000
	if r := b.run(l).Twin; r.Equal != 4 {
		t.Fatalf("%d rows equal what fewer hold, want 4", r.Equal)
	}
}

// A version that declares nothing as telling is compared on all but its units' columns, empty values among them.
func TestTwinOfPlainColumns(t *testing.T) {
	plain := func(c []task.Column) {
		for i := range c[1:] {
			c[i+1].Role = task.Other
		}
	}
	line := strings.Split(realRows(t), "\n")[5]
	b, l := twinOf(t, "x"+line+"\n"+"y"+strings.Replace(line, "free", "shared", 1)+"\n", plain)
	r := b.run(l).Twin
	if r.Equal != 1 || r.Shared != 0 {
		t.Fatalf("%+v, want the whole row found and no other", r)
	}
}

func TestTwinNeedsWhatItComparesWith(t *testing.T) {
	for name, spoil := range map[string]func(b *box, l *task.TwinLetter){
		"no threshold": func(_ *box, l *task.TwinLetter) { l.MinUnits = 0 },
		"no columns":   func(_ *box, l *task.TwinLetter) { l.Columns = nil },
		"no twin":      func(b *box, _ *task.TwinLetter) { b.remove(twinFile) },
		"no parts": func(b *box, _ *task.TwinLetter) {
			b.remove("part-0001.parquet")
			b.remove("part-0002.parquet")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, l := twinOf(t, inventedRows(1))
			spoil(b, l.Twin)
			if r, err := b.tryRun(l); err == nil {
				t.Fatalf("compared %+v", r.Twin)
			}
		})
	}
}

func (b *box) remove(name string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.in, name)); err != nil {
		b.t.Fatal(err)
	}
}

// A twin is cut as real rows are, beside a table that is invented: columns, rows, masks, tokens.
func TestSynthCutsTwins(t *testing.T) {
	b, l := synthBox(t, 'a')
	sent := newBox(t)
	sent.write(rawFile, clinicHeader+inventedRows(40)+strings.Replace(inventedRows(1), "free", "shared", 1))
	sent.run(ingestLetter(10))
	b.move(sent, partFile, "visits/"+partFile)
	in := &l.Synth.Inputs[0]
	in.Twin, in.Columns = []string{"visits/" + partFile}, in.Columns[1:4] // name, phone, plan
	in.Rows = []task.RowFilter{{Column: "plan", In: []string{"shared"}}}
	if r, err := b.tryRun(l); err == nil {
		t.Fatalf("cut without a key: %+v", r.Synth)
	}
	l.Synth.TokenKey = key('t')
	r := b.run(l).Synth
	if r.Inputs[0].Rows != 1 || r.Inputs[0].Units != 1 || r.Inputs[1].Rows != 50 {
		t.Fatalf("report %+v, want one row of the twin and 50 invented ones", r.Inputs)
	}
	got := b.table(b.open(), "SELECT * REPLACE (resident::VARCHAR AS resident) FROM read_parquet(?)", filepath.Join(b.out, "visits.parquet"))
	want := []string{"resident|name|phone|plan|_ordinal", token(key('t'), "resident", "t00") + "|甲*|199****0000|shared|41"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("the staged twin (-want +got):\n%s", d)
	}
	units := b.table(b.open(), "SELECT count(*) AS n FROM read_parquet(?) WHERE token = ?", filepath.Join(b.out, unitsFile), token(key('t'), "resident", "t00"))
	if d := cmp.Diff([]string{"n", "1"}, units); d != "" {
		t.Fatalf("the twin's units (-want +got):\n%s", d)
	}
}
