package runner

import (
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

// box is a container's two directories.
type box struct {
	t       *testing.T
	in, out string
}

func newBox(t *testing.T) *box {
	t.Helper()
	return &box{t, t.TempDir(), t.TempDir()}
}

// write puts a file below in.
func (b *box) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.in, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// move takes a file of another box's output in.
func (b *box) move(from *box, name, as string) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(from.out, name))
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(as, string(text))
}

// tryRun runs a letter.
func (b *box) tryRun(l task.Letter) (*task.Report, error) {
	b.t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(task.LetterFile, string(text))
	if err := Run(context.Background(), b.in, b.out); err != nil {
		if _, there := os.Stat(filepath.Join(b.out, task.ReportFile)); there == nil {
			b.t.Fatalf("an error and a report: %v", err)
		}
		return nil, err
	}
	r := new(task.Report)
	return r, readJSON(filepath.Join(b.out, task.ReportFile), 1<<30, r)
}

// run runs a letter that must succeed.
func (b *box) run(l task.Letter) *task.Report {
	b.t.Helper()
	r, err := b.tryRun(l)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// open opens an engine over both directories.
func (b *box) open() *sql.DB {
	b.t.Helper()
	db, err := openDuck(context.Background(), duckConfig{Read: b.in, Write: b.out})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return db
}

// exec runs statements in db.
func (b *box) exec(db *sql.DB, query string, args ...any) {
	b.t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

// table reads a query as lines of text.
func (b *box) table(db *sql.DB, query string, args ...any) []string {
	b.t.Helper()
	rows, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []string{strings.Join(cols, "|")}
	for rows.Next() {
		row, into := make([]any, len(cols)), make([]any, len(cols))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			b.t.Fatal(err)
		}
		var texts []string
		for _, v := range row {
			texts = append(texts, fmt.Sprint(v))
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return lines
}

func ptr(s string) *string { return &s }

// clinic is a small dataset with a protected unit.
func clinic() ([]task.Column, []task.Unit) {
	return []task.Column{
		{Name: "id", Type: task.Text, Level: 3, Role: task.Identifier},
		{Name: "name", Type: task.Text, Level: 3, Role: task.Identifier, Mask: task.MaskSurname},
		{Name: "phone", Type: task.Text, Level: 3, Role: task.Quasi, Mask: task.MaskPhone},
		{Name: "plan", Type: task.Text, Level: 1, Role: task.Other, Domain: []string{"free", "shared"}},
		{Name: "visits", Type: task.Integer, Level: 2, Role: task.Other, Min: ptr("0"), Max: ptr("99")},
		{Name: "score", Type: task.Number, Level: 2, Role: task.Other},
		{Name: "chronic", Type: task.Boolean, Level: 2, Role: task.Sensitive},
		{Name: "day", Type: task.Date, Level: 2, Role: task.Other},
	}, []task.Unit{{Kind: "resident", Column: "id"}}
}

const clinicHeader = "id,name,phone,plan,visits,score,chronic,day\n"

func ingestLetter(max int) task.Letter {
	cols, units := clinic()
	return task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Columns: cols, Units: units, MaxErrors: max}}
}

func TestIngestTypedPart(t *testing.T) {
	b := newBox(t)
	b.write(rawFile, "\ufeffplan,id,name,phone,visits,score,chronic,day\r\n"+
		"free,r1,张三丰,13812345678,3,1.5,true,2024-02-29\r\n"+
		"shared,r2,\"O\"\"Neil, \nT\",,,-0,false,\r\n")
	r := b.run(ingestLetter(10))
	want := &task.IngestReport{Rows: 2, Parts: []string{partFile}, Errors: []task.BadCell{}}
	if d := cmp.Diff(want, r.Ingest); d != "" {
		t.Fatalf("report (-want +got):\n%s", d)
	}
	got := b.table(b.open(), "SELECT *, typeof(visits) || typeof(score) || typeof(chronic) || typeof(day) AS types FROM read_parquet(?)",
		filepath.Join(b.out, partFile))
	lines := []string{"id|name|phone|plan|visits|score|chronic|day|types",
		"r1|张三丰|13812345678|free|3|1.5|true|2024-02-29 00:00:00 +0000 UTC|BIGINTDOUBLEBOOLEANDATE",
		"r2|O\"Neil, \nT|<nil>|shared|<nil>|0|false|<nil>|BIGINTDOUBLEBOOLEANDATE"}
	if d := cmp.Diff(lines, got); d != "" {
		t.Fatalf("part (-want +got):\n%s", d)
	}
}

// bad is a fault of one cell.
func bad(row, line int64, column, reason string) task.BadCell {
	return task.BadCell{Row: row, Line: line, Column: column, Reason: reason}
}

func TestIngestRefusals(t *testing.T) {
	good := "r1,n,p,free,1,1,true,2024-01-01\n"
	tests := map[string]struct {
		raw  string
		want []task.BadCell
	}{
		"empty file":       {"", []task.BadCell{{Reason: "file.empty"}}},
		"missing column":   {"id,name,phone,plan,visits,score,chronic\n", []task.BadCell{{Line: 1, Column: "day", Reason: "column.missing"}}},
		"unknown column":   {"id,name,phone,plan,visits,score,chronic,day,secret\n", []task.BadCell{{Line: 1, Column: "#9", Reason: "column.unknown"}}},
		"column twice":     {"id,name,phone,plan,visits,score,chronic,day,day\n", []task.BadCell{{Line: 1, Column: "day", Reason: "column.duplicate"}}},
		"too few cells":    {clinicHeader + "r1,n\n" + good, []task.BadCell{{Row: 1, Line: 2, Reason: "row.field_count"}}},
		"broken quote":     {clinicHeader + good + "r1,a\"b,p,free,1,1,true,2024-01-01\n", []task.BadCell{{Row: 2, Line: 3, Reason: "csv.quote"}}},
		"not an integer":   {clinicHeader + "r1,n,p,free,1.0,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "visits", "value.not_integer")}},
		"leading zero":     {clinicHeader + "r1,n,p,free,01,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "visits", "value.not_integer")}},
		"out of range":     {clinicHeader + "r1,n,p,free,9223372036854775808,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "visits", "value.not_integer")}},
		"below min":        {clinicHeader + "r1,n,p,free,-1,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "visits", "value.below_min")}},
		"above max":        {clinicHeader + "r1,n,p,free,100,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "visits", "value.above_max")}},
		"not finite":       {clinicHeader + "r1,n,p,free,1,1e999,true,2024-01-01\n", []task.BadCell{bad(1, 2, "score", "value.not_number")}},
		"infinite by name": {clinicHeader + "r1,n,p,free,1,inf,true,2024-01-01\n", []task.BadCell{bad(1, 2, "score", "value.not_number")}},
		"hexadecimal":      {clinicHeader + "r1,n,p,free,1,0x1p3,true,2024-01-01\n", []task.BadCell{bad(1, 2, "score", "value.not_number")}},
		"not a boolean":    {clinicHeader + "r1,n,p,free,1,1,TRUE,2024-01-01\n", []task.BadCell{bad(1, 2, "chronic", "value.not_boolean")}},
		"no such day":      {clinicHeader + "r1,n,p,free,1,1,true,2023-02-29\n", []task.BadCell{bad(1, 2, "day", "value.not_date")}},
		"outside domain":   {clinicHeader + "r1,n,p,gold,1,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "plan", "value.outside_domain")}},
		"no unit":          {clinicHeader + ",n,p,free,1,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "id", "value.empty")}},
		"no identifier":    {clinicHeader + "r1,,p,free,1,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "name", "value.empty")}},
		"not utf-8":        {clinicHeader + "r1,\xff,p,free,1,1,true,2024-01-01\n", []task.BadCell{{Line: 2, Reason: "file.encoding"}}},
		"a NUL":            {clinicHeader + "r1,a\x00b,p,free,1,1,true,2024-01-01\n", []task.BadCell{bad(1, 2, "name", "value.control")}},
		"two in one row":   {clinicHeader + good + "r1,n,p,free,x,1,true,y\n", []task.BadCell{bad(2, 3, "visits", "value.not_integer"), bad(2, 3, "day", "value.not_date")}},
		"quote never shut": {clinicHeader + "\"" + strings.Repeat("x\n", maxRecord), []task.BadCell{{Row: 1, Reason: "row.too_long"}}},
		"one long line":    {clinicHeader + strings.Repeat("x", 2*maxRecord), []task.BadCell{{Row: 1, Reason: "row.too_long"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.write(rawFile, tt.raw)
			r := b.run(ingestLetter(10)).Ingest
			if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: tt.want}, r); d != "" {
				t.Fatalf("report (-want +got):\n%s", d)
			}
			if _, err := os.Stat(filepath.Join(b.out, partFile)); err == nil {
				t.Fatal("a part was made of bad input")
			}
		})
	}
}

func TestIngestBoundsErrors(t *testing.T) {
	b := newBox(t)
	b.write(rawFile, clinicHeader+strings.Repeat("r1,n,p,free,x,1,true,2024-01-01\n", 5))
	r := b.run(ingestLetter(3)).Ingest
	if len(r.Errors) != 3 || !r.More || r.Rows != 0 {
		t.Fatalf("got %d errors, more %v, rows %d; want 3, true, 0", len(r.Errors), r.More, r.Rows)
	}
}

// The real data: 20,190 person-years, 6,308 of them without a visit.
func TestIngestRealData(t *testing.T) {
	b := newBox(t)
	b.write(rawFile, randhie(t))
	var cols []task.Column
	for _, name := range []string{"mdvis", "lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp"} {
		cols = append(cols, task.Column{Name: name, Type: task.Number, Role: task.Other})
	}
	r := b.run(task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Columns: cols, MaxErrors: 5}})
	if r.Ingest.Rows != 20190 {
		t.Fatalf("rows = %d, want 20190 (errors %v)", r.Ingest.Rows, r.Ingest.Errors)
	}
	got := b.table(b.open(), "SELECT count(*) FILTER (mdvis = 0) AS none, count(*) FILTER (hlthp = 1) AS poor FROM read_parquet(?)",
		filepath.Join(b.out, partFile))
	if d := cmp.Diff([]string{"none|poor", "6308|302"}, got); d != "" {
		t.Fatalf("counts (-want +got):\n%s", d)
	}
}

// randhie reads the demo's real data.
func randhie(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/randhie.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLetterIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown member": `{"verb":"preview","preview":{"input":"a","rows":1},"x":1}`,
		"unknown verb":   `{"verb":"shell"}`,
		"no member":      `{"verb":"preview"}`,
		"two members":    `{"verb":"preview","preview":{"input":"a","rows":1},"ingest":{}}`,
		"bytes after":    `{"verb":"preview","preview":{"input":"a","rows":1}}{}`,
		"not JSON":       `{`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.write(task.LetterFile, text)
			err := Run(context.Background(), b.in, b.out)
			if err == nil || !strings.Contains(err.Error(), "reading letter") {
				t.Fatalf("error = %v, want one about the letter", err)
			}
		})
	}
	b := newBox(t)
	b.write(task.LetterFile, `{"verb":"preview","preview":{"input":"a","rows":1}}`)
	err := RunAs(context.Background(), task.Stage, b.in, b.out)
	if err == nil || !strings.Contains(err.Error(), "its verb is not the container's") {
		t.Fatalf("error = %v, want one about the verb", err)
	}
}

// Names and paths of a letter stay below their directory, whatever the engine would refuse besides.
func TestPathsStayInside(t *testing.T) {
	for _, path := range []string{"../x", "/etc/passwd", "a/../../x", ""} {
		if _, err := localPath("/in", path); err == nil {
			t.Errorf("path %q is taken", path)
		}
	}
	for _, name := range []string{"", ".", "..", ".x", "a/b", `a\b`, "a\x00b", "\xff", strings.Repeat("a", 201)} {
		if _, err := tableFile("/in", name); err == nil {
			t.Errorf("name %q is taken", name)
		}
	}
}

func TestEngineIsLocked(t *testing.T) {
	b := newBox(t)
	elsewhere := filepath.Join(t.TempDir(), "x.parquet")
	db := b.open()
	for _, query := range []string{
		"SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')",
		"COPY (SELECT 1) TO " + quoteLiteral(elsewhere), "ATTACH " + quoteLiteral(elsewhere) + " AS x",
		"SET GLOBAL threads = 7", "SET enable_external_access = true", "RESET lock_configuration",
		"INSTALL httpfs", "LOAD httpfs", "SELECT * FROM glob('/etc/*')",
	} {
		if _, err := db.ExecContext(context.Background(), query); err == nil {
			t.Errorf("%s: allowed", query)
		}
	}
}
