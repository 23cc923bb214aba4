package flow

import (
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Opinion is what somebody says who decides against a thing. It is read by the other side.
type Opinion struct {
	Reason string `json:"reason"` // 1 to 500 bytes, without anything that turns or hides text
}

// maxReason bounds an opinion, in bytes.
const maxReason = 500

// Validate checks an opinion.
func (o Opinion) Validate() error {
	var p fault.Places
	missing, long := strings.TrimSpace(o.Reason) == "", len(o.Reason) > maxReason
	p.Require(!missing, "reason", "reason.missing")
	p.Require(!long, "reason", "reason.too_long")
	p.Require(missing || long || name.IsProse(o.Reason, maxReason), "reason", "text.invalid")
	return p.Err("opinion.invalid")
}

// Handled is one step of people's on record: who took it, in which seat or capacity, when, and what they said.
type Handled struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}
