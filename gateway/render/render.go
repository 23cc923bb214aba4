// Package render writes a released table in the form its receiver works with. It takes the canonical CSV that
// screening wrote and two people approved, and the declared table, and changes no figure: what a reader of any
// form sees is the table of the certificate. Only the form csv has the certified bytes themselves.
//
// This reads no foreign bytes, so it may run in the gateway: a container's trusted part wrote them, the store gave
// them back under the digest that was voted on, and every cell is held against the declaration here. What the
// author of a job can put into them are declared labels, and those are only ever written as texts. They are few as
// well: screening makes no table of more than 10,000 rows.
//
// All of it is pure, and the same table gives the same bytes.
package render

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/release"
)

// ErrForm says that a form is not of the list, ErrUnfit that a form cannot hold the table exactly.
var (
	ErrForm  = errors.New("no such form")
	ErrUnfit = errors.New("it does not fit this form")
)

// Table renders canonical CSV, declared as t, in a form. The table is read row by row and never held beside the
// bytes. ErrUnfit tells that another form can be had; any other error means that the bytes are not such a table.
// Both name row and column, never a value.
func Table(f release.Form, canonical []byte, t job.Table) ([]byte, error) {
	write, ok := map[release.Form]func(table) ([]byte, error){
		release.CSV: certified, release.CSVExcel: excelCSV, release.XLSX: workbook, release.Parquet: parquetFile,
	}[f]
	if !ok {
		return nil, fmt.Errorf("rendering: %w", ErrForm)
	}
	b, err := write(table{name: t.Name, columns: columnsOf(t), declared: t, canonical: canonical})
	if err != nil {
		return nil, fmt.Errorf("rendering table %s as %s: %w", t.Name, f, err)
	}
	return b, nil
}

// certified gives the bytes as they are, once they are known to be the table.
func certified(t table) ([]byte, error) {
	if err := t.each(func([]string) error { return nil }); err != nil {
		return nil, err
	}
	return bytes.Clone(t.canonical), nil
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

// table is canonical CSV under its declaration.
type table struct {
	name      string
	columns   []column
	declared  job.Table
	canonical []byte
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

// each reads the rows in turn: texts without the apostrophe that keeps them from being a formula, numbers as they
// are written, "" where no figure may be shown. A row is do's until the next one.
func (t table) each(do func(row []string) error) error {
	r := csv.NewReader(bytes.NewReader(t.canonical))
	r.ReuseRecord = true
	if err := t.head(r); err != nil {
		return err
	}
	for n := 1; ; n++ {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errOther
		}
		for c := range row {
			if row[c], err = t.cell(c, row[c]); err != nil {
				return fmt.Errorf("row %d, column %d: %w", n, c+1, err)
			}
		}
		if err := do(row); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
}

// errOther refuses bytes that are another table, or none.
var errOther = errors.New("not the CSV of the declared columns")

// head reads the names of the columns.
func (t table) head(r *csv.Reader) error {
	names, err := r.Read()
	if err != nil || len(names) != len(t.columns) {
		return errOther
	}
	for c, name := range names {
		if name != guarded(t.columns[c].name) {
			return fmt.Errorf("column %d has another name than declared", c+1)
		}
	}
	return nil
}

// cell takes one text of column c apart.
func (t table) cell(c int, text string) (string, error) {
	if t.columns[c].kind == label {
		return unguarded(t.declared.By[c].Values, text), nil
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
