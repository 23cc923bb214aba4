package dataset

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Class is the grade of GB/T 43697-2024. Only general data enters the sandbox.
type Class string

// The closed list of classes.
const (
	General   Class = "general"
	Important Class = "important"
	Core      Class = "core"
)

// Acquired says how the department came by the data.
type Acquired string

// The closed list of ways.
const (
	Own     Acquired = "own"
	Sharing Acquired = "sharing" // needs the consent of the sharing provider (O5)
	Social  Acquired = "social"  // licensed (O31)
)

// Dataset is one entry of the catalogue. Columns, units and rounding base are fixed by its first publication.
type Dataset struct {
	ID       name.ID    `json:"id"`
	Org      name.ID    `json:"org"` // the department
	Slug     name.Slug  `json:"slug"`
	Title    string     `json:"title"`
	Basis    string     `json:"basis"` // duty or public service it comes from (R3)
	Class    Class      `json:"class"`
	Acquired Acquired   `json:"acquired"`
	Consent  string     `json:"consent,omitempty"` // document of the sharing provider
	State    flow.State `json:"state"`
	Columns  []Column   `json:"columns"`
	Units    []Unit     `json:"units"`
	RoundTo  int        `json:"round_to"`
	Terms    *Terms     `json:"terms,omitempty"`
}

// Bounds are the rule set's values a declaration is held against.
type Bounds struct {
	Columns             int
	KeepLeast, KeepMost int // versions a retention may keep
}

// Validate checks a dataset as it is declared.
func (d Dataset) Validate(within Bounds) error {
	var p fault.Places
	_, err := name.ParseSlug(string(d.Slug))
	p.Require(err == nil, "slug", "slug.invalid")
	p.Require(name.IsLine(d.Title, maxTitle), "title", "title.invalid")
	p.Require(name.IsProse(d.Basis, maxBasis), "basis", "basis.invalid")
	p.Require(d.Class != Core && d.Class != Important, "class", "class.not_admitted")
	p.Require(slices.Contains([]Class{General, Important, Core}, d.Class), "class", "class.unknown")
	p.Require(slices.Contains([]Acquired{Own, Sharing, Social}, d.Acquired), "acquired", "acquired.unknown")
	p.Require(d.Acquired == Own && d.Consent == "" || name.IsLine(d.Consent, maxTitle), "consent", "consent.missing")
	p.Require(d.RoundTo >= 1 && d.RoundTo <= 1000, "round_to", "round_to.out_of_range")
	p.Require(len(d.Columns) <= within.Columns, "columns", "columns.too_many")
	checkSchema(&p, d.Columns, d.Units)
	if d.Terms != nil {
		d.Terms.check(&p, "terms.", d.Columns, within)
	}
	return p.Err("dataset.invalid")
}

// Level is the dataset's level: that of its highest column.
func (d Dataset) Level() int {
	level := 0
	for _, c := range d.Columns {
		level = max(level, c.Level)
	}
	return level
}

// Terms is the department's ceiling over every grant. An empty list allows nothing.
type Terms struct {
	Purposes   []string          `json:"purposes"`
	Columns    []string          `json:"columns"`
	Operations []name.Operation  `json:"operations"`
	Outputs    []name.OutputKind `json:"outputs"`
	MinUnits   int               `json:"min_units"` // at least; the rule set's may be higher
	Approval   Approval          `json:"approval"`
	To         calendar.Date     `json:"to"` // last day
	Retention  *Retention        `json:"retention,omitempty"`
}

// Retention is how much of a feed is kept: the keeper withdraws what is older, once nothing needs it.
type Retention struct {
	Versions int `json:"versions"` // the newest available ones
}

// Approval says whether a job within the terms waits for people.
type Approval string

// The closed list of approval modes.
const (
	Manual    Approval = "manual"
	Automatic Approval = "automatic" // where the rule set allows it too
)

// Validate checks terms against the columns they speak of and the rule set's bounds.
func (t Terms) Validate(columns []Column, within Bounds) error {
	var p fault.Places
	t.check(&p, "", columns, within)
	return p.Err("terms.invalid")
}

func (t Terms) check(p *fault.Places, at string, columns []Column, within Bounds) {
	for i, c := range t.Columns {
		place := fmt.Sprintf("%scolumns[%d]", at, i)
		found, ok := Find(columns, c)
		p.Require(ok, place, "column.unknown")
		p.Require(!ok || found.Mask != MaskDrop, place, "column.dropped")
		p.Require(!slices.Contains(t.Columns[:i], c), place, "column.duplicate")
	}
	for i, v := range t.Purposes {
		p.Require(name.IsCode(v), fmt.Sprintf("%spurposes[%d]", at, i), "purpose.invalid")
	}
	for i, v := range t.Operations {
		p.Require(v.Known(), fmt.Sprintf("%soperations[%d]", at, i), "operation.unknown")
	}
	for i, v := range t.Outputs {
		p.Require(v.Known(), fmt.Sprintf("%soutputs[%d]", at, i), "output.unknown")
	}
	p.Require(t.MinUnits >= 0, at+"min_units", "min_units.negative")
	p.Require(t.Approval == Manual || t.Approval == Automatic, at+"approval", "approval.unknown")
	p.Require(!t.To.IsZero(), at+"to", "date.missing")
	if r := t.Retention; r != nil {
		kept := r.Versions >= within.KeepLeast && r.Versions <= within.KeepMost
		p.Require(kept, at+"retention.versions", "retention.out_of_bounds")
	}
}

// Version is one published state of a dataset's data.
type Version struct {
	ID        name.ID     `json:"id"`
	Dataset   name.ID     `json:"dataset"`
	Number    int         `json:"number"` // 1, 2, …
	State     flow.State  `json:"state"`
	Manifest  name.Digest `json:"manifest,omitempty"` // once available
	Rows      int64       `json:"rows"`
	Published time.Time   `json:"published"`
	Withdrawn *time.Time  `json:"withdrawn,omitempty"`
}

// Bounds of what people read about a dataset, in bytes.
const (
	maxTitle = 200 // titles, values of a domain, names of documents
	maxBasis = 500
)
