package flow

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/fault"
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
	p.Require(strings.TrimSpace(o.Reason) != "", "reason", "reason.missing")
	p.Require(len(o.Reason) <= maxReason, "reason", "reason.too_long")
	odd := func(r rune) bool { return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
	p.Require(utf8.ValidString(o.Reason) && !strings.ContainsFunc(o.Reason, odd), "reason", "text.invalid")
	return p.Err("opinion.invalid")
}

// Handled is one step of people's on record: who took it, in which seat or capacity, when, and what they said.
type Handled struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}
