package agreement

import (
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/name"
)

// Spec records what agency and operator agreed, with the agency's collective decision.
type Spec struct {
	Operator string        `json:"operator"` // organization number
	From     calendar.Date `json:"from"`
	To       calendar.Date `json:"to"` // last day
	Datasets []name.Slug   `json:"datasets"`
	Document name.Digest   `json:"document"` // of the text to be signed
	Decision Decision      `json:"decision"`
	// Exception is the document that lifts the cap on the term; empty normally (O15: in principle).
	Exception string `json:"exception,omitempty"`
}

// Agreement returns what a spec records, between two organizations.
func (s Spec) Agreement(agency, operator name.ID) Agreement {
	return Agreement{
		Agency: agency, Operator: operator, From: s.From, To: s.To, Datasets: s.Datasets, Document: s.Document,
		Decision: s.Decision, Exception: s.Exception,
	}
}

// View is an agreement as it is shown to its parties and the authority.
type View struct {
	Number       string `json:"number"`
	Agency       string `json:"agency"` // organization number
	AgencyName   string `json:"agency_name"`
	Operator     string `json:"operator"` // organization number
	OperatorName string `json:"operator_name"`

	State    string        `json:"state"`
	RuleSet  string        `json:"rule_set"`
	From     calendar.Date `json:"from"`
	To       calendar.Date `json:"to"`
	Datasets []name.Slug   `json:"datasets"`
	Signed   []string      `json:"signed"` // parties that have signed
	SignedAt *time.Time    `json:"signed_at,omitempty"`
	FileDue  *time.Time    `json:"file_due,omitempty"`
	FiledAt  *time.Time    `json:"filed_at,omitempty"`
	Late     bool          `json:"filed_late"`
	Receipt  string        `json:"receipt,omitempty"`
}
