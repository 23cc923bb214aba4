package job

// Table is a declared output table: the platform computes it, not the job.
type Table struct {
	Name     string      `json:"name"`
	From     string      `json:"from"` // relation
	By       []Dimension `json:"by"`
	Measures []Measure   `json:"measures"`
}

// Dimension is a label column with its declared domain.
type Dimension struct {
	Column string   `json:"column"`
	Values []string `json:"values"`
}

// Stat is a statistic the platform forms.
type Stat string

// The closed list of statistics.
const (
	StatUnits Stat = "units" // number of protected units
	StatRows  Stat = "rows"
	StatSum   Stat = "sum"
	StatMean  Stat = "mean"
	StatRatio Stat = "ratio" // sum(Of) / sum(Per)
)

// Measure is one figure of a declared table.
type Measure struct {
	Name string `json:"name"`
	Stat Stat   `json:"stat"`
	Of   string `json:"of,omitempty"`  // measure column of the relation
	Per  string `json:"per,omitempty"` // ratio: the denominator column; mean: "" over rows, "unit" over units
}
