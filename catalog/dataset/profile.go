package dataset

// TableProfile is what a steward signs and what synthetic tables are made from.
type TableProfile struct {
	Version int             `json:"version"` // of this format: 1
	Rows    int64           `json:"rows"`    // rounded
	Units   []UnitProfile   `json:"units"`
	Columns []ColumnProfile `json:"columns"`
}

// UnitProfile tells how many units of a kind there are and how many rows one has at most.
type UnitProfile struct {
	Kind    string `json:"kind"`
	Column  string `json:"column"`
	Count   int64  `json:"count"`    // rounded
	RowsPer int64  `json:"rows_per"` // rows of a unit, the greatest number held by ≥ MinUnits units
}

// ColumnProfile describes one column with shown values only.
type ColumnProfile struct {
	Column
	Missing int64       `json:"missing"` // rounded count of empty values
	Values  []ValueFreq `json:"values,omitempty"`
}

// ValueFreq is one value held by at least MinUnits units, with its rounded row count.
type ValueFreq struct {
	Value string `json:"value"`
	Rows  int64  `json:"rows"`
}
