package output

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Reason says why a request is sent back to its author.
type Reason string

// The closed list of reasons.
const (
	UnclearContext Reason = "context_unclear" // what it is for, or why it is safe, is not explained
	OtherPurpose   Reason = "purpose_other"   // it goes beyond the purpose that was granted
	UnclearCode    Reason = "code_unclear"    // the code does not do what the context says, or cannot be followed
	UnclearTable   Reason = "table_unclear"   // labels or measures need another form
	Disclosure     Reason = "disclosure"      // it may tell of a person though no rule blocks it
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{UnclearContext, OtherPurpose, UnclearCode, UnclearTable, Disclosure}
}

// ReturnSpec sends a request back. It names all that is wrong at once, so that the author mends it at once.
type ReturnSpec struct {
	Reasons []Reason `json:"reasons"`
	Text    string   `json:"text,omitempty"` // bounded as a comment of the seat is
}

// Validate checks what a voice sends back.
func (s ReturnSpec) Validate(voice Voice) error {
	var p fault.Places
	p.Require(len(s.Reasons) > 0, "reasons", "reason.missing")
	for i, r := range s.Reasons {
		p.Require(slices.Contains(Reasons(), r), "reasons", "reason.not_listed")
		p.Require(!slices.Contains(s.Reasons[:i], r), "reasons", "reason.twice")
	}
	if s.Text != "" {
		checkText(&p, s.Text, voice)
	}
	return p.Err("return.invalid")
}

// ReturnView is why a request was sent back, as its author reads it.
type ReturnView struct {
	Seat    Seat     `json:"seat"`
	Reasons []Reason `json:"reasons"`
	Text    string   `json:"text,omitempty"`
}

// ResubmitSpec hands a request in anew: over the same output, or over one that was mended. Job and Output default to
// those of the request it follows.
type ResubmitSpec struct {
	Job     string `json:"job,omitempty"`
	Output  string `json:"output,omitempty"`
	Context string `json:"context"` // why it is safe, what it is for, and what changed
}

// Validate checks what was asked for.
func (s ResubmitSpec) Validate() error {
	var p fault.Places
	p.Require(s.Context != "", "context", "context.missing")
	checkContext(&p, s.Context)
	return p.Err("resubmission.invalid")
}
