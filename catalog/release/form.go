package release

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Form is a form a product can be had in. Only the certified form has the bytes the certificate speaks of; the
// others show the same figures.
type Form string

// The closed list of forms.
const (
	CSV      Form = "csv"       // the certified bytes as they are
	CSVExcel Form = "csv-excel" // byte order mark and CRLF, for spreadsheets that guess encodings
	XLSX     Form = "xlsx"
	Parquet  Form = "parquet"
)

// Forms lists every form, the certified one first.
func Forms() []Form { return []Form{CSV, CSVExcel, XLSX, Parquet} }

// Known reports whether f is of the list.
func (f Form) Known() bool { return slices.Contains(Forms(), f) }

// Validate refuses what is not of the list.
func (f Form) Validate() error {
	var p fault.Places
	p.Require(f.Known(), "form", "form.not_offered")
	return p.Err("form.invalid")
}

// Certified reports whether the bytes of this form are those of the certificate.
func (f Form) Certified() bool { return f == CSV }

// MediaType is the form's media type.
func (f Form) MediaType() string {
	return map[Form]string{
		CSV: "text/csv; charset=utf-8", CSVExcel: "text/csv; charset=utf-8",
		XLSX:    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		Parquet: "application/vnd.apache.parquet",
	}[f]
}

// FileName is what a file of this form is called beside others of the same product.
func (f Form) FileName(product string) string {
	return product + map[Form]string{CSV: ".csv", CSVExcel: "-excel.csv", XLSX: ".xlsx", Parquet: ".parquet"}[f]
}
