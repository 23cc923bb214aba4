package render_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/render"
)

// declared is a table whose labels a spreadsheet would run (S23), and whose figures have signs.
func declared() job.Table {
	return job.Table{Name: "visits_by_plan", From: "person_years",
		By: []job.Dimension{
			{Column: "plan", Values: []string{"=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=x", "'quoted", "免费, \"a\"", "_x0041_ "}},
			{Column: "age", Values: []string{"0-9"}},
		},
		Measures: []job.Measure{
			{Name: "people", Stat: job.StatUnits}, {Name: "n", Stat: job.StatRows},
			{Name: "total", Stat: job.StatSum, Of: "x"}, {Name: "mean", Stat: job.StatMean, Of: "x"},
		}}
}

const canonical = "plan,age,people,n,total,mean\n" +
	"'=1+1,0-9,10,15,-5,+3.2\n'+cmd,0-9,20,25,0.1,1e2\n'-2+3,0-9,0,,,\n'@SUM(A1),0-9,10,10,7,0.25\n'\t=x,0-9,10,10,7,0.25\n" +
	"'quoted,0-9,10,10,7,0.25\n\"免费, \"\"a\"\"\",0-9,9007199254740990,10,7,0.25\n_x0041_ ,0-9,10,10,7,0.25\n"

func rendered(t *testing.T, f release.Form) []byte {
	t.Helper()
	b, err := render.Table(f, []byte(canonical), declared())
	if err != nil {
		t.Fatal(err)
	}
	again, err := render.Table(f, []byte(canonical), declared())
	if err != nil || !bytes.Equal(b, again) {
		t.Fatalf("%s: the same table gives other bytes (%v)", f, err)
	}
	return b
}

func TestCSVIsTheCertifiedBytes(t *testing.T) {
	if d := cmp.Diff(canonical, string(rendered(t, release.CSV))); d != "" {
		t.Fatalf("csv (-want +got):\n%s", d)
	}
}

func TestExcelCSV(t *testing.T) {
	got := string(rendered(t, release.CSVExcel))
	if want := "\ufeff" + strings.ReplaceAll(canonical, "\n", "\r\n"); got != want {
		t.Fatalf("csv-excel (-want +got):\n%s", cmp.Diff(want, got))
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range records[1:] {
		if strings.ContainsAny(row[0][:1], "=+-@\t\r") {
			t.Errorf("label %q would be run", row[0])
		}
	}
	if records[1][4] != "-5" || records[1][5] != "+3.2" {
		t.Errorf("figures are %q, want -5 and +3.2 unchanged", records[1][4:])
	}
}

func TestWorkbook(t *testing.T) {
	b := rendered(t, release.XLSX)
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows("visits_by_plan", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"plan", "age", "people", "n", "total", "mean"},
		{"=1+1", "0-9", "10", "15", "-5", "3.2"}, {"+cmd", "0-9", "20", "25", "0.1", "100"}, {"-2+3", "0-9", "0"},
		{"@SUM(A1)", "0-9", "10", "10", "7", "0.25"}, {"\t=x", "0-9", "10", "10", "7", "0.25"},
		{"'quoted", "0-9", "10", "10", "7", "0.25"}, {"免费, \"a\"", "0-9", "9007199254740990", "10", "7", "0.25"},
		{"_x0041_ ", "0-9", "10", "10", "7", "0.25"},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Fatalf("rows (-want +got):\n%s", d)
	}
	for cell, want := range map[string]excelize.CellType{
		"A2": excelize.CellTypeInlineString, "A6": excelize.CellTypeInlineString, "C2": excelize.CellTypeNumber,
		"E2": excelize.CellTypeNumber, "F2": excelize.CellTypeNumber,
	} {
		got, err := f.GetCellType("visits_by_plan", cell)
		if number := want == excelize.CellTypeNumber; err != nil || got != want && (!number || got != excelize.CellTypeUnset) {
			t.Errorf("%s has type %v, want %v (%v)", cell, got, want, err)
		}
	}
	panes, err := f.GetPanes("visits_by_plan")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes = %+v (%v), want the first row frozen", panes, err)
	}
	noFormula(t, b)
}

// noFormula looks into the parts: no formula element anywhere, and no time of making.
func noFormula(t *testing.T, b []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		if !part.Modified.IsZero() && part.Modified.Year() > 1980 {
			t.Errorf("%s carries a time", part.Name)
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Name, "xl/worksheets/") && bytes.Contains(text, []byte("<f")) {
			t.Errorf("%s holds a formula", part.Name)
		}
	}
}

func TestParquet(t *testing.T) {
	b := rendered(t, release.Parquet)
	type row struct {
		Plan   string   `parquet:"plan"`
		Age    string   `parquet:"age"`
		People *int64   `parquet:"people,optional"`
		N      *int64   `parquet:"n,optional"`
		Total  *float64 `parquet:"total,optional"`
		Mean   *float64 `parquet:"mean,optional"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	of := func(plan string, people, n int64, total, mean float64) row {
		return row{plan, "0-9", &people, &n, &total, &mean}
	}
	zero := int64(0)
	want := []row{
		of("=1+1", 10, 15, -5, 3.2), of("+cmd", 20, 25, 0.1, 100), {Plan: "-2+3", Age: "0-9", People: &zero},
		of("@SUM(A1)", 10, 10, 7, 0.25), of("\t=x", 10, 10, 7, 0.25), of("'quoted", 10, 10, 7, 0.25),
		of("免费, \"a\"", 9007199254740990, 10, 7, 0.25), of("_x0041_ ", 10, 10, 7, 0.25),
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Fatalf("rows (-want +got):\n%s", d)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range f.Schema().Fields() {
		names = append(names, c.Name()+" "+c.Type().String())
	}
	if d := cmp.Diff([]string{"plan STRING", "age STRING", "people INT(64,true)", "n INT(64,true)", "total DOUBLE", "mean DOUBLE"}, names); d != "" {
		t.Fatalf("columns (-want +got):\n%s", d)
	}
}

func TestRefusals(t *testing.T) {
	head := "plan,age,people,n,total,mean\n"
	for name, tt := range map[string]struct {
		form release.Form
		text string
		want string
	}{
		"unknown form":     {"pdf", canonical, "no such form"},
		"no header":        {release.CSV, "", "not the CSV of the declared columns"},
		"another header":   {release.CSV, "plan,years,people,n,total,mean\n", "column 2 has another name"},
		"a column short":   {release.XLSX, "plan\n", "not the CSV of the declared columns"},
		"open quote":       {release.XLSX, head + "\"", "not the CSV of the declared columns"},
		"text as a figure": {release.Parquet, head + "a,b,1,1,=1+1,1\n", "row 1, column 5: not a number"},
		"part of a person": {release.Parquet, head + "a,b,1.5,1,1,1\n", "row 1, column 3: not a whole number"},
		"not finite":       {release.CSVExcel, head + "a,b,1,1,1e999,1\n", "row 1, column 5: not a number"},
		"too large":        {release.XLSX, head + "a,b,9007199254740993,1,1,1\n", "row 1: column 3"},
		"too exact":        {release.XLSX, head + "a,b,1,1,0.30000000000000004,1\n", "row 1: column 5"},
		"too long":         {release.XLSX, head + strings.Repeat("字", 32768) + ",b,1,1,1,1\n", "row 1: column 1"},
	} {
		b, err := render.Table(tt.form, []byte(tt.text), declared())
		if err == nil || !strings.Contains(err.Error(), tt.want) || b != nil {
			t.Errorf("%s: error = %v, want %q and no bytes", name, err, tt.want)
		}
		if unfit := strings.HasPrefix(name, "too "); errors.Is(err, render.ErrUnfit) != unfit {
			t.Errorf("%s: error = %v, want ErrUnfit: %v", name, err, unfit)
		}
	}
	if _, err := render.Table("pdf", nil, declared()); !errors.Is(err, render.ErrForm) {
		t.Errorf("error = %v, want ErrForm", err)
	}
}
