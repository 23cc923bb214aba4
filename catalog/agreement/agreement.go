// Package agreement holds the operating agreement between an implementing agency and an operator: its term,
// what it covers, its filing and the moves of its life (articles O15, O16, O22, O23). It is pure: no store,
// no clock.
package agreement

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Agreement is one operating agreement. It keeps the rule set it began under.
type Agreement struct {
	ID       name.ID       `json:"id"`
	Number   name.Number   `json:"number"` // A-2026-0001
	Agency   name.ID       `json:"agency"`
	Operator name.ID       `json:"operator"`
	State    flow.State    `json:"state"`
	RuleSet  string        `json:"rule_set"`
	From     calendar.Date `json:"from"`
	To       calendar.Date `json:"to"` // last day
	Datasets []name.Slug   `json:"datasets"`
	Document name.Digest   `json:"document"` // of the signed text
	// Decision is the collective decision (O15); its date must not be after the signing.
	Decision Decision   `json:"decision"`
	Signed   *time.Time `json:"signed,omitempty"`
	Filed    *time.Time `json:"filed,omitempty"`
	Receipt  string     `json:"receipt,omitempty"` // number of the authority's filing receipt
	// Exception is the recorded reason for a term above the cap; empty when there is none.
	Exception string `json:"exception,omitempty"`
}

// Decision is the record of a collective decision.
type Decision struct {
	Document string        `json:"document,omitempty"`
	Date     calendar.Date `json:"date"`
}

// Validate checks an agreement as it is recorded. capYears is the longest term without an exception.
func (a Agreement) Validate(capYears int) error {
	var p fault.Places
	p.Require(!a.From.IsZero() && !a.To.IsZero() && !a.To.Before(a.From), "to", "term.invalid")
	p.Require(a.Exception != "" || !a.overCap(capYears), "to", "term.over_cap")
	p.Require(a.Agency != a.Operator, "operator", "operator.is_agency")
	p.Require(a.Document.Valid(), "document", "document.missing")
	p.Require(len(a.Datasets) > 0, "datasets", "datasets.missing")
	for i, s := range a.Datasets {
		at := fmt.Sprintf("datasets[%d]", i)
		_, err := name.ParseSlug(string(s))
		p.Require(err == nil, at, "slug.invalid")
		p.Require(!slices.Contains(a.Datasets[:i], s), at, "dataset.duplicate")
	}
	return p.Err("agreement.invalid")
}

// overCap counts as the Civil Code does: the last day of three years is the day of the same date.
func (a Agreement) overCap(years int) bool { return a.To.After(a.From.AddYears(years)) }

// Covers reports whether a dataset is in the agreement's catalogue.
func (a Agreement) Covers(s name.Slug) bool { return slices.Contains(a.Datasets, s) }

// CheckSigning refuses a signature without a collective decision, or with one dated after it.
func (a Agreement) CheckSigning(signed time.Time) error {
	switch {
	case a.Decision.Document == "" || a.Decision.Date.IsZero():
		return fault.New(fault.Conflict, "agreement.decision_missing")
	case a.Decision.Date.After(calendar.DateOf(signed)):
		return fault.New(fault.Conflict, "agreement.decision_after_signing")
	}
	return nil
}

// FilingDue returns the last day for filing (O16, D8), the zero Due before signing.
func (a Agreement) FilingDue(cal *calendar.Calendar, workingDays int) calendar.Due {
	if a.Signed == nil {
		return calendar.Due{}
	}
	return cal.AddWorkingDays(calendar.DateOf(*a.Signed), workingDays)
}

// FilingLate reports whether the filing came, or is still missing, after its last day.
func (a Agreement) FilingLate(cal *calendar.Calendar, workingDays int, now time.Time) bool {
	if a.Signed == nil {
		return false
	}
	if a.Filed != nil {
		now = *a.Filed
	}
	return a.FilingDue(cal, workingDays).Passed(now)
}

// CheckEffect refuses to let an agreement take effect before its term, after it, or unfiled while the filing
// gate is on.
func (a Agreement) CheckEffect(filingGate bool, now time.Time) error {
	switch {
	case filingGate && a.Filed == nil:
		return fault.New(fault.Conflict, "agreement.not_filed")
	case now.Before(a.From.Start()):
		return fault.New(fault.Conflict, "agreement.not_begun")
	case !now.Before(a.To.End()):
		return fault.New(fault.Conflict, "agreement.term_over")
	}
	return nil
}
