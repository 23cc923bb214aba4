package runner

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/sluicedata/sluice/catalog/task"
)

// gbk encodes text as GB18030.
func gbk(t *testing.T, text string) string {
	t.Helper()
	s, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// zipped compresses each text as a gzip member of its own.
func zipped(t *testing.T, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// bookBytes is what excelize writes: it is the reader's independent counterpart.
func bookBytes(t *testing.T, f *excelize.File) string {
	t.Helper()
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// ingestAs ingests raw bytes of a source under the clinic's declaration.
func (b *box) ingestAs(raw string, s task.Source) *task.IngestReport {
	b.t.Helper()
	b.write(rawFile, raw)
	l := ingestLetter(10)
	l.Ingest.Source = s
	return b.run(l).Ingest
}

// randhieLetter declares the real table, with a unit and a text column put before its figures.
func randhieLetter(s task.Source) task.Letter {
	cols := []task.Column{{Name: "unit", Type: task.Text, Role: task.Identifier}, {Name: "place", Title: "区县", Type: task.Text, Role: task.Quasi},
		{Name: "day", Type: task.Date, Role: task.Other}, {Name: "free", Type: task.Boolean, Role: task.Other}, {Name: "year", Type: task.Integer, Role: task.Other}}
	for _, name := range strings.Split("mdvis,lncoins,idp,lpi,fmde,physlm,disea,hlthg,hlthf,hlthp", ",") {
		cols = append(cols, task.Column{Name: name, Type: task.Number, Role: task.Other})
	}
	return task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Source: s, Columns: cols, MaxErrors: 5,
		Units: []task.Unit{{Kind: "resident", Column: "unit"}}}}
}

// realTable is the demo's real table with Chinese text, days and whole numbers beside its figures.
func realTable(t *testing.T) (header []string, rows [][]string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(randhie(t)), "\n")
	header = append([]string{"unit", "区县", "day", "free", "year"}, strings.Split(strings.ReplaceAll(lines[0], "\"", ""), ",")...)
	for i, line := range lines[1:] {
		row := []string{fmt.Sprintf("R%06d", i/3), []string{"渝中区", "江北区", ""}[i%3], fmt.Sprintf("2024-%02d-%02d", i%12+1, i%28+1),
			strconv.FormatBool(i%2 == 0), strconv.Itoa(i % 7)}
		rows = append(rows, append(row, strings.Split(line, ",")...))
	}
	return header, rows
}

func csvOf(header []string, rows [][]string) string {
	var b strings.Builder
	for _, row := range append([][]string{header}, rows...) {
		b.WriteString(strings.Join(row, ",") + "\n")
	}
	return b.String()
}

// typedCells are the cells as a spreadsheet stores them.
func typedCells(t *testing.T, f *excelize.File, header []string, rows [][]string) [][]any {
	t.Helper()
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	out := [][]any{{}}
	for _, h := range header {
		out[0] = append(out[0], h)
	}
	for _, row := range rows {
		var cells []any
		for c, text := range row {
			switch {
			case c < 2:
				cells = append(cells, text)
			case c == 2:
				cells = append(cells, excelize.Cell{StyleID: day, Value: serialOf(t, text)})
			case c == 3:
				cells = append(cells, text == "true")
			default:
				v, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				cells = append(cells, v)
			}
		}
		out = append(out, cells)
	}
	return out
}

// serialOf counts the days since 1899-12-30 by a formula for the years 1901 to 2099, where the reader uses a
// calendar.
func serialOf(t *testing.T, day string) int {
	t.Helper()
	var y, m, d int
	if _, err := fmt.Sscanf(day, "%d-%d-%d", &y, &m, &d); err != nil {
		t.Fatal(err)
	}
	return 367*y - 7*(y+(m+9)/12)/4 + 275*m/9 + d - 694005
}

// Every form of one real table makes the same part, byte for byte.
func TestFormsMakeTheSamePart(t *testing.T) {
	header, rows := realTable(t)
	text := csvOf(header, rows)
	forms := map[string]struct {
		source task.Source
		raw    string
	}{
		"utf-8":         {task.Source{}, text},
		"utf-8, said":   {task.Source{Form: task.CSV, Encoding: "utf-8"}, text},
		"bom":           {task.Source{}, byteOrderMark + text},
		"crlf":          {task.Source{}, strings.ReplaceAll(text, "\n", "\r\n")},
		"gb18030":       {task.Source{}, gbk(t, text)},
		"gb18030, said": {task.Source{Encoding: "gb18030"}, gbk(t, text)},
		"gzip":          {task.Source{Gzip: true}, zipped(t, text)},
		"gzip of two":   {task.Source{}, zipped(t, text[:100_000], text[100_000:])},
		"gb18030 gzip":  {task.Source{}, zipped(t, gbk(t, text))},
		"xlsx":          {task.Source{Form: task.XLSX}, realSheet(t, header, rows)},
		"xlsx gzip":     {task.Source{Form: task.XLSX, Sheet: "数据"}, zipped(t, realSheet(t, header, rows))},
		"parquet":       {task.Source{Form: task.Parquet}, realParquet(t, text)},
		"parquet gzip":  {task.Source{Form: task.Parquet}, zipped(t, realParquet(t, text))},
	}
	want := ""
	for _, name := range append([]string{"utf-8"}, keysOf(forms)...) {
		b := newBox(t)
		b.write(rawFile, forms[name].raw)
		r := b.run(randhieLetter(forms[name].source)).Ingest
		if d := cmp.Diff(&task.IngestReport{Rows: 20190, Parts: []string{partFile}, Errors: []task.BadCell{}}, r); d != "" {
			t.Fatalf("%s: report (-want +got):\n%s", name, d)
		}
		sum, err := fileSHA256(filepath.Join(b.out, partFile))
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = sum
		}
		if sum != want {
			t.Errorf("%s: the part differs from that of UTF-8 CSV", name)
		}
	}
}

func keysOf[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func realSheet(t *testing.T, header []string, rows [][]string) string {
	t.Helper()
	f := excelize.NewFile()
	if err := f.SetSheetName("Sheet1", "数据"); err != nil {
		t.Fatal(err)
	}
	w, err := f.NewStreamWriter("数据")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range typedCells(t, f, header, rows) {
		if err := w.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return bookBytes(t, f)
}

// realParquet lets the engine's own CSV reader make the Parquet file.
func realParquet(t *testing.T, text string) string {
	t.Helper()
	b := newBox(t)
	b.write("t.csv", text)
	db := b.open()
	b.exec(db, "COPY (SELECT * FROM read_csv("+quoteLiteral(filepath.Join(b.in, "t.csv"))+
		", header = true, nullstr = '', types = {'day': 'DATE', 'free': 'BOOLEAN', 'year': 'INTEGER', 'mdvis': 'DOUBLE'})) TO "+
		quoteLiteral(filepath.Join(b.out, "t.parquet"))+" (FORMAT parquet)")
	raw, err := os.ReadFile(filepath.Join(b.out, "t.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEncodings(t *testing.T) {
	row := "r1,张三,p,free,1,1,true,2024-01-01\n"
	long := strings.Repeat(row, 2000) // past every buffer
	tests := map[string]struct {
		raw    string
		source task.Source
		want   []task.BadCell
	}{
		"utf-16, marked":          {"\xff\xfe" + "i\x00d\x00", task.Source{}, []task.BadCell{{Reason: "file.utf16"}}},
		"utf-16, big, marked":     {"\xfe\xff" + "\x00i\x00d", task.Source{}, []task.BadCell{{Reason: "file.utf16"}}},
		"utf-16, unmarked":        {"i\x00d\x00,\x00", task.Source{}, []task.BadCell{{Reason: "file.utf16"}}},
		"neither":                 {gbk(t, clinicHeader+long) + "r1,\xff\xff,p,free,1,1,true,2024-01-01\n", task.Source{}, []task.BadCell{{Line: 2002, Reason: "file.encoding"}}},
		"damaged utf-8":           {clinicHeader + long + "r1,\xd6\xd0,p,free,1,1,true,2024-01-01\n", task.Source{}, []task.BadCell{{Line: 2002, Reason: "file.encoding"}}},
		"mark against said":       {byteOrderMark + clinicHeader, task.Source{Encoding: "gb18030"}, []task.BadCell{{Line: 1, Reason: "file.encoding"}}},
		"said utf-8, bad cell":    {clinicHeader + row + "r2,\xd6\xd0,p,free,1,1,true,2024-01-01\n", task.Source{Encoding: "utf-8"}, []task.BadCell{bad(2, 3, "name", "utf8.invalid")}},
		"said gb18030, bad cell":  {gbk(t, clinicHeader+row) + "r2,\xff,p,free,1,1,true,2024-01-01\n", task.Source{Encoding: "gb18030"}, []task.BadCell{bad(2, 3, "name", "gb18030.invalid")}},
		"bad bytes in a number":   {gbk(t, clinicHeader) + "r2,n,p,free,\xff,1,true,2024-01-01\n", task.Source{Encoding: "gb18030"}, []task.BadCell{bad(1, 2, "visits", "gb18030.invalid")}},
		"lead byte before comma":  {gbk(t, clinicHeader) + "r2,\x81,p,free,1,1,true,2024-01-01\n", task.Source{Encoding: "gb18030"}, []task.BadCell{bad(1, 2, "name", "gb18030.invalid")}},
		"bytes of another form":   {"PK\x03\x04rest", task.Source{}, []task.BadCell{{Reason: "file.form"}}},
		"old spreadsheet":         {"\xd0\xcf\x11\xe0rest", task.Source{Form: task.XLSX}, []task.BadCell{{Reason: "file.xls"}}},
		"csv said to be xlsx":     {clinicHeader + row, task.Source{Form: task.XLSX}, []task.BadCell{{Reason: "file.xlsx"}}},
		"csv said to be parquet":  {clinicHeader + row, task.Source{Form: task.Parquet}, []task.BadCell{{Reason: "file.parquet"}}},
		"said gzip":               {clinicHeader + row, task.Source{Gzip: true}, []task.BadCell{{Reason: "file.gzip"}}},
		"gzip cut":                {zipped(t, clinicHeader+long)[:300], task.Source{}, []task.BadCell{{Reason: "file.gzip"}}},
		"gzip, wrong checksum":    {flip(zipped(t, clinicHeader+row), -6), task.Source{}, []task.BadCell{{Reason: "file.gzip"}}},
		"gzip, bytes after":       {zipped(t, clinicHeader+row) + "rest", task.Source{}, []task.BadCell{{Reason: "file.gzip"}}},
		"gzip of nothing":         {zipped(t, ""), task.Source{}, []task.BadCell{{Reason: "file.empty"}}},
		"gzip head only":          {"\x1f\x8b", task.Source{}, []task.BadCell{{Reason: "file.gzip"}}},
		"line ends mixed":         {clinicHeader + "r1,n,p,free,1,1,true,2024-01-01\r\nr2,a\rb,p,free,1,1,true,2024-01-01\n", task.Source{}, []task.BadCell{bad(2, 3, "name", "value.control")}},
		"difference, all at once": {"id,name,name,phone,plan,visits,score,extra,day,more\n", task.Source{}, []task.BadCell{{Line: 1, Column: "name", Reason: "column.duplicate"}, {Line: 1, Column: "#8", Reason: "column.unknown"}, {Line: 1, Column: "#10", Reason: "column.unknown"}, {Line: 1, Column: "chronic", Reason: "column.missing"}}},
		"a column too many":       {strings.Repeat("x,", 2000) + "\n", task.Source{}, []task.BadCell{{Reason: "columns.too_many"}}},
		"a million columns":       {strings.Repeat(",", 1_000_000) + "\n", task.Source{}, []task.BadCell{{Reason: "columns.too_many"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			r := b.ingestAs(tt.raw, tt.source)
			if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: tt.want}, r); d != "" {
				t.Fatalf("report (-want +got):\n%s", d)
			}
			if _, err := os.Stat(filepath.Join(b.out, partFile)); err == nil {
				t.Fatal("a part was made of bad input")
			}
		})
	}
}

// flip changes one bit at a place counted from the end.
func flip(s string, at int) string {
	b := []byte(s)
	b[len(b)+at] ^= 1
	return string(b)
}

func TestUnknownWordsOfALetter(t *testing.T) {
	for name, s := range map[string]task.Source{
		"encoding": {Encoding: "latin1"}, "form": {Form: "xml"}, "encoding of parquet": {Form: task.Parquet, Encoding: "utf-8"},
	} {
		b := newBox(t)
		b.write(rawFile, "PAR1")
		l := ingestLetter(1)
		l.Ingest.Source = s
		if name != "encoding of parquet" {
			b = newBox(t)
			b.write(rawFile, clinicHeader)
		}
		if _, err := b.tryRun(l); err == nil || !strings.Contains(err.Error(), "reading letter") {
			t.Errorf("%s: error = %v, want one about the letter", name, err)
		}
	}
}

// A title stands for its column: a header may be of any script, a column's name not.
func TestHeaderByTitle(t *testing.T) {
	b := newBox(t)
	b.write(rawFile, gbk(t, "编号,就诊次数\nr1,3\n"))
	r := b.run(task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{MaxErrors: 1, Columns: []task.Column{
		{Name: "visits", Title: "就诊次数", Type: task.Integer}, {Name: "id", Title: "编号", Type: task.Text},
	}}})
	if r.Ingest.Rows != 1 {
		t.Fatalf("report = %+v, want a row", r.Ingest)
	}
	got := b.table(b.open(), "SELECT * FROM read_parquet(?)", filepath.Join(b.out, partFile))
	if d := cmp.Diff([]string{"visits|id", "3|r1"}, got); d != "" {
		t.Fatalf("part (-want +got):\n%s", d)
	}
}
