// Package render writes a released table in the form its receiver works with. It takes the canonical CSV that
// screening wrote and two people approved, and the declared table, and changes no figure: what a reader of any
// form sees is the table of the certificate.
//
// All of it is pure, and the same table gives the same bytes.
package render

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
)

// Format is a form a table can be had in.
type Format string

// The closed list of formats.
const (
	CSV      Format = "csv"       // the certified bytes as they are
	CSVExcel Format = "csv-excel" // byte order mark and CRLF, for spreadsheets that guess encodings
	XLSX     Format = "xlsx"
	Parquet  Format = "parquet"
)

// Formats lists every format, the canonical one first.
func Formats() []Format { return []Format{CSV, CSVExcel, XLSX, Parquet} }

// ErrFormat says that a format is not of the list.
var ErrFormat = errors.New("no such format")

// MediaType is the format's media type.
func (f Format) MediaType() string {
	return map[Format]string{
		CSV: "text/csv; charset=utf-8", CSVExcel: "text/csv; charset=utf-8",
		XLSX:    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		Parquet: "application/vnd.apache.parquet",
	}[f]
}

// Extension is the ending of a file's name, with its dot.
func (f Format) Extension() string {
	return map[Format]string{CSV: ".csv", CSVExcel: ".csv", XLSX: ".xlsx", Parquet: ".parquet"}[f]
}

// Table renders canonical CSV, declared as t, in a format. An error means that the bytes are not such a table; it
// names row and column, never a value.
func Table(f Format, canonical []byte, t job.Table) ([]byte, error) {
	write, ok := map[Format]func(table) ([]byte, error){
		CSV: nil, CSVExcel: excelCSV, XLSX: workbook, Parquet: parquetFile,
	}[f]
	if !ok {
		return nil, fmt.Errorf("rendering: %w", ErrFormat)
	}
	read, err := parse(canonical, t)
	if err != nil {
		return nil, fmt.Errorf("reading table %s: %w", t.Name, err)
	}
	if write == nil {
		return bytes.Clone(canonical), nil
	}
	b, err := write(read)
	if err != nil {
		return nil, fmt.Errorf("rendering table %s as %s: %w", t.Name, f, err)
	}
	return b, nil
}

// kind is what a column holds.
type kind int

const (
	label  kind = iota // text
	whole              // a count
	figure             // any other number
)

// column is one column of a declared table.
type column struct {
	name string
	kind kind
}

// table is a canonical table taken apart: texts without the apostrophe that keeps them from being a formula,
// numbers as they are written, "" where no figure may be shown.
type table struct {
	name    string
	columns []column
	rows    [][]string
}

// columnsOf are the declared columns: labels first, then figures.
func columnsOf(t job.Table) []column {
	var list []column
	for _, d := range t.By {
		list = append(list, column{d.Column, label})
	}
	for _, m := range t.Measures {
		k := figure
		if m.Stat == job.StatUnits || m.Stat == job.StatRows {
			k = whole
		}
		list = append(list, column{m.Name, k})
	}
	return list
}

// parse reads canonical CSV under its declaration.
func parse(canonical []byte, t job.Table) (table, error) {
	out := table{name: t.Name, columns: columnsOf(t)}
	records, err := csv.NewReader(bytes.NewReader(canonical)).ReadAll()
	if err != nil || len(records) == 0 || len(records[0]) != len(out.columns) {
		return table{}, errors.New("not the CSV of the declared columns")
	}
	for c, name := range records[0] {
		if name != guarded(out.columns[c].name) {
			return table{}, fmt.Errorf("column %d has another name than declared", c+1)
		}
	}
	for r, record := range records[1:] {
		row := slices.Clone(record)
		for c := range row {
			if row[c], err = out.cell(t, c, row[c]); err != nil {
				return table{}, fmt.Errorf("row %d, column %d: %w", r+1, c+1, err)
			}
		}
		out.rows = append(out.rows, row)
	}
	return out, nil
}

// cell takes one text of column c apart.
func (t table) cell(declared job.Table, c int, text string) (string, error) {
	if t.columns[c].kind == label {
		return unguarded(declared.By[c].Values, text), nil
	}
	if text == "" {
		return "", nil
	}
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return "", errors.New("not a number")
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil && t.columns[c].kind == whole {
		return "", errors.New("not a whole number")
	}
	if v, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(v, 0) {
		return "", errors.New("not a number")
	}
	return text, nil
}

// formulaStarts are the characters a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
const formulaStarts = "=+-@\t\r"

// guarded puts an apostrophe before a text that begins like a formula, as screening does.
func guarded(s string) string {
	if s != "" && strings.IndexByte(formulaStarts, s[0]) >= 0 {
		return "'" + s
	}
	return s
}

// unguarded finds the declared label a canonical text stands for: '=x is either =x guarded or a label of its own.
func unguarded(declared []string, text string) string {
	for _, v := range declared {
		if guarded(v) == text {
			return v
		}
	}
	return text
}
