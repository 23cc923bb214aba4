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

// Settled tells whether nothing is left to decide about an output in a state: it went out, or it never will.
func Settled(s flow.State) bool { return s == Released || s == Rejected || s == Destroyed }

// States only a request has.
const (
	Returned  flow.State = "returned"
	Withdrawn flow.State = "withdrawn"
)

// Flow is the life of an output. No move leads from blocked to review: a blocked finding cannot be approved
// over.
func Flow() flow.Table {
	const worker, keeper, seats, system = "worker", "keeper", "both seats", "system"
	const owner, author = "operator: developer or security_officer", "operator: who wrote the job or opened the review"
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
			{From: AutoChecked, Act: "resubmit", To: InReview, Who: owner, Rule: "as open; in the line of the request that was ended"},
			{From: AutoChecked, Act: "block", To: Blocked, Who: system, Rule: "an earlier release made a difference dangerous"},
			{From: AutoChecked, Act: "destroy", To: Destroyed, Who: owner},
			{From: Blocked, Act: "destroy", To: Destroyed, Who: owner},
			{From: InReview, Act: "approve", To: Approved, Who: seats, Rule: "both votes approve; signed over digest and evidence"},
			{From: InReview, Act: "return", To: AutoChecked, Who: "a seat, or both", Rule: "a seat says why before both have voted, or the worse vote returns"},
			{From: InReview, Act: "reject", To: Rejected, Who: seats, Rule: "the worse vote rejects; with a reason"},
			{From: InReview, Act: "withdraw", To: AutoChecked, Who: author, Rule: "before both seats have voted"},
			{From: Approved, Act: "release", To: Releasing, Who: keeper, Rule: "votes verified again; rights still hold; the intent is sequenced"},
			{From: Approved, Act: "reject", To: Rejected, Who: keeper, Rule: "a right ended or a vote does not verify"},
			{From: Releasing, Act: "reject", To: Rejected, Who: keeper, Rule: "a right ended before the delivery"},
			{From: Releasing, Act: "deliver", To: Released, Who: keeper, Rule: "the certificate is signed over the intent's proof"},
			{From: Rejected, Act: "destroy", To: Destroyed, Who: system},
		},
	}
}

// RequestFlow is the life of a review request. An ended one is never opened again: another request follows it, so
// that what was said and voted stays with the bytes it was about.
func RequestFlow() flow.Table {
	const keeper, seat = "keeper", "a seat"
	const owner, author = "operator: developer or security_officer", "operator: who wrote the job or opened the review"
	const undecided = "before both seats have voted; votes become void"
	const anyone = "a seat, or the author"
	return flow.Table{
		Noun: "request", Title: "Review request", Source: "O33; domain 2.3.12.",
		States: []flow.State{InReview, Approved, Returned, Withdrawn, Rejected, Released},
		Ends:   []flow.State{Rejected, Released},
		Moves: []flow.Move{
			{From: flow.None, Act: "open", To: InReview, Who: owner, Rule: "the output was never under review"},
			{From: InReview, Act: "vote", To: InReview, Who: seat, Rule: "once; sealed until both have voted"},
			{From: InReview, Act: "comment", To: InReview, Who: anyone, Rule: "a seat's is sealed as its vote is"},
			{From: InReview, Act: "return", To: Returned, Who: "a seat, or keeper", Rule: "a seat says why before both have voted, or the worse vote returns"},
			{From: InReview, Act: "withdraw", To: Withdrawn, Who: author, Rule: undecided},
			{From: InReview, Act: "approve", To: Approved, Who: keeper, Rule: "both votes approve; the intent is on record"},
			{From: InReview, Act: "reject", To: Rejected, Who: keeper, Rule: "the worse vote rejects, or policy refuses the release"},
			{From: Returned, Act: "comment", To: Returned, Who: anyone, Rule: "until another request follows"},
			{From: Returned, Act: "resubmit", To: Returned, Who: owner, Rule: "once: another request follows it"},
			{From: Withdrawn, Act: "resubmit", To: Withdrawn, Who: owner, Rule: "once: another request follows it"},
			{From: Approved, Act: "reject", To: Rejected, Who: keeper, Rule: "a right ended before the delivery"},
			{From: Approved, Act: "deliver", To: Released, Who: keeper},
		},
	}
}
