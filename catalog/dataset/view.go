package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Spec asks for a new dataset.
type Spec struct {
	Slug    string   `json:"slug" yaml:"slug"`
	Title   string   `json:"title" yaml:"title"`
	Basis   string   `json:"basis" yaml:"basis"` // duty or public service it comes from (R3)
	Class   Class    `json:"class" yaml:"class"`
	Columns []Column `json:"columns" yaml:"columns"`
	Units   []Unit   `json:"units" yaml:"units"`
	RoundTo int      `json:"round_to" yaml:"round_to"`
	Terms   Terms    `json:"terms" yaml:"terms"`
	// Inspection is the digest of what was found in a file, when the declaration was made from that; Confirmed
	// are the columns the steward declares in spite of a suspicion.
	Inspection name.Digest `json:"inspection,omitempty" yaml:"inspection"`
	Confirmed  []string    `json:"confirmed,omitempty" yaml:"confirmed"`
}

// Confirmation is a steward's explicit word on suspected columns.
type Confirmation struct {
	Inspection name.Digest `json:"inspection,omitempty"`
	Columns    []string    `json:"columns"`
}

// Confirmation returns what a declaration confirms, nil when it says nothing of it.
func (s Spec) Confirmation() *Confirmation {
	if s.Inspection == "" && len(s.Confirmed) == 0 {
		return nil
	}
	return &Confirmation{Inspection: s.Inspection, Columns: s.Confirmed}
}

// CheckConfirmation checks the form of what a declaration confirms.
func (s Spec) CheckConfirmation() error {
	var p fault.Places
	p.Require(s.Inspection == "" || s.Inspection.Valid(), "inspection", "digest.invalid")
	for i, c := range s.Confirmed {
		place := fmt.Sprintf("confirmed[%d]", i)
		_, known := Find(s.Columns, c)
		p.Require(known, place, "column.unknown")
		p.Require(!slices.Contains(s.Confirmed[:i], c), place, "column.duplicate")
	}
	return p.Err("dataset.invalid")
}

// Facets narrow a catalogue. The zero value does not.
type Facets struct {
	Match    string // title or slug holds this text, whatever its case
	Provider string // organization number
	Level    int    // the highest level of a column, 1 … MaxLevel
}

// NoLevel is a level that nothing has: what is asked for as a level and is none.
const NoLevel = -1

// ReadFacets reads facets as a query has them; "" narrows nothing. It refuses none: a level that cannot be read becomes
// NoLevel, and whoever lists refuses that as it does every other level there is not.
func ReadFacets(match, provider, level string) Facets {
	f := Facets{Match: match, Provider: provider}
	if level == "" {
		return f
	}
	n, err := strconv.Atoi(level)
	if err != nil || n < 1 {
		n = NoLevel
	}
	f.Level = n
	return f
}

// Provider is an organization that has datasets.
type Provider struct{ Number, Name string }

// View is a dataset as it is shown.
type View struct {
	Slug         string        `json:"slug"`
	Title        string        `json:"title"`
	Basis        string        `json:"basis,omitempty"` // duty or public service it comes from (R3)
	Provider     string        `json:"provider"`        // organization number
	ProviderName string        `json:"provider_name"`
	Class        string        `json:"class"`
	State        string        `json:"state"`
	Registration string        `json:"registration,omitempty"` // number
	Columns      []Column      `json:"columns"`
	Units        []Unit        `json:"units"`
	RoundTo      int           `json:"round_to"`
	Terms        *Terms        `json:"terms,omitempty"`
	Confirmed    *Confirmation `json:"confirmed,omitempty"`
	Versions     []VersionView `json:"versions"`
	CreatedAt    time.Time     `json:"created_at"`
}

// VersionView is one version as it is shown.
type VersionView struct {
	Dataset       string    `json:"dataset"`
	Number        int       `json:"number"`
	State         string    `json:"state"`
	Rows          int64     `json:"rows,omitempty"`
	Digest        string    `json:"digest,omitempty"` // of the manifest
	Refusal       *Refusal  `json:"refusal,omitempty"`
	Profile       string    `json:"profile,omitempty"` // digest of the profile
	ProfileSigned bool      `json:"profile_signed"`
	Twin          *TwinView `json:"twin,omitempty"`  // the one sent last
	Mode          Mode      `json:"mode,omitempty"`  // how it was published
	Base          int       `json:"base,omitempty"`  // the version it adds to or corrects
	Parts         []Part    `json:"parts,omitempty"` // of one available version; lists of versions leave them out
	CreatedAt     time.Time `json:"created_at"`
}

// Refusal tells why an upload published nothing: every fault with its place, never a value.
type Refusal struct {
	Outcome string    `json:"outcome"`
	Errors  []BadCell `json:"errors"`
	More    bool      `json:"more,omitempty"` // there were further faults
	// Difference is how the file's columns differ from the declared ones.
	Difference []Drift `json:"difference,omitempty"`
}

// BadCell names the place and reason of one input fault.
type BadCell struct {
	Row    int64  `json:"row"`              // 1-based data row; 0 for the header or the file
	Line   int64  `json:"line,omitempty"`   // 1-based line of the file
	Column string `json:"column,omitempty"` // declared column name
	Reason string `json:"reason"`           // stable code: column.missing, file.encoding, value.not_integer, utf8.invalid, …
}

// Dataset returns the dataset a spec declares for a department.
func (s Spec) Dataset(provider name.ID) Dataset {
	return Dataset{
		Org: provider, Slug: name.Slug(s.Slug), Title: s.Title, Basis: s.Basis, Class: s.Class, Acquired: Own,
		State: Declared, Columns: s.Columns, Units: s.Units, RoundTo: s.RoundTo, Terms: &s.Terms,
	}
}
