package runner

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

const clinicNames = "id,name,phone,plan,visits,score,chronic,day"

// clinicRow is a good row of the clinic as cells.
func clinicRow() []any {
	return []any{"r1", "张三", "13812345678", "free", 3, 1.5, true, "2024-02-29"}
}

// book builds a workbook by changing a good one.
func book(t *testing.T, change func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	var head []any
	for _, name := range strings.Split(clinicNames, ",") {
		head = append(head, name)
	}
	for i, row := range [][]any{head, clinicRow(), clinicRow()} {
		if err := f.SetSheetRow("Sheet1", "A"+strconv.Itoa(i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	change(f)
	return bookBytes(t, f)
}

// must ends a test on an error.
func must(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSheetCells(t *testing.T) {
	ok := must(t)
	set := func(cell string, v any) func(*excelize.File) {
		return func(f *excelize.File) { ok(f.SetCellValue("Sheet1", cell, v)) }
	}
	tests := map[string]struct {
		change func(f *excelize.File)
		want   []task.BadCell // nil: the part has the row below
		row    string
	}{
		"as it is":        {func(*excelize.File) {}, nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"phone as number": {set("C3", 13812345678), nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"id as number":    {set("A3", int64(500101199003071234)), []task.BadCell{bad(2, 3, "id", "value.precision_lost")}, ""},
		"id rounded":      {set("A3", 5.0010119900307e17), nil, "500101199003070000|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"fraction":        {set("E3", 3.5), []task.BadCell{bad(2, 3, "visits", "value.not_integer")}, ""},
		"number as text":  {set("E3", "4"), nil, "r1|张三|13812345678|free|4|1.5|true|2024-02-29"},
		"1 is not true":   {set("G3", 1), []task.BadCell{bad(2, 3, "chronic", "value.not_boolean")}, ""},
		"day as number":   {set("H3", 45351), []task.BadCell{bad(2, 3, "day", "value.not_date")}, ""},
		"day as date":     {dated(ok, "H3", 45351, "yyyy\"年\"m\"月\""), nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"day with time":   {dated(ok, "H3", 45351.5, "yyyy-mm-dd hh:mm"), []task.BadCell{bad(2, 3, "day", "value.not_date")}, ""},
		"a day never was": {dated(ok, "H3", 60, "yyyy-mm-dd"), []task.BadCell{bad(2, 3, "day", "value.not_date")}, ""},
		"before that day": {dated(ok, "H3", 59, "yyyy-mm-dd"), nil, "r1|张三|13812345678|free|3|1.5|true|1900-02-28"},
		"red is no day":   {dated(ok, "E3", 5, "[Red]0.00"), nil, "r1|张三|13812345678|free|5|1.5|true|2024-02-29"},
		"scientific":      {dated(ok, "E3", 5, "0.00E+00"), nil, "r1|张三|13812345678|free|5|1.5|true|2024-02-29"},
		"1904": {func(f *excelize.File) {
			ok(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: yes()}))
			dated(ok, "H3", 43889, "yyyy-mm-dd")(f)
		}, nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"formula, computed": {formula(ok, "E3", "1+3", 4), nil, "r1|张三|13812345678|free|4|1.5|true|2024-02-29"},
		"formula, not": {func(f *excelize.File) {
			ok(f.SetCellFormula("Sheet1", "E3", "1+3"))
			ok(f.SetCellValue("Sheet1", "E4", nil))
		}, nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"rich text": {func(f *excelize.File) {
			ok(f.SetCellRichText("Sheet1", "B3", []excelize.RichTextRun{{Text: "张"}, {Text: "三_x0041_"}}))
		}, nil, "r1|张三_x0041_|13812345678|free|3|1.5|true|2024-02-29"},
		"blank rows after": {set("A9", ""), nil, "r1|张三|13812345678|free|3|1.5|true|2024-02-29"},
		"second table":     {set("A6", "total"), []task.BadCell{{Line: 6, Reason: "sheet.second_table"}}, ""},
		"beside the table": {set("K3", "note"), []task.BadCell{{Row: 2, Line: 3, Reason: "row.field_count"}}, ""},
		"table beside":     {set("K1", "note"), []task.BadCell{{Line: 1, Column: "#9", Reason: "column.unknown"}, {Line: 1, Column: "#10", Reason: "column.unknown"}, {Line: 1, Column: "#11", Reason: "column.unknown"}}, ""},
		"merged cells":     {func(f *excelize.File) { ok(f.MergeCell("Sheet1", "D2", "D3")) }, []task.BadCell{{Line: 2, Column: "#4", Reason: "cell.merged"}}, ""},
		"merged header":    {func(f *excelize.File) { ok(f.MergeCell("Sheet1", "A1", "B1")) }, []task.BadCell{{Line: 1, Column: "#2", Reason: "column.unknown"}, {Line: 1, Column: "name", Reason: "column.missing"}, {Line: 1, Column: "#1", Reason: "header.merged"}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			r := b.ingestAs(book(t, tt.change), task.Source{Form: task.XLSX})
			if tt.want != nil {
				if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: tt.want}, r); d != "" {
					t.Fatalf("report (-want +got):\n%s", d)
				}
				return
			}
			if len(r.Errors) > 0 {
				t.Fatalf("errors = %v", r.Errors)
			}
			got := b.table(b.open(), "SELECT concat_ws('|', id, name, phone, plan, visits, score, chronic, day) AS row FROM read_parquet(?) LIMIT 1 OFFSET 1",
				filepath.Join(b.out, partFile))
			if d := cmp.Diff([]string{"row", tt.row}, got); d != "" {
				t.Fatalf("row (-want +got):\n%s", d)
			}
		})
	}
}

func yes() *bool { v := true; return &v }

// dated sets a number shown in a format of its own.
func dated(ok func(error), cell string, v float64, format string) func(*excelize.File) {
	return func(f *excelize.File) {
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		ok(err)
		ok(f.SetCellValue("Sheet1", cell, v))
		ok(f.SetCellStyle("Sheet1", cell, cell, style))
	}
}

// formula sets a formula beside the value it had.
func formula(ok func(error), cell, text string, v any) func(*excelize.File) {
	return func(f *excelize.File) {
		ok(f.SetCellFormula("Sheet1", cell, text))
		ok(f.SetCellValue("Sheet1", cell, v))
	}
}

// archive is a zip of named parts.
func archive(t *testing.T, parts map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"} {
		text, ok := parts[name]
		if !ok {
			continue
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		must(t)(err)
	}
	must(t)(z.Close())
	return b.String()
}

// rawBook is a workbook of one sheet written by hand.
func rawBook(t *testing.T, sheet, shared string) string {
	t.Helper()
	parts := map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet,
	}
	if shared != "" {
		parts["xl/sharedStrings.xml"] = shared
	}
	return archive(t, parts)
}

// rawRows writes rows of inline texts; a row that begins with < is taken as it is.
func rawRows(rows ...string) string {
	var b strings.Builder
	b.WriteString("<worksheet><sheetData>")
	for _, row := range rows {
		if strings.HasPrefix(row, "<") {
			b.WriteString(row)
			continue
		}
		b.WriteString("<row>")
		for _, text := range strings.Split(row, ",") {
			b.WriteString(`<c t="inlineStr"><is><t>` + text + "</t></is></c>")
		}
		b.WriteString("</row>")
	}
	return b.String() + "</sheetData></worksheet>"
}

func TestHostileWorkbooks(t *testing.T) {
	file := func(reason string) []task.BadCell { return []task.BadCell{{Reason: reason}} }
	cut := rawRows(clinicNames, "r1,n,p,free,1,1,true,2024-01-01")
	for name, tt := range map[string]struct {
		raw  string
		want []task.BadCell
	}{
		"not a zip":            {"PK\x03\x04" + strings.Repeat("x", 500), file("file.xlsx")},
		"empty zip":            {archive(t, nil), file("file.xlsx")},
		"no sheet":             {archive(t, map[string]string{"xl/workbook.xml": "<workbook/>"}), file("file.xlsx")},
		"sheet not there":      {archive(t, map[string]string{"xl/workbook.xml": `<workbook xmlns:r="x"><sheets><sheet name="S" r:id="a"/></sheets></workbook>`, "xl/_rels/workbook.xml.rels": `<R><Relationship Id="a" Target="worksheets/none.xml"/></R>`}), file("file.xlsx")},
		"sheet cut off":        {rawBook(t, cut[:len(cut)-40], ""), file("file.xlsx")},
		"not XML":              {rawBook(t, "<worksheet><sheetData><row><c></row>", ""), file("file.xlsx")},
		"no rows":              {rawBook(t, rawRows(), ""), file("file.empty")},
		"rows backwards":       {rawBook(t, rawRows(`<row r="5"><c r="A5" t="inlineStr"><is><t>id</t></is></c></row>`, `<row r="2"/>`), ""), []task.BadCell{{Line: 5, Column: "name", Reason: "column.missing"}}},
		"column of no sheet":   {rawBook(t, rawRows(`<row><c r="ZZZZZ1"><v>1</v></c></row>`), ""), file("file.xlsx")},
		"cells backwards":      {rawBook(t, rawRows(`<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`), ""), file("file.xlsx")},
		"row past the last":    {rawBook(t, rawRows(`<row r="99999999999"><c><v>1</v></c></row>`), ""), file("file.xlsx")},
		"entity":               {rawBook(t, `<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData><row><c><v>&a;</v></c></row></sheetData></worksheet>`, ""), file("file.xlsx")},
		"text of no number":    {rawBook(t, rawRows(clinicNames, `<row><c t="s"><v>7</v></c></row>`), ""), []task.BadCell{{Row: 1, Line: 2, Column: "id", Reason: "value.error"}}},
		"error":                {rawBook(t, rawRows(clinicNames, `<row><c t="e"><v>#N/A</v></c></row>`), ""), []task.BadCell{{Row: 1, Line: 2, Column: "id", Reason: "value.error"}}},
		"formula not computed": {rawBook(t, rawRows(clinicNames, `<row><c><f>1+1</f></c></row>`), ""), []task.BadCell{{Row: 1, Line: 2, Column: "id", Reason: "value.not_computed"}}},
		"endless cell":         {rawBook(t, rawRows(strings.Repeat("x", 3<<20)), ""), []task.BadCell{{Reason: "row.too_long"}}},
		"endless tag":          {rawBook(t, rawRows("<row "+strings.Repeat(`a="b" `, 1<<20)+"/>"), ""), []task.BadCell{{Reason: "row.too_long"}}},
		"endless text":         {rawBook(t, rawRows("a"), "<sst><si><t>"+strings.Repeat("x", 3<<20)+"</t></si></sst>"), []task.BadCell{{Reason: "row.too_long"}}},
		"too many columns":     {rawBook(t, rawRows(strings.Repeat("x,", 3000)), ""), file("columns.too_many")},
		"bomb":                 {rawBook(t, rawRows(clinicNames, strings.Repeat("<row"+strings.Repeat(" ", 8000)+"/>", 20_000)), ""), file("file.too_large")},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.write(rawFile, tt.raw)
			l := ingestLetter(1)
			l.Ingest.Source = task.Source{Form: task.XLSX}
			r := b.run(l).Ingest
			r.More = false
			if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: tt.want}, r); d != "" {
				t.Fatalf("report (-want +got):\n%s", d)
			}
		})
	}
	b := newBox(t)
	r := b.ingestAs(book(t, func(*excelize.File) {}), task.Source{Form: task.XLSX, Sheet: "other"})
	if d := cmp.Diff(file("file.sheet_unknown"), r.Errors); d != "" {
		t.Errorf("unknown sheet (-want +got):\n%s", d)
	}
}

// clinicParquet makes a Parquet file of a SELECT.
func clinicParquet(t *testing.T, query string) string {
	t.Helper()
	b := newBox(t)
	b.exec(b.open(), "COPY ("+query+") TO "+quoteLiteral(filepath.Join(b.out, "t.parquet"))+" (FORMAT parquet)")
	raw, err := os.ReadFile(filepath.Join(b.out, "t.parquet"))
	must(t)(err)
	return string(raw)
}

const parquetRow = "SELECT 'r1' AS id, '张三' AS name, 13812345678::BIGINT AS phone, 'free' AS plan, 3::%s AS visits, 1.5::FLOAT AS score, true AS chronic, %s AS day"

func TestParquetCells(t *testing.T) {
	day := "DATE '2024-02-29'"
	row := func(visits, day string) string { return fmt.Sprintf(parquetRow, visits, day) }
	good := "r1|张三|13812345678|free|3|1.5|true|2024-02-29"
	for name, tt := range map[string]struct {
		query string
		want  []task.BadCell
		row   string
	}{
		"as it is":        {row("UTINYINT", day), nil, good},
		"whole double":    {row("DOUBLE", day), nil, good},
		"decimal":         {row("DECIMAL(9,0)", day), nil, good},
		"huge":            {row("HUGEINT", day), nil, good},
		"text":            {row("VARCHAR", day), nil, good},
		"midnight":        {row("BIGINT", "TIMESTAMP '2024-02-29 00:00:00'"), nil, good},
		"midnight, zoned": {row("BIGINT", "TIMESTAMPTZ '2024-02-29 00:00:00+00'"), nil, good},
		"noon":            {row("BIGINT", "TIMESTAMP '2024-02-29 12:00:00'"), []task.BadCell{{Row: 1, Column: "day", Reason: "value.not_date"}}, ""},
		"infinity":        {row("BIGINT", "DATE 'infinity'"), []task.BadCell{{Row: 1, Column: "day", Reason: "value.not_date"}}, ""},
		"bad in row 2": {row("DOUBLE", day) + " UNION ALL " + strings.Replace(row("DOUBLE", day), "3::", "2.5::", 1),
			[]task.BadCell{{Row: 2, Column: "visits", Reason: "value.not_integer"}}, ""},
		"id as double": {strings.Replace(row("BIGINT", day), "'r1'", "500101199003071234::DOUBLE", 1),
			[]task.BadCell{{Row: 1, Column: "id", Reason: "value.precision_lost"}}, ""},
		"not a number": {strings.Replace(row("BIGINT", day), "1.5::", "'nan'::", 1), []task.BadCell{{Row: 1, Column: "score", Reason: "value.not_number"}}, ""},
		"empty id":     {strings.Replace(row("BIGINT", day), "'r1'", "NULL::VARCHAR", 1), []task.BadCell{{Row: 1, Column: "id", Reason: "value.empty"}}, ""},
		"nested":       {strings.Replace(row("BIGINT", day), "'r1'", "{'a': 1}", 1), []task.BadCell{{Column: "#1", Reason: "column.nested"}}, ""},
		"list":         {strings.Replace(row("BIGINT", day), "'r1'", "['a']", 1), []task.BadCell{{Column: "#1", Reason: "column.nested"}}, ""},
		"drift": {strings.Replace(row("BIGINT", day), " AS plan", " AS plan2", 1), []task.BadCell{{Column: "#4", Reason: "column.unknown"},
			{Column: "plan", Reason: "column.missing"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			r := b.ingestAs(clinicParquet(t, tt.query), task.Source{Form: task.Parquet})
			if tt.want != nil {
				if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: tt.want}, r); d != "" {
					t.Fatalf("report (-want +got):\n%s", d)
				}
				return
			}
			if len(r.Errors) > 0 {
				t.Fatalf("errors = %v", r.Errors)
			}
			got := b.table(b.open(), "SELECT concat_ws('|', id, name, phone, plan, visits, score, chronic, day) AS row FROM read_parquet(?)",
				filepath.Join(b.out, partFile))
			if d := cmp.Diff([]string{"row", tt.row}, got); d != "" {
				t.Fatalf("row (-want +got):\n%s", d)
			}
		})
	}
}

// S44: a cut or lying file is one fault without the engine's words.
func TestHostileParquet(t *testing.T) {
	good := clinicParquet(t, fmt.Sprintf(parquetRow, "BIGINT", "DATE '2024-02-29'")+" FROM range(5000)")
	long := func(n uint32) string { // another length of the footer
		b := []byte(good)
		binary.LittleEndian.PutUint32(b[len(b)-8:], n)
		return string(b)
	}
	for name, raw := range map[string]string{
		"cut":                    good[:len(good)-100],
		"cut to the head":        good[:4],
		"footer longer than all": long(1 << 31),
		"footer of no length":    long(0),
		"footer overwritten":     good[:len(good)-300] + strings.Repeat("\xff", 292) + good[len(good)-8:],
		"pages overwritten":      good[:4] + strings.Repeat("\xff", 200) + good[204:],
		"page sizes lie":         good[:6] + "\xfe\xff\xff\xff\x0f" + good[11:],
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			r := b.ingestAs(raw, task.Source{Form: task.Parquet})
			if d := cmp.Diff(&task.IngestReport{Parts: []string{}, Errors: []task.BadCell{{Reason: "file.parquet"}}}, r); d != "" {
				t.Fatalf("report (-want +got):\n%s", d)
			}
		})
	}
}

// S44: what unpacks to a thousand times its size ends early. The rows themselves are good ones.
func TestBombs(t *testing.T) {
	row := "r1," + strings.Repeat("x", 100_000) + ",p,free,1,1,true,2024-01-01\n"
	bomb := zipped(t, clinicHeader+strings.Repeat(row, 2*freeUnpacked/len(row)))
	if ratio := 2 * freeUnpacked / len(bomb); ratio < 2*maxRatio {
		t.Fatalf("it packs %d to 1 only", ratio)
	}
	for _, s := range []task.Source{{}, {Encoding: "utf-8"}, {Gzip: true}} {
		r := newBox(t)
		if got := r.ingestAs(bomb, s).Errors; !cmp.Equal(got, []task.BadCell{{Reason: "file.too_large"}}) {
			t.Errorf("%+v: errors = %v, want file.too_large", s, got)
		}
	}
	sheet := zipped(t, "PK\x03\x04"+strings.Repeat("\x00", 2*freeUnpacked))
	if got := newBox(t).ingestAs(sheet, task.Source{Form: task.XLSX}).Errors; !cmp.Equal(got, []task.BadCell{{Reason: "file.too_large"}}) {
		t.Errorf("sheet: errors = %v, want file.too_large", got)
	}
}

// S43: a gigabyte of NUL in one line is told without being held.
func TestOneLineOfAGigabyte(t *testing.T) {
	b := newBox(t)
	b.write(rawFile, clinicHeader)
	must(t)(os.Truncate(filepath.Join(b.in, rawFile), 1<<30))
	l := ingestLetter(10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := b.run(l).Ingest
	runtime.ReadMemStats(&after)
	if d := cmp.Diff([]task.BadCell{{Row: 1, Reason: "row.too_long"}}, r.Errors); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d MiB were allocated on the way, want at most 64", grown>>20)
	}
}
