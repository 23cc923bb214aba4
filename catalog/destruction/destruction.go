// Package destruction holds the destruction noun: the end of a dataset version by the end of its keys, and the
// certificate that lets anyone check that it was recorded, with nothing but trust.json and the root key. It is pure:
// no store, no clock.
//
// A certificate says which keys were erased, not that nobody kept a copy of them: no signature can. What it binds is
// the instance, and every restore of it (decision 16).
package destruction

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
)

// States of a destruction.
const (
	Proposed  flow.State = "proposed"
	Withdrawn flow.State = "withdrawn"
	Approved  flow.State = "approved"
	Erased    flow.State = "erased"
	Certified flow.State = "certified"
)

// Flow is the life of a destruction. From its approval on there is no way back.
func Flow() flow.Table {
	const steward, keeper = "data_provider: data_steward", "keeper"
	return flow.Table{
		Noun: "destruction", Title: "Destruction of a dataset version", Source: "O23, O29: what is no longer to be kept is destroyed, with a certificate.",
		States: []flow.State{Proposed, Withdrawn, Approved, Erased, Certified},
		Ends:   []flow.State{Withdrawn, Certified},
		Moves: []flow.Move{
			{From: flow.None, Act: "propose", To: Proposed, Who: steward, Rule: "no later version rests on its parts"},
			{From: Proposed, Act: "withdraw", To: Withdrawn, Who: steward},
			{From: Proposed, Act: "approve", To: Approved, Who: steward + " or approver, another person", Rule: "runs on it end within seconds"},
			{From: Approved, Act: "erase", To: Erased, Who: keeper, Rule: "nothing reads it any more; the data keys are erased"},
			{From: Erased, Act: "certify", To: Certified, Who: keeper, Rule: "the erasure is sequenced and checkpointed"},
		},
	}
}

// Reason says why a version is destroyed.
type Reason string

// The closed list of reasons.
const (
	ReasonRetention Reason = "retention"       // its time is over
	ReasonAgreement Reason = "agreement_ended" // what it was kept for ended (O23)
	ReasonMistake   Reason = "mistake"         // it should not have been published
	ReasonSubject   Reason = "subject_request" // whom it is about may demand it
	ReasonOrder     Reason = "order"           // an authority orders it
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{ReasonRetention, ReasonAgreement, ReasonMistake, ReasonSubject, ReasonOrder}
}

// Spec asks for a destruction.
type Spec struct {
	Reason Reason `json:"reason"`
}

// Validate checks what was asked for.
func (s Spec) Validate() error {
	var p fault.Places
	p.Require(slices.Contains(Reasons(), s.Reason), "reason", "ground.not_listed")
	return p.Err("destruction.invalid")
}

// View is a destruction as it is shown to the department whose version it is.
type View struct {
	Dataset     string     `json:"dataset"`
	Version     int        `json:"version"`
	State       string     `json:"state"`
	Reason      Reason     `json:"reason"`
	AskedAt     time.Time  `json:"asked_at"`
	ApprovedAt  *time.Time `json:"approved_at,omitempty"`
	ErasedAt    *time.Time `json:"erased_at,omitempty"`
	Certificate string     `json:"certificate,omitempty"` // digest of the envelope, once it is signed
}

// Package is a destruction with everything needed to check it offline, apart from the root key. A file of such
// packages, one after the other, is a ledger that a restore replays.
type Package struct {
	Destruction View            `json:"destruction"`
	Certificate json.RawMessage `json:"certificate"` // envelope.Envelope over Certificate
	Proof       json.RawMessage `json:"proof"`       // trace.Proof of the erasure's leaf
	Trust       json.RawMessage `json:"trust"`       // trust.json, signed by the offline root
}
