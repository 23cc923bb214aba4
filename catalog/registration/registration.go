// Package registration holds the registration noun: applications, the record they lead to, the limits of
// each step and the validity of the result (articles R9–R16). It is pure: no store, no clock.
package registration

import (
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Type is what an application asks for (R13), and renewal (R16).
type Type string

// The closed list of types.
const (
	Initial        Type = "initial"
	Change         Type = "change"
	Correction     Type = "correction"
	Deregistration Type = "deregistration"
	Renewal        Type = "renewal"
)

// Object is what is registered; the national platform numbers them 1 to 3.
type Object string

// The closed list of objects.
const (
	Resource     Object = "resource"
	Product      Object = "product"
	OpenResource Object = "open_resource"
)

// Application is one case. It keeps the rule set it began under.
type Application struct {
	ID           name.ID      `json:"id"`
	Number       name.Number  `json:"number"` // R-2026-0001
	Type         Type         `json:"type"`
	Object       Object       `json:"object"`
	Registrant   name.ID      `json:"registrant"` // organization
	Registrar    name.ID      `json:"registrar"`  // organization
	Dataset      name.ID      `json:"dataset"`
	State        flow.State   `json:"state"`
	RuleSet      string       `json:"rule_set"`
	Declarations Declarations `json:"declarations"`
	Summary      string       `json:"summary"`    // shown in the public notice
	Commitment   name.Digest  `json:"commitment"` // of the commitment letter (R9)
	Evidence     name.Digest  `json:"evidence"`   // of the evidenced manifest (R12)
	Received     time.Time    `json:"received"`
	Accepted     *time.Time   `json:"accepted,omitempty"`
	Noticed      *time.Time   `json:"noticed,omitempty"`
	Coded        *time.Time   `json:"coded,omitempty"`
}

// Declarations are the four statements of R4. All must be true.
type Declarations struct {
	NoStateSecret      bool `json:"no_state_secret"`
	TradeSecretHandled bool `json:"trade_secret_handled"`
	PersonalHandled    bool `json:"personal_information_handled"`
	RiskAssessed       bool `json:"risk_assessed"`
}

// Validate checks an application as it is handed in.
func (a Application) Validate() error {
	var p fault.Places
	types := []Type{Initial, Change, Correction, Deregistration, Renewal}
	p.Require(slices.Contains(types, a.Type), "type", "type.unknown")
	p.Require(slices.Contains([]Object{Resource, Product, OpenResource}, a.Object), "object", "object.unknown")
	p.Require(name.IsProse(a.Summary, 2000), "summary", "summary.invalid")
	p.Require(a.Commitment.Valid(), "commitment", "commitment.missing")
	p.Require(a.Evidence.Valid(), "evidence", "evidence.missing")
	all := Declarations{true, true, true, true}
	p.Require(a.Declarations == all, "declarations", "declarations.incomplete")
	return p.Err("registration.invalid")
}

// Limits are the values of the rule set a case needs.
type Limits struct {
	Accept  int // D1, working days from receipt to acceptance
	Review  int // D2, working days from acceptance to the opened notice
	Notice  int // D3, working days a notice is open; 0 closes it at once
	Years   int // D6, of validity
	Renewal int // D7, calendar days before expiry a renewal may be asked for
}

// Dues are the dates a case stands under; a zero date has not begun.
type Dues struct {
	Accept    calendar.Due `json:"accept"`
	Review    calendar.Due `json:"review"`
	NoticeEnd calendar.Due `json:"notice_end"`
}

// Dues counts the limits that have begun.
func (a Application) Dues(cal *calendar.Calendar, l Limits) Dues {
	return Dues{
		Accept:    count(cal, &a.Received, l.Accept),
		Review:    count(cal, a.Accepted, l.Review),
		NoticeEnd: count(cal, a.Noticed, l.Notice),
	}
}

func count(cal *calendar.Calendar, from *time.Time, days int) calendar.Due {
	if from == nil || from.IsZero() {
		return calendar.Due{}
	}
	return cal.AddWorkingDays(calendar.DateOf(*from), days)
}

// NoticeOver reports whether the public notice has run its time: at 24:00 of its last working day.
func (a Application) NoticeOver(cal *calendar.Calendar, l Limits, now time.Time) bool {
	if a.Noticed == nil {
		return false
	}
	return l.Notice == 0 || a.Dues(cal, l).NoticeEnd.Passed(now)
}

// Record is a registration in force or ended.
type Record struct {
	Number    name.Number `json:"number"`
	Object    Object      `json:"object"`
	QueryCode string      `json:"query_code"` // the national code; opaque
	// Provisional is our own number while the national side has given no code.
	Provisional string     `json:"provisional,omitempty"`
	Period      Period     `json:"period"`
	State       flow.State `json:"state"`
}

// ProvisionalCode returns the number a case carries until the national code is there. Its letters keep it
// from being taken for one: those are digits.
func ProvisionalCode(n name.Number) string { return "PROVISIONAL-" + string(n) }
