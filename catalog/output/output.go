// Package output holds the output noun: what a run made, the review of it and the votes about it (domain
// 2.3.12). It is pure: no store, no clock.
package output

import (
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Output is one result of a run. Its bytes lie encrypted under their digest and are quarantined until
// released.
type Output struct {
	ID       name.ID         `json:"id"`
	Job      name.ID         `json:"job"`
	Name     string          `json:"name"`
	Kind     name.OutputKind `json:"kind"`
	State    flow.State      `json:"state"`
	Digest   name.Digest     `json:"digest"` // of the canonical bytes
	Size     int64           `json:"size"`   // bytes
	Rows     int             `json:"rows"`
	Evidence name.Digest     `json:"evidence"` // of the evidence's canonical JSON
	// Members is the digest of the sealed cell memberships, kept for differencing.
	Members name.Digest `json:"members"`
	Sealed  time.Time   `json:"sealed"`
}

// Request is the review of one output.
type Request struct {
	ID       name.ID     `json:"id"`
	Number   name.Number `json:"number"` // Q-2026-0001
	Output   name.ID     `json:"output"`
	Author   name.ID     `json:"author"` // of the job; never votes
	Operator name.ID     `json:"operator"`
	Agency   name.ID     `json:"agency"`
	Revision string      `json:"revision"` // policy bundle the findings come from
	RuleSet  string      `json:"rule_set"`
	Opened   time.Time   `json:"opened"`
	Closed   *time.Time  `json:"closed,omitempty"`
}
