package job

import (
	"time"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/policy"
)

// Answer is what a check tells: everything a submit of the same package would be refused for, and what would pass.
// It spends no budget and reads no row. A scope refusal does not stop the code check.
type Answer struct {
	RuleSet  string          `json:"rule_set"` // version whose values were asked
	Revision string          `json:"revision"` // policy bundle whose rules were asked
	Passes   bool            `json:"passes"`   // nothing told here refuses it; final when the job is over
	Scope    []policy.Reason `json:"scope"`    // over all inputs and dimensions
	Allowed  []Allowance     `json:"allowed"`  // inputs under grants of the caller's organization
	Code     CodeAnswer      `json:"code"`
	Outputs  []OutputAnswer  `json:"outputs"`
	Gates    []Gate          `json:"gates"`
	Budgets  []budget.Left   `json:"budgets"` // as they would be after the run
	Before   int64           `json:"before"`  // pieces of work before a run queued now; a guide
}

// Allowance is what one input may ask for: within its grant and the provider's terms at once.
type Allowance struct {
	Input       string        `json:"input"`
	Grant       string        `json:"grant"`
	Dataset     string        `json:"dataset"`
	Columns     []string      `json:"columns"`
	Purposes    []string      `json:"purposes"`
	Operations  []string      `json:"operations"`
	Outputs     []string      `json:"outputs"` // kinds
	VersionFrom int           `json:"version_from"`
	VersionTo   int           `json:"version_to,omitempty"` // 0: every later one
	LevelCap    int           `json:"level_cap"`
	From        calendar.Date `json:"from"`
	To          calendar.Date `json:"to"` // last day
	Left        budget.Amount `json:"left"`
}

// CodeState is how far the code check has come.
type CodeState string

// The closed list of states.
const (
	CodeWaiting   CodeState = "waiting"   // under way
	CodeVerified  CodeState = "verified"  // every relation is
	CodeRefused   CodeState = "refused"   // some are only claimed
	CodePartly    CodeState = "partly"    // some read inputs that are not known, and could not be checked
	CodeUnchecked CodeState = "unchecked" // no input is known
	CodeFailed    CodeState = "failed"    // it could not be read at all
)

// CodeAnswer is the verdict on the code, over empty tables of the granted shape.
type CodeAnswer struct {
	State     CodeState        `json:"state"`
	Relations []RelationAnswer `json:"relations"`
	Findings  []Finding        `json:"findings"`
	Unchecked []string         `json:"unchecked"` // inputs without a known grant: what reads them was not checked
}

// Standing says what a relation is worth: only a verified one may be believed about its contributors.
type Standing string

// The closed list of standings.
const (
	Verified  Standing = "verified"
	Claimed   Standing = "claimed"
	Unchecked Standing = "unchecked"
)

// RelationAnswer is the verdict on one relation.
type RelationAnswer struct {
	Relation string         `json:"relation"`
	Standing Standing       `json:"standing"`
	Columns  []ColumnAnswer `json:"columns"` // of a verified one
}

// ColumnAnswer says what a result column may be used for.
type ColumnAnswer struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // token, label, measure
}

// Finding is one reason in the code or a declared table.
type Finding struct {
	Code      string   `json:"code"` // grammar.function, table.domain_empty, …
	Dimension string   `json:"dimension"`
	Relation  string   `json:"relation,omitempty"`
	File      string   `json:"file,omitempty"` // of a folder of code
	Line      int      `json:"line,omitempty"` // of the code file; 0: none
	What      []string `json:"what,omitempty"` // names of the author's own package; never a value of the data
	Remedy    string   `json:"remedy"`         // key of a message
}

// OutputAnswer names why a declared output cannot pass, whatever the data is.
type OutputAnswer struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"` // table, file
	Refused []Finding `json:"refused"`
}

// Gate is a condition outside the package.
type Gate struct {
	Gate    string     `json:"gate"`    // debug, agreement, registration, terms, grant, dataset
	Subject string     `json:"subject"` // number or name of what it is about
	State   string     `json:"state"`
	Open    bool       `json:"open"`
	Until   *time.Time `json:"until,omitempty"` // the first instant it no longer holds
}
