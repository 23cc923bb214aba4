package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

// key is a 32-byte key made of one letter.
func key(b byte) []byte { return []byte(strings.Repeat(string(rune(b)), keyBytes)) }

// parts ingests two parts of a clinic into in/visits/ of a new box: 30 residents, resident i with i%3+1 rows.
func parts(t *testing.T) *box {
	t.Helper()
	b := newBox(t)
	n := 0
	for part, from := range []int{0, 15} {
		var csv strings.Builder
		csv.WriteString(clinicHeader)
		for i := from; i < from+15; i++ {
			for j := range i%3 + 1 {
				n++
				fmt.Fprintf(&csv, "r%02d,王小%02d,138%08d,%s,%d,%g,%v,2024-01-%02d\n",
					i, i, i, []string{"free", "shared"}[i%2], j, float64(i)/2, i%5 == 0, i%28+1)
			}
		}
		source := newBox(t)
		source.write(rawFile, csv.String())
		if r := source.run(ingestLetter(5)); len(r.Ingest.Errors) > 0 {
			t.Fatalf("errors %v", r.Ingest.Errors)
		}
		b.move(source, partFile, fmt.Sprintf("visits/part-%04d.parquet", part+1))
	}
	return b
}

// visitsInput is the whole scope of a clinic but for the identifier.
func visitsInput() task.StageInput {
	cols, units := clinic()
	return task.StageInput{
		Scope:   task.Scope{Input: "visits", Columns: cols[1:], Units: units},
		UnitKey: key('u'), Parts: []string{"visits/part-0001.parquet", "visits/part-0002.parquet"},
	}
}

func stageLetter(inputs ...task.StageInput) task.Letter {
	return task.Letter{Verb: task.Stage, Stage: &task.StageLetter{Inputs: inputs, TokenKey: key('t')}}
}

// token computes what stage must put in place of an identifier.
func token(key []byte, kind, id string) string {
	h := sha256.Sum256([]byte(string(key) + kind + "\x00" + id + string(key)))
	s := hex.EncodeToString(h[:16])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func TestStageCutsToScope(t *testing.T) {
	b := parts(t)
	in := visitsInput()
	in.Rows = []task.RowFilter{{Column: "plan", In: []string{"free", "x'); --"}}, {Column: "visits", In: []string{"0", "1"}}}
	r := b.run(stageLetter(in)).Stage
	got := r.Inputs[0]
	if got.Input != "visits" || got.File != "visits.parquet" || got.Units != 15 || got.Rows != 25 || len(got.SHA256) != 64 {
		t.Fatalf("staged %+v, want 15 units, 25 rows", got)
	}
	db := b.open()
	staged := filepath.Join(b.out, "visits.parquet")
	lines := b.table(db, "SELECT * REPLACE (CAST(resident AS VARCHAR) AS resident, CAST(day AS VARCHAR) AS day) FROM read_parquet(?)", staged)
	if want := "resident|name|phone|plan|visits|score|chronic|day|_ordinal"; lines[0] != want {
		t.Fatalf("columns %s, want %s", lines[0], want)
	}
	line := token(key('t'), "resident", "r16") + "|王***|138****0016|free|1|8|false|2024-01-17|33"
	if strings.Count(strings.Join(lines, "\n"), line) != 1 {
		t.Fatalf("no line %q in\n%s", line, strings.Join(lines, "\n"))
	}
	n := b.table(db, `SELECT count(*) FROM (SELECT *, row_number() OVER () AS place, row_number() OVER (ORDER BY resident, _ordinal)
		AS want FROM read_parquet(?)) WHERE place <> want`, staged)
	if n[1] != "0" {
		t.Fatalf("%s rows are not sorted by token and ordinal", n[1])
	}
	units := b.table(db, "SELECT kind, CAST(token AS VARCHAR), CAST(unit AS VARCHAR) FROM read_parquet(?)", filepath.Join(b.out, unitsFile))
	want := "resident|" + token(key('t'), "resident", "r16") + "|" + token(key('u'), "resident", "r16")
	if len(units) != 16 || strings.Count(strings.Join(units, "\n"), want) != 1 {
		t.Fatalf("units %v, want 15 with %s", units, want)
	}
}

func TestStageFilters(t *testing.T) {
	for name, tt := range map[string]struct {
		rows []task.RowFilter
		want int64
	}{
		"none":             {nil, 60},
		"empty list":       {[]task.RowFilter{{Column: "plan", In: nil}}, 0},
		"nothing matches":  {[]task.RowFilter{{Column: "plan", In: []string{"' OR 1=1 --"}}}, 0},
		"a number as text": {[]task.RowFilter{{Column: "score", In: []string{"8"}}}, 2},
		"a day":            {[]task.RowFilter{{Column: "day", In: []string{"2024-01-17"}}}, 2},
		"a boolean":        {[]task.RowFilter{{Column: "chronic", In: []string{"true"}}}, 12},
		"outside scope":    {[]task.RowFilter{{Column: "id", In: []string{"r16"}}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := parts(t)
			in := visitsInput()
			in.Rows = tt.rows
			if got := b.run(stageLetter(in)).Stage.Inputs[0].Rows; got != tt.want {
				t.Fatalf("rows = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestStageRefusals(t *testing.T) {
	for name, change := range map[string]func(l *task.StageLetter){
		"a dropped column":     func(l *task.StageLetter) { l.Inputs[0].Columns[1].Mask = task.MaskDrop },
		"an unknown mask":      func(l *task.StageLetter) { l.Inputs[0].Columns[1].Mask = "blur" },
		"a mask on a number":   func(l *task.StageLetter) { l.Inputs[0].Columns[3].Mask = task.MaskPhone },
		"an unknown type":      func(l *task.StageLetter) { l.Inputs[0].Columns[1].Type = "blob" },
		"an unknown column":    func(l *task.StageLetter) { l.Inputs[0].Columns[1].Name = "x" },
		"a column twice":       func(l *task.StageLetter) { l.Inputs[0].Columns[1].Name = "plan" },
		"the ordinal's name":   func(l *task.StageLetter) { l.Inputs[0].Columns[1].Name = ordinalColumn },
		"a part elsewhere":     func(l *task.StageLetter) { l.Inputs[0].Parts[0] = "../visits/part-0001.parquet" },
		"an absolute part":     func(l *task.StageLetter) { l.Inputs[0].Parts[0] = "/etc/passwd" },
		"no part":              func(l *task.StageLetter) { l.Inputs[0].Parts = nil },
		"a name with a path":   func(l *task.StageLetter) { l.Inputs[0].Input = "../x" },
		"the name of units":    func(l *task.StageLetter) { l.Inputs[0].Input = "units" },
		"a short token key":    func(l *task.StageLetter) { l.TokenKey = l.TokenKey[1:] },
		"a short unit key":     func(l *task.StageLetter) { l.Inputs[0].UnitKey = nil },
		"an unknown row scope": func(l *task.StageLetter) { l.Inputs[0].Rows = []task.RowFilter{{Column: "x", In: []string{"1"}}} },
	} {
		t.Run(name, func(t *testing.T) {
			b := parts(t)
			in := visitsInput()
			in.Columns = append([]task.Column{}, in.Columns...)
			l := stageLetter(in)
			change(l.Stage)
			if r, err := b.tryRun(l); err == nil {
				t.Fatalf("staged %+v", r.Stage)
			}
		})
	}
}

func TestPreview(t *testing.T) {
	b := parts(t)
	in := visitsInput()
	in.Rows = []task.RowFilter{{Column: "id", In: []string{"r16"}}}
	b.run(stageLetter(in))
	p := newBox(t)
	p.move(b, "visits.parquet", "visits.parquet")
	r := p.run(task.Letter{Verb: task.Preview, Preview: &task.PreviewLetter{Input: "visits", Rows: 1}})
	var got task.PreviewTable
	if err := readJSON(filepath.Join(p.out, previewFile), 1<<20, &got); err != nil {
		t.Fatal(err)
	}
	want := task.PreviewTable{
		Columns: []string{"resident", "name", "phone", "plan", "visits", "score", "chronic", "day"},
		Rows:    [][]string{{token(key('t'), "resident", "r16"), "王***", "138****0016", "free", "0", "8", "false", "2024-01-17"}},
	}
	if d := cmp.Diff(want, got); d != "" || r.Preview.Rows != 1 {
		t.Fatalf("preview (-want +got):\n%s", d)
	}
}

// profiled makes the profile of a clinic, with columns changed by the test.
func profiled(t *testing.T, minUnits int, changes ...func(c []task.Column)) (*box, task.TableProfile) {
	t.Helper()
	from := parts(t)
	b := newBox(t)
	for _, name := range []string{"part-0001.parquet", "part-0002.parquet"} {
		text, err := os.ReadFile(filepath.Join(from.in, "visits", name))
		if err != nil {
			t.Fatal(err)
		}
		b.write(name, string(text))
	}
	cols, units := clinic()
	for _, change := range changes {
		change(cols)
	}
	b.run(task.Letter{Verb: task.Profile, Profile: &task.ProfileLetter{
		Columns: cols, Units: units, MinUnits: minUnits, RoundTo: 5}})
	var p task.TableProfile
	if err := readJSON(filepath.Join(b.out, profileFile), 1<<20, &p); err != nil {
		t.Fatal(err)
	}
	return b, p
}

func TestProfileShowsNoPerson(t *testing.T) {
	_, p := profiled(t, 10)
	if d := cmp.Diff([]task.UnitProfile{{Kind: "resident", Column: "id", Count: 30, RowsPer: 3}}, p.Units); d != "" || p.Rows != 60 {
		t.Fatalf("rows %d, units (-want +got):\n%s", p.Rows, d)
	}
	got := map[string][]task.ValueFreq{}
	for _, c := range p.Columns {
		got[c.Name] = c.Values
	}
	want := map[string][]task.ValueFreq{
		"id": nil, "name": nil, "phone": nil, "score": nil, "day": nil,
		"plan":    {{Value: "free", Rows: 30}, {Value: "shared", Rows: 30}},
		"visits":  {{Value: "0", Rows: 30}, {Value: "1", Rows: 20}, {Value: "2", Rows: 10}},
		"chronic": {{Value: "false", Rows: 50}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("shown values (-want +got):\n%s", d)
	}
	// What is an identifier or masked is not shown however many hold it.
	for _, change := range []func(c []task.Column){
		func(c []task.Column) { c[3].Role = task.Identifier },
		func(c []task.Column) { c[3].Mask = task.MaskSurname },
	} {
		if _, p := profiled(t, 10, change); p.Columns[3].Values != nil {
			t.Fatalf("values of an identifier or masked column: %+v", p.Columns[3])
		}
	}
	// Ten residents have 3 rows, twenty have at least 2.
	if _, p := profiled(t, 11); p.Units[0].RowsPer != 2 {
		t.Fatalf("rows of a unit = %d, want 2", p.Units[0].RowsPer)
	}
	if _, p := profiled(t, 31); p.Units[0].Count != 0 || p.Units[0].RowsPer != 0 {
		t.Fatalf("30 units shown under a threshold of 31: %+v", p.Units[0])
	}
}

// synthBox makes a synth letter over two inputs of one dataset.
func synthBox(t *testing.T, seed byte) (*box, task.Letter) {
	t.Helper()
	from, _ := profiled(t, 10)
	b := newBox(t)
	b.move(from, profileFile, "visits/profile.json")
	b.move(from, profileFile, "people/profile.json")
	cols, units := clinic()
	scope := func(name string) task.Scope { return task.Scope{Input: name, Columns: cols, Units: units} }
	return b, task.Letter{Verb: task.Synth, Synth: &task.SynthLetter{Seed: key(seed), Rows: 50, Inputs: []task.SynthInput{
		{Scope: scope("visits"), Dataset: "d"}, {Scope: scope("people"), Dataset: "d"}}}}
}

func TestSynthMakesStagedTables(t *testing.T) {
	b, l := synthBox(t, 'a')
	r := b.run(l).Synth
	if len(r.Inputs) != 2 || r.Inputs[0].Rows != 50 || r.Inputs[0].Units < 16 {
		t.Fatalf("report %+v, want 50 rows", r.Inputs)
	}
	db := b.open()
	visits, people := filepath.Join(b.out, "visits.parquet"), filepath.Join(b.out, "people.parquet")
	got := b.table(db, `SELECT count(*) FILTER (plan NOT IN ('free', 'shared')) AS plan, count(*) FILTER (visits NOT BETWEEN 0 AND 2)
		AS visits, count(*) FILTER (NOT starts_with(id, 'synthetic-id-')) AS id, count(*) FILTER (name NOT LIKE 's**%') AS name,
		count(*) FILTER (phone NOT LIKE '000****%') AS phone FROM read_parquet(?)`, visits)
	if d := cmp.Diff([]string{"plan|visits|id|name|phone", "0|0|0|0|0"}, got); d != "" {
		t.Fatalf("values out of the profile (-want +got):\n%s", d)
	}
	joined := b.table(db, `SELECT count(DISTINCT v.resident) >= 10 AS shared, (SELECT max(n) <= 3 FROM (SELECT count(*) AS n
		FROM read_parquet(?) GROUP BY resident)) AS few, bool_and(u.unit = u.token) AS units FROM read_parquet(?) v
		JOIN read_parquet(?) p USING (resident) JOIN read_parquet(?) u ON u.token = v.resident`,
		visits, visits, people, filepath.Join(b.out, unitsFile))
	if d := cmp.Diff([]string{"shared|few|units", "true|true|true"}, joined); d != "" {
		t.Fatalf("join (-want +got):\n%s", d)
	}
	again, same := synthBox(t, 'a')
	if d := cmp.Diff(r, again.run(same).Synth); d != "" {
		t.Fatalf("the same seed gave other tables:\n%s", d)
	}
	other, another := synthBox(t, 'b')
	if cmp.Equal(r, other.run(another).Synth) {
		t.Fatal("another seed gave the same tables")
	}
}

func TestSynthKeepsRowScope(t *testing.T) {
	b, l := synthBox(t, 'a')
	l.Synth.Inputs[0].Rows = []task.RowFilter{{Column: "plan", In: []string{"free"}}}
	l.Synth.Inputs[1].Rows = []task.RowFilter{{Column: "plan", In: []string{}}}
	r := b.run(l).Synth
	got := b.table(b.open(), "SELECT DISTINCT plan FROM read_parquet(?)", filepath.Join(b.out, "visits.parquet"))
	if d := cmp.Diff([]string{"plan", "free"}, got); d != "" || r.Inputs[1].Rows != 0 {
		t.Fatalf("rows of an empty list %d, plans (-want +got):\n%s", r.Inputs[1].Rows, d)
	}
}

// Declared ranges bound invented values, whatever ends are open.
func TestInventStaysInRange(t *testing.T) {
	low, high := "-9223372036854775808", "9223372036854775807"
	l := task.SynthLetter{Seed: []byte("s"), Inputs: []task.SynthInput{{Scope: task.Scope{Columns: []task.Column{
		{Name: "a", Type: task.Integer, Min: ptr("5"), Max: ptr("6")}, {Name: "b", Type: task.Integer, Min: &low, Max: &high},
		{Name: "c", Type: task.Integer, Max: &low}, {Name: "d", Type: task.Integer, Min: &high},
		{Name: "e", Type: task.Date, Min: ptr("2024-01-01"), Max: ptr("2024-01-01")}, {Name: "f", Type: task.Number, Min: ptr("7")},
	}}}}}
	ds, err := drawers(l.Inputs[0].Scope, task.TableProfile{})
	if err != nil {
		t.Fatal(err)
	}
	r := (&inventor{letter: &l}).random("test")
	for range 100 {
		for i := range ds {
			v := ds[i].draw(r, 0)
			if ds[i].min != nil && compareValues(v, ds[i].min) < 0 || ds[i].max != nil && compareValues(v, ds[i].max) > 0 {
				t.Fatalf("column %s: %v is out of range", ds[i].column.Name, v)
			}
		}
	}
}

// A row whose unit is missing would be nobody's, and nobody could be protected.
func TestStageRefusesRowsOfNobody(t *testing.T) {
	b := parts(t)
	db, err := openDuck(t.Context(), duckConfig{Read: b.in, Write: b.in})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	part := filepath.Join(b.in, "visits", "part-0001.parquet")
	b.exec(db, "COPY (SELECT * REPLACE (NULLIF(id, 'r01') AS id) FROM read_parquet(?)) TO "+
		quoteLiteral(filepath.Join(b.in, "visits", "part-0003.parquet"))+" (FORMAT parquet)", part)
	in := visitsInput()
	in.Parts = []string{"visits/part-0003.parquet"}
	if r, err := b.tryRun(stageLetter(in)); err == nil {
		t.Fatalf("staged %+v", r.Stage)
	}
}
