package job

import (
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// View is a job as its operator and its agency see it.
type View struct {
	Number     string          `json:"number"`
	Name       string          `json:"name"`
	Mode       Mode            `json:"mode"`
	State      string          `json:"state"`
	Purpose    string          `json:"purpose"`
	CodeDigest string          `json:"code_digest"`
	QueuePlace int64           `json:"queue_place,omitempty"` // pieces of work before it; a guide: it is exact until something ends
	Approvals  []string        `json:"approvals"`             // seats that consented to the run
	Consents   []Consent       `json:"consents,omitempty"`    // the same with their times, in the order they were given
	Findings   json.RawMessage `json:"findings,omitempty"`    // []task.CheckFinding: why check refused it
	Failure    json.RawMessage `json:"failure,omitempty"`     // task.Failure: class and line
	Usage      json.RawMessage `json:"usage,omitempty"`       // Usage
	Stopped    string          `json:"stopped,omitempty"`     // why it was killed
	Refused    *flow.Handled   `json:"refused,omitempty"`     // by a seat, and why
	Outputs    []string        `json:"outputs"`
	Released   []string        `json:"released,omitempty"` // outputs that went out
	Answer     *Answer         `json:"answer,omitempty"`   // of a check
	Budgets    []budget.Left   `json:"budgets,omitempty"`  // what the operator has left now; of a production job, to its operator
	CreatedAt  time.Time       `json:"created_at"`
	EndedAt    *time.Time      `json:"ended_at,omitempty"`
}

// Consent is a seat's agreement to a run.
type Consent struct {
	Seat string    `json:"seat"`
	At   time.Time `json:"at"`
}

// Stop is a job that ends when a right it rests on does, as those see it who can end the right.
type Stop struct {
	Number       string    `json:"number"`
	Operator     string    `json:"operator"` // organization number
	OperatorName string    `json:"operator_name"`
	Mode         Mode      `json:"mode"`
	State        string    `json:"state"`
	CreatedAt    time.Time `json:"created_at"`
}

// Usage is what an author learns of a run's size: rows per relation, time and memory in buckets. Tables and inputs are set
// by debug runs only: their data is invented, and inputs say by whom.
type Usage struct {
	Relations []RelationSize    `json:"relations"`
	Limits    *LimitsUsed       `json:"limits,omitempty"` // nil of runs from before they were told
	Tables    map[string]string `json:"tables,omitempty"` // output name → CSV
	Inputs    []InputSource     `json:"inputs,omitempty"`
}

// LimitsUsed holds what a run took against what it might. How much it took is told coarsely: exact times are outputs too.
type LimitsUsed struct {
	Seconds    string `json:"seconds"` // Bucket, all containers together
	MostTime   int    `json:"most_seconds"`
	Memory     string `json:"memory_mb,omitempty"` // Bucket of MiB; "" of what was not measured
	MostMemory int    `json:"most_memory_mb"`
}

// InputSource says what an input of a debug run was made from.
type InputSource struct {
	Input    string      `json:"input"`
	MadeFrom MadeFrom    `json:"made_from"`
	Digest   name.Digest `json:"digest"` // of the profile, or of the twin's rows
}

// MadeFrom names what stands in for real rows.
type MadeFrom string

// The closed list of what debug runs see.
const (
	FromTwin    MadeFrom = "twin"    // the department's own invented rows, cut to the grant
	FromProfile MadeFrom = "profile" // rows invented from the profile its steward signed
)

// Steady returns the view without what other jobs change: nobody decides on that.
func (v View) Steady() any {
	v.QueuePlace, v.Budgets = 0, nil
	return v
}

// Over tells whether nothing will happen to the job by itself any more: it has ended, or its outputs wait
// for people.
func (v View) Over() bool {
	return v.EndedAt != nil || v.State == string(OutputQuarantined)
}
