package dataset

// Type is a column's type; the SQL type it is staged with is in parentheses.
type Type string

// The closed list of column types.
const (
	Text    Type = "text"    // (VARCHAR)
	Integer Type = "integer" // (BIGINT)
	Number  Type = "number"  // (DOUBLE)
	Boolean Type = "boolean" // (BOOLEAN) true or false in CSV
	Date    Type = "date"    // (DATE) YYYY-MM-DD in CSV
)

// Role says how near a column is to a person.
type Role string

// The closed list of roles.
const (
	Identifier Role = "identifier" // names one person or firm; never leaves
	Quasi      Role = "quasi"      // identifies together with others
	Sensitive  Role = "sensitive"
	Other      Role = "other"
)

// Mask says how a granted column is shown. The empty mask shows it whole.
type Mask string

// The closed list of masks.
const (
	MaskNone    Mask = ""
	MaskSurname Mask = "surname" // first character, the rest replaced by *
	MaskPhone   Mask = "phone"   // 138****1234
	MaskDrop    Mask = "drop"    // never shown, whatever a grant says
)

// Column describes one column of a dataset.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
	Type  Type   `json:"type"`
	Level int    `json:"level"` // 1 (public) to 4 (serious harm)
	Role  Role   `json:"role"`
	Mask  Mask   `json:"mask,omitempty"`
	// Domain lists the declared values, as text; empty when the domain is open. Profiles and synthetic
	// tables show declared domains, never observed extremes.
	Domain []string `json:"domain,omitempty"`
	// Min and Max are the declared range of an integer, number or date column; nil when open.
	Min *string `json:"min,omitempty"`
	Max *string `json:"max,omitempty"`
}

// Unit is one kind of protected unit of a dataset and the column that names it.
type Unit struct {
	Kind   string `json:"kind"`   // "resident": also the name of the token column in a staged table
	Column string `json:"column"` // the identifier column, cut away by staging unless granted
}
