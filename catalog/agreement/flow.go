package agreement

import "github.com/sluicedata/sluice/catalog/flow"

// States of an agreement.
const (
	Draft      flow.State = "draft"
	Decided    flow.State = "decided"
	Signed     flow.State = "signed"
	Filed      flow.State = "filed"
	Effective  flow.State = "effective"
	Suspended  flow.State = "suspended"
	Expired    flow.State = "expired"
	Terminated flow.State = "terminated"
)

// Flow is the life of an agreement. Amendments come as further rows.
func Flow() flow.Table {
	const agency, system = "implementing_agency: approver", "system"
	return flow.Table{
		Noun: "agreement", Title: "Operating agreement", Source: "O15, O16, O22, O23; domain 2.3.7.",
		States: []flow.State{Draft, Decided, Signed, Filed, Effective, Suspended, Expired, Terminated},
		Ends:   []flow.State{Expired, Terminated},
		Moves: []flow.Move{
			{From: flow.None, Act: "record", To: Draft, Who: agency, Rule: "D9: term at most 3 years, or an exception"},
			{From: Draft, Act: "decide", To: Decided, Who: agency, Rule: "collective decision on record"},
			{From: Decided, Act: "sign", To: Signed, Who: "implementing_agency: approver, operator: approver", Rule: "the decision is not dated after it"},
			{From: Signed, Act: "file", To: Filed, Who: "data_authority: approver, on the agency's filing", Rule: "D8: within 5 working days; later is marked late"},
			{From: Signed, Act: "effect", To: Effective, Who: system, Rule: "only with the filing gate off"},
			{From: Filed, Act: "effect", To: Effective, Who: system, Rule: "from the first day of the term"},
			{From: Effective, Act: "suspend", To: Suspended, Who: agency, Rule: "grants stop with it"},
			{From: Effective, Act: "expire", To: Expired, Who: system, Rule: "after 24:00 of the last day"},
			{From: Effective, Act: "terminate", To: Terminated, Who: agency, Rule: "a termination case is decided"},
			{From: Suspended, Act: "resume", To: Effective, Who: agency},
			{From: Suspended, Act: "expire", To: Expired, Who: system, Rule: "after 24:00 of the last day"},
			{From: Suspended, Act: "terminate", To: Terminated, Who: agency, Rule: "a termination case is decided"},
		},
	}
}
