package task

import "github.com/sluicedata/sluice/catalog/dataset"

// InspectLetter asks what the file /in/raw looks like, without any declaration. Here every member of Source that
// is left out shows itself, the form too.
type InspectLetter struct {
	Source Source `json:"source"`
	// Rows bounds the preview: at most 100; 0 means 20.
	Rows int `json:"rows,omitempty"`
	// MaxBytes refuses a file that unpacks to more; 0 leaves the runner's own bound alone.
	MaxBytes int64 `json:"max_bytes,omitempty"`
}

// InspectReport names Out/inspection.json (an Inspection), or says why the file cannot be read. When Errors is
// not empty there is no file.
type InspectReport struct {
	Rows   int64     `json:"rows"`
	File   string    `json:"file,omitempty"`
	Errors []BadCell `json:"errors"`
}

// Inspection is a proposal for a steward to confirm or correct: nothing in it is decided. It holds values (the
// preview) and is kept as carefully as the data.
type Inspection struct {
	Version int             `json:"version"` // 1
	Source  Source          `json:"source"`  // as detected; an ingest letter can carry it unchanged
	Sheets  []string        `json:"sheets,omitempty"`
	Rows    int64           `json:"rows"` // of data, faulty ones included
	Columns []ColumnOutlook `json:"columns"`
	// Units names columns that look like a protected unit, the likeliest first; often empty.
	Units   []Unit       `json:"units"`
	Preview PreviewTable `json:"preview"`
	// Faults are places where a row could not be read at all; at most 20.
	Faults []BadCell `json:"faults"`
}

// ColumnOutlook is what one column looks like. The proposed type holds for every cell that is not empty; role,
// level and mask follow the strongest suspicion.
type ColumnOutlook struct {
	Column                 // proposed; Title is the header as sent when Name had to be changed into a name of ours
	Empty      float64     `json:"empty"`    // share of rows without a value
	Distinct   int64       `json:"distinct"` // values; at least this many when More
	More       bool        `json:"more,omitempty"`
	Suspicions []Suspicion `json:"suspicions"`
}

// Careless reports whether a suspected column is declared with a lower level, as nothing special, or unmasked.
func (k ColumnOutlook) Careless(declared Column) bool {
	return len(k.Suspicions) > 0 && (declared.Level < k.Level ||
		declared.Role == dataset.Other && k.Role != dataset.Other ||
		declared.Mask == dataset.MaskNone && k.Mask != dataset.MaskNone)
}

// Suspicion says that a column may carry something personal. Share is the part of the looked-at cells that
// match; 0 when only the column's name hints at it.
type Suspicion struct {
	Code  string  `json:"code"` // resident_id, credit_code, mobile, bank_card, email, plate, passport, person_name, address, name.…
	Share float64 `json:"share"`
}
