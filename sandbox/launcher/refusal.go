package launcher

import "github.com/sluicedata/sluice/sandbox"

// Refusal is a stable code for why the launcher did not do something. It is an error on both sides of the
// socket and carries no value of a request.
type Refusal string

// The closed list of refusals.
const (
	Invalid     Refusal = "run.invalid"        // malformed, or an unknown verb or field
	Fenced      Refusal = "run.fenced"         // a newer lease of the same work is known
	Unknown     Refusal = "run.unknown"        // not prepared here, or removed
	Busy        Refusal = "run.busy"           // not in the state this call needs
	BadInput    Refusal = "input.refused"      // a link, a device, or a file somebody still writes
	BadOutput   Refusal = "output.refused"     // something else than bounded regular files
	Unproved    Refusal = "runtime.unproved"   // a canary of its self-test did not hold; Proof says which
	Unavailable Refusal = "engine.unavailable" // engine or mount failed; the cause is in the launcher's log
)

// Error implements error.
func (r Refusal) Error() string { return string(r) }

// refusals lists every code, for the client to know them again.
func refusals() []Refusal {
	return []Refusal{Invalid, Fenced, Unknown, Busy, BadInput, BadOutput, Unproved, Unavailable}
}

// Is makes a refused output the sandbox's own error.
func (r Refusal) Is(target error) bool { return r == BadOutput && target == sandbox.ErrBadOutput }
