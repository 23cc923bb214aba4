package grant

import "github.com/sluicedata/sluice/catalog/flow"

// States of a grant.
const (
	Proposed  flow.State = "proposed"
	Active    flow.State = "active"
	Suspended flow.State = "suspended"
	Refused   flow.State = "refused"
	Revoked   flow.State = "revoked"
	Expired   flow.State = "expired"
)

// Flow is the life of a grant. The consent of a sharing provider and the join-risk check (O5, O33) come as
// further rows between proposed and active.
func Flow() flow.Table {
	const agency, keeper = "implementing_agency: approver", "keeper"
	return flow.Table{
		Noun: "grant", Title: "Grant", Source: "O17, O19, O23, O33; domain 2.3.8.",
		States: []flow.State{Proposed, Active, Suspended, Refused, Revoked, Expired},
		Ends:   []flow.State{Refused, Revoked, Expired},
		Moves: []flow.Move{
			{From: flow.None, Act: "propose", To: Proposed, Who: "operator: developer or approver"},
			{From: Proposed, Act: "approve", To: Active, Who: agency,
				Rule: "not the proposer; agreement effective and covering; registration valid; within terms, term and level"},
			{From: Proposed, Act: "refuse", To: Refused, Who: agency, Rule: "with a reason"},
			{From: Proposed, Act: "revoke", To: Revoked, Who: agency},
			{From: Active, Act: "suspend", To: Suspended, Who: "implementing_agency: approver, data_authority, or system",
				Rule: "registration lapsed, consent withdrawn, hazard, level raised"},
			{From: Active, Act: "revoke", To: Revoked, Who: agency, Rule: "runs end and staged copies are void within seconds"},
			{From: Active, Act: "expire", To: Expired, Who: keeper, Rule: "after 24:00 of the last day"},
			{From: Suspended, Act: "resume", To: Active, Who: agency},
			{From: Suspended, Act: "revoke", To: Revoked, Who: agency},
			{From: Suspended, Act: "expire", To: Expired, Who: keeper, Rule: "after 24:00 of the last day"},
		},
	}
}
