package grant

import (
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
)

// Spec asks for a grant under an agreement.
type Spec struct {
	Agreement string `json:"agreement" yaml:"agreement"` // number
	Scope     Scope  `json:"scope" yaml:"scope"`
}

// View is a grant as it is shown to its parties.
type View struct {
	Number       string `json:"number"`
	Agreement    string `json:"agreement"`
	Operator     string `json:"operator"` // organization number
	OperatorName string `json:"operator_name"`
	Dataset      string `json:"dataset"`
	State        string `json:"state"`
	Scope        Scope  `json:"scope"`
	RunsLeft     int64  `json:"runs_left"`
	RowsLeft     int64  `json:"rows_left"`
	// FailedLeft counts the failed answers the grant may still give; a run under way holds one.
	FailedLeft int64      `json:"failed_left"`
	CreatedAt  time.Time  `json:"created_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	// Refused is by whom and why it was refused.
	Refused *flow.Handled `json:"refused,omitempty"`
	// Asked is the scope that was proposed, when only a part of it was allowed.
	Asked *Scope `json:"asked,omitempty"`
}
