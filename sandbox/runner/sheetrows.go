package runner

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxSheetRows is the longest a sheet may be (ECMA-376).
const maxSheetRows = 1_048_576

// sheetRows reads one table of a sheet: the first row that is not empty is its header, and the table ends with
// the first empty row. Anything after that, or beside it, is another table.
type sheetRows struct {
	book    *workbook
	name    string // of the sheet
	part    io.ReadCloser
	xml     *xmlRows
	fields  []field
	row     int64 // 1-based row of the sheet
	width   int   // of the header; 0 before it
	blank   bool  // an empty row came after the header
	skimmed bool
}

// openSheet opens a sheet of a workbook by name, or the first.
func openSheet(file, name string, limit int64) (*sheetRows, error) {
	book, err := openWorkbook(file, limit)
	if err != nil {
		return nil, err
	}
	sheet, err := book.sheet(name)
	if err != nil {
		return nil, errors.Join(err, book.close())
	}
	part, err := book.part(sheet.part)
	if err == nil && part == nil {
		err = badFile("file.xlsx")
	}
	if err != nil {
		return nil, errors.Join(err, book.close())
	}
	return &sheetRows{book: book, name: sheet.name, part: part, xml: newXMLRows(part)}, nil
}

func (s *sheetRows) close() error { return errors.Join(s.part.Close(), s.book.close()) }

func (s *sheetRows) line(int) int64 { return s.row }

func (s *sheetRows) skim() { s.skimmed = true }

func (s *sheetRows) next(context.Context) ([]field, error) {
	for {
		start, err := s.xml.find("row", "mergeCell")
		switch {
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case err != nil:
			return nil, err
		case start.Name.Local == "mergeCell":
			return nil, s.merged(attr(start, "ref"))
		case s.skimmed:
			continue
		}
		if err := s.read(start); err != nil {
			return nil, err
		}
		rec, err := s.fit()
		if rec != nil || err != nil {
			return rec, err
		}
	}
}

// merged tells cells that are shown as one: what they hold is not in each of them.
func (s *sheetRows) merged(ref string) error {
	line, column := rangePlace(ref)
	if s.skimmed {
		return &badRow{line: line, column: column, reason: "header.merged", whole: true}
	}
	return &badRow{line: line, column: column, reason: "cell.merged", whole: true}
}

// read reads the cells of one row.
func (s *sheetRows) read(row xml.StartElement) error {
	s.row++
	if n, err := strconv.ParseInt(attr(row, "r"), 10, 64); err == nil {
		if n < s.row || n > maxSheetRows {
			return badFile("file.xlsx")
		}
		s.blank = s.blank || s.width > 0 && n > s.row
		s.row = n
	}
	s.fields = s.fields[:0]
	for {
		t, err := s.xml.token()
		if err != nil {
			return cutOff(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			if err := s.cell(t); err != nil {
				return err
			}
		}
	}
}

// cell puts one cell into its place.
func (s *sheetRows) cell(c xml.StartElement) error {
	at := len(s.fields)
	if ref := attr(c, "r"); ref != "" {
		at = columnOf(ref)
	}
	if at < len(s.fields) || at >= maxSheetColumns {
		return badFile("file.xlsx")
	}
	for len(s.fields) < at {
		s.fields = append(s.fields, field{})
	}
	value, formula, err := s.value(c)
	if err != nil {
		return err
	}
	kind := attr(c, "t")
	switch {
	case value != "":
		s.fields = append(s.fields, s.book.field(kind, attr(c, "s"), value))
	case formula && kind != "str":
		s.fields = append(s.fields, field{reason: "value.not_computed"})
	default:
		s.fields = append(s.fields, field{})
	}
	return nil
}

// value reads what a cell stores, and whether a formula stands behind it: of a formula the value last computed
// counts.
func (s *sheetRows) value(c xml.StartElement) (value string, formula bool, err error) {
	var b strings.Builder
	inside := false
	for {
		t, err := s.xml.token()
		if err != nil {
			return "", false, cutOff(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			inside = t.Name.Local == "v"
			formula = formula || t.Name.Local == "f"
			if t.Name.Local == "is" {
				text, err := s.xml.text(t)
				if err != nil {
					return "", false, err
				}
				b.WriteString(text)
			}
		case xml.EndElement:
			inside = false
			if t.Name.Local == c.Name.Local {
				return b.String(), formula, nil
			}
		case xml.CharData:
			if inside {
				b.Write(t)
			}
		}
	}
}

// fit makes the row as wide as the header; nil without an error is an empty row.
func (s *sheetRows) fit() ([]field, error) {
	n := len(s.fields)
	for n > 0 && s.fields[n-1] == (field{}) {
		n--
	}
	s.fields = s.fields[:n]
	switch {
	case n == 0:
		s.blank = s.width > 0
		return nil, nil
	case s.blank:
		return nil, &badRow{line: s.row, reason: "sheet.second_table", whole: true, last: true}
	case s.width == 0:
		s.width = n
	case n > s.width:
		return nil, &badRow{line: s.row, reason: "row.field_count"}
	}
	for len(s.fields) < s.width {
		s.fields = append(s.fields, field{})
	}
	return s.fields, nil
}
