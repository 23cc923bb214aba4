package output

import "github.com/sluicedata/sluice/catalog/flow"

// States of an output.
const (
	Quarantined flow.State = "quarantined"
	AutoChecked flow.State = "auto_checked"
	Blocked     flow.State = "blocked"
	InReview    flow.State = "in_review"
	Approved    flow.State = "approved"
	Releasing   flow.State = "releasing"
	Released    flow.State = "released"
	Rejected    flow.State = "rejected"
	Destroyed   flow.State = "destroyed"
)

// Flow is the life of an output. No move leads from blocked to review: a blocked finding cannot be approved
// over.
func Flow() flow.Table {
	const worker, keeper, seats, system = "worker", "keeper", "both seats", "system"
	const owner = "operator: developer or security_officer"
	return flow.Table{
		Noun: "output", Title: "Output and release", Source: "O33; domain 2.3.12.",
		States: []flow.State{Quarantined, AutoChecked, Blocked, InReview, Approved, Releasing, Released, Rejected, Destroyed},
		Ends:   []flow.State{Released, Destroyed},
		Moves: []flow.Move{
			{From: flow.None, Act: "seal", To: Quarantined, Who: worker},
			{From: Quarantined, Act: "screen", To: AutoChecked, Who: worker, Rule: "no finding blocks"},
			{From: Quarantined, Act: "block", To: Blocked, Who: worker, Rule: "a finding blocks, or screening did not end"},
			{From: Quarantined, Act: "destroy", To: Destroyed, Who: owner},
			{From: AutoChecked, Act: "open", To: InReview, Who: owner, Rule: "rights still hold"},
			{From: AutoChecked, Act: "block", To: Blocked, Who: system, Rule: "an earlier release made a difference dangerous"},
			{From: AutoChecked, Act: "destroy", To: Destroyed, Who: owner},
			{From: Blocked, Act: "destroy", To: Destroyed, Who: owner},
			{From: InReview, Act: "approve", To: Approved, Who: seats, Rule: "both votes approve; signed over digest and evidence"},
			{From: InReview, Act: "return", To: AutoChecked, Who: seats, Rule: "the worse vote returns"},
			{From: InReview, Act: "reject", To: Rejected, Who: seats, Rule: "the worse vote rejects; with a reason"},
			{From: InReview, Act: "withdraw", To: AutoChecked, Who: owner},
			{From: Approved, Act: "release", To: Releasing, Who: keeper, Rule: "votes verified again; rights still hold; the intent is sequenced"},
			{From: Approved, Act: "reject", To: Rejected, Who: keeper, Rule: "a right ended or a vote does not verify"},
			{From: Releasing, Act: "reject", To: Rejected, Who: keeper, Rule: "a right ended before the delivery"},
			{From: Releasing, Act: "deliver", To: Released, Who: keeper, Rule: "the certificate is signed over the intent's proof"},
			{From: Rejected, Act: "destroy", To: Destroyed, Who: system},
		},
	}
}
