package job

import (
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/budget"
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
	Findings   json.RawMessage `json:"findings,omitempty"`    // []task.CheckFinding: why check refused it
	Failure    json.RawMessage `json:"failure,omitempty"`     // task.Failure: class and line
	Usage      json.RawMessage `json:"usage,omitempty"`       // Usage
	Stopped    string          `json:"stopped,omitempty"`     // why it was killed
	Outputs    []string        `json:"outputs"`
	Answer     *Answer         `json:"answer,omitempty"`  // of a check
	Budgets    []budget.Left   `json:"budgets,omitempty"` // what the operator has left now; of a production job, to its operator
	CreatedAt  time.Time       `json:"created_at"`
	EndedAt    *time.Time      `json:"ended_at,omitempty"`
}

// Usage is what an author learns of a run's size: rows per relation in buckets. Tables are set by debug runs
// only: their data is invented.
type Usage struct {
	Relations []RelationSize    `json:"relations"`
	Tables    map[string]string `json:"tables,omitempty"` // output name → CSV
}

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
