package upload

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Form is the form of a file a department sends.
type Form string

// The closed list of forms. The empty form is CSV.
const (
	CSV     Form = "csv"     // header first, RFC 4180
	XLSX    Form = "xlsx"    // header in the first row
	Parquet Form = "parquet" // flat columns
)

// Source says how the bytes of an upload are to be read. The zero value is a CSV file whose encoding shows
// itself: by a byte order mark, else UTF-8 when all of it is valid, else GB18030.
type Source struct {
	Form     Form   `json:"form,omitempty"`
	Encoding string `json:"encoding,omitempty"` // of CSV: "utf-8", "gb18030"; "": it shows itself
	Sheet    string `json:"sheet,omitempty"`    // of XLSX: a sheet's name; "": the first
	Gzip     bool   `json:"gzip,omitempty"`     // the whole file is compressed
}

// maxSheet is the longest name a sheet has, in bytes: 31 characters of at most four.
const maxSheet = 124

func (s Source) check(p *fault.Places, at string) {
	csv := s.Form == "" || s.Form == CSV
	p.Require(slices.Contains([]Form{"", CSV, XLSX, Parquet}, s.Form), at+".form", "form.unknown")
	p.Require(slices.Contains([]string{"", "utf-8", "gb18030"}, s.Encoding), at+".encoding", "encoding.unknown")
	p.Require(csv || s.Encoding == "", at+".encoding", "encoding.not_for_form")
	p.Require(s.Sheet == "" || s.Form == XLSX, at+".sheet", "sheet.not_for_form")
	p.Require(s.Sheet == "" || name.Shows(s.Sheet, maxSheet), at+".sheet", "sheet.invalid")
}
