package dataset

import (
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// A twin is a department's own synthetic stand-in for one version: a file of invented rows with the version's
// columns. Debug runs use it in place of rows invented from the profile. It never counts as data.

// States of a twin.
const (
	TwinChecking  flow.State = "checking"
	TwinAccepted  flow.State = "accepted"
	TwinRefused   flow.State = "refused"
	TwinReplaced  flow.State = "replaced"
	TwinWithdrawn flow.State = "withdrawn"
)

// TwinFlow is the life of a twin. One that ended never comes back: the steward sends another.
func TwinFlow() flow.Table {
	const steward, worker = "data_provider: data_steward", "worker"
	return flow.Table{
		Noun: "twin", Title: "Twin of a dataset version", Source: "Debug runs see invented rows only.",
		States: []flow.State{TwinChecking, TwinAccepted, TwinRefused, TwinReplaced, TwinWithdrawn},
		Ends:   []flow.State{TwinRefused, TwinReplaced, TwinWithdrawn},
		Moves: []flow.Move{
			{From: flow.None, Act: "twin", To: TwinChecking, Who: steward, Rule: "declared as invented with the steward's own key"},
			{From: TwinChecking, Act: "accept", To: TwinAccepted, Who: worker, Rule: "every row parses; it shares no unit and hardly a row with the real data"},
			{From: TwinChecking, Act: "refuse", To: TwinRefused, Who: worker, Rule: "places and reasons are told"},
			{From: TwinChecking, Act: "withdraw", To: TwinWithdrawn, Who: steward, Rule: "with its version"},
			{From: TwinAccepted, Act: "replace", To: TwinReplaced, Who: worker, Rule: "another one was accepted"},
			{From: TwinAccepted, Act: "withdraw", To: TwinWithdrawn, Who: steward + ", or the keeper", Rule: "with its version"},
		},
	}
}

// TwinType is the signature domain of a twin statement.
const TwinType envelope.Type = "application/vnd.sluice.twin.v1+json"

// TwinStatement is what a steward signs: the rows of this file are invented, and may be shown in debug runs in
// place of those of this version.
type TwinStatement struct {
	Dataset  name.Slug   `json:"dataset"`
	Number   int         `json:"number"`
	Manifest name.Digest `json:"manifest"`
	File     name.Digest `json:"file"`    // of the whole file, as it was uploaded
	Steward  name.ID     `json:"steward"` // member
	At       time.Time   `json:"at"`
}

// TwinSpec asks for a twin of a version.
type TwinSpec struct {
	Upload      string            `json:"upload"`      // a complete upload
	Declaration envelope.Envelope `json:"declaration"` // over a TwinStatement
}

// Validate checks what can be checked of the form alone.
func (s TwinSpec) Validate() error {
	var p fault.Places
	_, err := name.ParseID(s.Upload)
	p.Require(err == nil, "upload", "id.invalid")
	return p.Err("twin.invalid")
}

// TwinView is the twin sent last for a version as it is shown. Until it is accepted an earlier one may be in use.
type TwinView struct {
	State     string    `json:"state"`
	File      string    `json:"file"` // digest of the file it was sent as
	Rows      int64     `json:"rows,omitempty"`
	Refusal   *Refusal  `json:"refusal,omitempty"`
	InUse     string    `json:"in_use,omitempty"` // digest of the file debug runs use
	CreatedAt time.Time `json:"created_at"`
}

// Reasons why rows of a twin are taken for real ones.
const (
	UnitShared = "twin.unit_shared" // the row names a protected unit of the real data
	RowEqual   = "twin.row_equal"   // the row is a real one that few people share
	TwinEmpty  = "twin.empty"       // nothing could be debugged with it
)

// Resemblance is how much of a twin is its version's real data, as it was measured in a container.
type Resemblance struct {
	Rows   int64     // of the twin
	Shared int64     // rows that name a real unit
	Equal  int64     // rows that equal a rare real one
	Errors []BadCell // where, by reason
}

// Judge returns why a twin is refused, nothing when it may stand for its version: no real unit at all, and at most
// a share of its rows may be real ones by chance.
func (r Resemblance) Judge(share float64) []BadCell {
	if r.Rows <= 0 {
		return []BadCell{{Reason: TwinEmpty}}
	}
	shared, equal := r.Shared != 0, float64(r.Equal) > share*float64(r.Rows)
	found := slices.DeleteFunc(slices.Clone(r.Errors), func(e BadCell) bool {
		return e.Reason == UnitShared && !shared || e.Reason == RowEqual && !equal
	})
	told := func(reason string) bool {
		return slices.ContainsFunc(found, func(e BadCell) bool { return e.Reason == reason })
	}
	if shared && !told(UnitShared) { // counted but not told where: it is no less real
		found = append(found, BadCell{Reason: UnitShared})
	}
	if equal && !told(RowEqual) {
		found = append(found, BadCell{Reason: RowEqual})
	}
	return found
}
