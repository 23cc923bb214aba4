package job

import (
	"fmt"
	"math"
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Mode says over what data a job runs.
type Mode string

// The closed list of modes.
const (
	Debug      Mode = "debug"      // synthetic tables; full logs, no approvals, nothing leaves
	Production Mode = "production" // real data
	Check      Mode = "check"      // no data: everything that would be refused, and what would pass
)

// Job is one submitted package. It keeps the rule set it began under.
type Job struct {
	ID        name.ID     `json:"id"`
	Number    name.Number `json:"number"` // J-2026-0117
	Org       name.ID     `json:"org"`    // operator
	Author    name.ID     `json:"author"` // member
	Mode      Mode        `json:"mode"`
	State     flow.State  `json:"state"`
	RuleSet   string      `json:"rule_set"`
	Package   name.Digest `json:"package"` // of the canonical package: the code digest
	Submitted time.Time   `json:"submitted"`
	Ended     *time.Time  `json:"ended,omitempty"`
	// Usage is coarse on purpose: exact times and counts are outputs too.
	Relations []RelationSize `json:"relations,omitempty"`
}

// RelationSize is all an author learns of a relation over real data.
type RelationSize struct {
	Relation string `json:"relation"`
	Rows     string `json:"rows"` // Bucket
}

// Bucket tells a row count coarsely: "0-9", ">=10", then powers of ten, "10^2" for 100 to 999.
func Bucket(rows int64) string {
	switch {
	case rows < 10:
		return "0-9"
	case rows < 100:
		return ">=10"
	}
	k := 2
	for bound := int64(1000); rows >= bound; bound *= 10 {
		k++
		if bound > math.MaxInt64/10 {
			break
		}
	}
	return fmt.Sprintf("10^%d", k)
}
