// Package fault is the closed list of ways an act can fail. The gateway maps each kind to one HTTP status
// and the command line to one exit code; unknown errors count as Internal and hide their text.
package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/policy"
)

// Kind classes an error. The zero kind is Internal.
type Kind int

// The closed list of kinds. Do not reorder: the wire carries their names.
const (
	Internal        Kind = iota // ours; the text stays inside
	Invalid                     // the request is malformed: place and remedy are told
	Unauthenticated             // nobody we know
	Denied                      // policy refused; Reasons say why
	Unknown                     // not there, or another organization's
	Conflict                    // the state does not allow the move; From, To and Allowed are told
	Unavailable                 // a part is away; try again
	Changed                     // the object is not what the caller saw
	Limited                     // too much asked at once; After says when to come back
)

// String returns the kind's wire name.
func (k Kind) String() string {
	return [...]string{"internal", "invalid", "unauthenticated", "denied", "unknown", "conflict", "unavailable", "changed", "limited"}[k]
}

// Place is one fault of a request: where, and a stable code. It never carries the caller's value.
type Place struct {
	Location string `json:"location"` // "body.columns[3].type", "row 17, column visits"
	Code     string `json:"code"`
}

// Error is an error people outside may see.
type Error struct {
	Kind    Kind
	Code    string // stable: "grant.expired", "key.unknown"
	Reasons []policy.Reason
	Places  []Place
	From    string        // Conflict: the state it is in
	To      string        // Conflict: the state asked for
	Allowed []string      // Conflict: the states it could go to
	After   time.Duration // Limited: how long to wait
	Cause   error         // for the log only
}

// Error implements error with kind and code only.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Code, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Code)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error of a kind with a stable code.
func New(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// NotFound is the one answer for what is absent and for what is another organization's.
func NotFound() *Error { return New(Unknown, "unknown") }

// Bad returns an Invalid error naming places.
func Bad(code string, places ...Place) *Error {
	return &Error{Kind: Invalid, Code: code, Places: places}
}

// Refused returns a Denied error that carries the reasons of a decision.
func Refused(d policy.Decision) *Error {
	code := "policy.denied"
	if len(d.Reasons) > 0 {
		code = d.Reasons[0].Code
	}
	return &Error{Kind: Denied, Code: code, Reasons: d.Reasons}
}

// Of returns the kind of err: Internal for anything that is not an *Error.
func Of(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Code returns the stable code of err, or "internal".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}
