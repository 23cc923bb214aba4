package dataset

import (
	"time"

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
}

// View is a dataset as it is shown.
type View struct {
	Slug         string        `json:"slug"`
	Title        string        `json:"title"`
	Provider     string        `json:"provider"` // organization number
	ProviderName string        `json:"provider_name"`
	Class        string        `json:"class"`
	State        string        `json:"state"`
	Registration string        `json:"registration,omitempty"` // number
	Columns      []Column      `json:"columns"`
	Units        []Unit        `json:"units"`
	RoundTo      int           `json:"round_to"`
	Terms        *Terms        `json:"terms,omitempty"`
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
	CreatedAt     time.Time `json:"created_at"`
}

// Refusal tells why an upload published nothing: every fault with its place, never a value.
type Refusal struct {
	Outcome string    `json:"outcome"`
	Errors  []BadCell `json:"errors"`
	More    bool      `json:"more,omitempty"` // there were further faults
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
