// Package screen judges one output by the evidence about it.
//
// The evidence is computed by sluice-runner in a container (sandbox/runner); the rules here are pure
// functions of evidence and rule values, so that the keeper can judge again at any time and get the same
// findings. Findings carry cell labels the author declared and codes, never figures.
//
// Rule figures and their sources: disclosure rules cn-default of the rule set (ACRO 1.0.1 defaults for
// threshold, dominance and p %; OpenSAFELY for rounding).
package screen

// Evidence is what was measured about one output table.
type Evidence struct {
	Output    string         `json:"output"`
	Relations []RelationFact `json:"relations"`
	Cells     []Cell         `json:"cells"` // every combination of the declared domains, in order
	// OutsideDomain counts rows whose label is not declared (by the column of the label).
	OutsideDomain []ColumnCount `json:"outside_domain"`
	Differences   []Difference  `json:"differences"`
	// CopiedRows counts published rows equal to an input row; Identifiers counts published values that
	// carry a valid check digit.
	CopiedRows  int           `json:"copied_rows"`
	Identifiers []ColumnCount `json:"identifiers"`
}

// RelationFact is what was measured about one relation before anything was computed from it.
type RelationFact struct {
	Relation string `json:"relation"`
	Rows     int64  `json:"rows"`
	// Foreign counts rows whose token was never staged; Repeated counts units with more rows than the
	// largest of the relation's inputs staged for them.
	Foreign  int64 `json:"foreign"`
	Repeated int64 `json:"repeated"`
	// Dependent says that the split test failed: the relation depends on other people's rows.
	Dependent bool `json:"dependent"`
}

// ColumnCount counts something about one column.
type ColumnCount struct {
	Column string `json:"column"`
	Count  int64  `json:"count"`
}

// Cell is what was measured about one cell.
type Cell struct {
	Key      []string      `json:"key"` // labels, in the order of the table's dimensions
	Units    []UnitCount   `json:"units"`
	Rows     Concentration `json:"rows"` // of row counts over units
	Measures []MeasureFact `json:"measures"`
}

// UnitCount counts the contributors of one kind.
type UnitCount struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// Concentration tells how a total is spread over units, in absolute values.
type Concentration struct {
	X1    float64 `json:"x1"` // largest contribution
	X2    float64 `json:"x2"` // second largest
	Total float64 `json:"total"`
}

// MeasureFact is what was measured about one source column in one cell.
type MeasureFact struct {
	Column        string        `json:"column"` // of the relation
	Concentration Concentration `json:"concentration"`
	// Varying counts the units whose value differs from the cell's most frequent one.
	Varying int64 `json:"varying"`
}

// Difference is a pair of cells or margins that few units tell apart. Pairs with nothing between them are
// not listed.
type Difference struct {
	Key      []string `json:"key"`   // a cell or margin of this output; "*" for a dimension summed over
	Other    string   `json:"other"` // "output visits_by_plan" or an earlier release's title
	OtherKey []string `json:"other_key"`
	// Units lie in only one of the two; Rows lie in both and contribute different rows.
	Units int64 `json:"units"`
	Rows  int64 `json:"rows"`
}

// Rules are the values of the rule set that judge an output.
type Rules struct {
	MinUnits       int     `json:"min_units"`       // cells with fewer units are blocked: 10
	DominanceShare float64 `json:"dominance_share"` // (x1+x2)/T at or above is blocked: 0.90
	PPercent       float64 `json:"p_percent"`       // T−x1−x2 below this share of x1 is blocked: 0.10
	MinVarying     int     `json:"min_varying"`     // units off the most frequent value: 10
	MinDifference  int     `json:"min_difference"`  // 1 … MinDifference−1 units apart is blocked: 10
	RoundTo        int     `json:"round_to"`        // base of published counts: 5
}

// Finding is one reason to block an output.
type Finding struct {
	Code string `json:"code"` // people.below_threshold, dominance.two_largest, …
	// Cells lists the cells it concerns by their declared labels; empty when it concerns the whole.
	Cells  [][]string `json:"cells,omitempty"`
	What   string     `json:"what,omitempty"` // a column, relation or earlier release
	Remedy string     `json:"remedy"`         // key of a message
}
