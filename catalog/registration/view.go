package registration

import (
	"time"

	"github.com/sluicedata/sluice/catalog/name"
)

// Spec asks for an initial registration of a dataset.
type Spec struct {
	Declarations Declarations `json:"declarations"`
	Summary      string       `json:"summary"`
	Commitment   name.Digest  `json:"commitment"`
	Evidence     name.Digest  `json:"evidence"` // digest of the published version's manifest
}

// Application returns the case a spec opens.
func (s Spec) Application(number name.Number, received time.Time) Application {
	return Application{
		Number: number, Type: Initial, Object: Resource, Declarations: s.Declarations, Summary: s.Summary,
		Commitment: s.Commitment, Evidence: s.Evidence, Received: received,
	}
}

// Check returns every fault of a spec with its place.
func (s Spec) Check() error { return s.Application("", time.Time{}).Validate() }

// View is a registration as it is shown to registrant and registrar.
type View struct {
	Number     string     `json:"number"`
	Dataset    string     `json:"dataset"`
	Summary    string     `json:"summary,omitempty"` // of what is registered, as the public notice tells it
	State      string     `json:"state"`
	RuleSet    string     `json:"rule_set"`
	AppliedAt  time.Time  `json:"applied_at"`
	AcceptDue  time.Time  `json:"accept_due"`
	AcceptedAt *time.Time `json:"accepted_at,omitempty"`
	ReviewDue  *time.Time `json:"review_due,omitempty"`
	NoticedAt  *time.Time `json:"noticed_at,omitempty"`
	NoticeEnds *time.Time `json:"notice_ends,omitempty"`
	CodedAt    *time.Time `json:"coded_at,omitempty"`
	QueryCode  string     `json:"query_code,omitempty"`
	ValidTo    *time.Time `json:"valid_to,omitempty"`
	Late       bool       `json:"late"` // a step was done after its day
}

// Notice is a registration as everybody may know of it: in its public notice, or with its code.
type Notice struct {
	Number     string
	Title      string // of the dataset
	Summary    string
	Registrant string // name of the organization
	State      string
	NoticedAt  time.Time
	NoticeEnds time.Time
	QueryCode  string // "" while in notice
	ValidTo    *time.Time
}
