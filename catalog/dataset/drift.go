package dataset

import "slices"

// Drift is one difference between the declared columns and those of a file. It holds names and kinds, never a
// value.
type Drift struct {
	Column   string `json:"column"`
	Expected string `json:"expected,omitempty"` // declared type; empty for a column nobody declared
	Found    string `json:"found"`              // missing, unknown, duplicate or other_type
}

// drifts are the input faults that say that a file has other columns than its dataset, and not only a bad cell.
func drifts() map[string]string {
	return map[string]string{
		"column.missing": "missing", "column.unknown": "unknown", "column.duplicate": "duplicate",
		"column.nested": "other_type", "value.not_integer": "other_type", "value.not_number": "other_type",
		"value.not_boolean": "other_type", "value.not_date": "other_type",
	}
}

// Difference sums up what a file's faults say about its columns: each column once, in the order of the faults. A
// single bad cell counts too; whoever reads it sees by the faults how many there are.
func Difference(columns []Column, faults []BadCell) []Drift {
	codes := drifts()
	var found []Drift
	for _, f := range faults {
		kind, is := codes[f.Reason]
		told := func(d Drift) bool { return d.Column == f.Column && d.Found == kind }
		if !is || f.Column == "" || slices.ContainsFunc(found, told) {
			continue
		}
		c, _ := Find(columns, f.Column)
		found = append(found, Drift{Column: f.Column, Expected: string(c.Type), Found: kind})
	}
	return found
}
