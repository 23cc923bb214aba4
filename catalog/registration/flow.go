package registration

import "github.com/sluicedata/sluice/catalog/flow"

// States of an application.
const (
	Submitted flow.State = "submitted"
	Accepted  flow.State = "accepted"
	InNotice  flow.State = "in_notice"
	Completed flow.State = "completed"
)

// States of a record.
const (
	Valid        flow.State = "valid"
	Deregistered flow.State = "deregistered"
	Revoked      flow.State = "revoked"
)

// Flow is the life of an application: apply, accept, notice, code. Drafts, returns, refusals, supplements,
// objections and the wait for the national code are further rows of the same table.
func Flow() flow.Table {
	return flow.Table{
		Noun: "registration", Title: "Registration application", Source: "R9, R12–R15; domain 2.3.2.",
		States: []flow.State{Submitted, Accepted, InNotice, Completed},
		Ends:   []flow.State{Completed},
		Moves: []flow.Move{
			{From: flow.None, Act: "apply", To: Submitted, Who: "registrant: applicant",
				Rule: "evidence, commitment and the four declarations are there"},
			{From: Submitted, Act: "accept", To: Accepted, Who: "registrar: approver", Rule: "D1: 3 working days"},
			{From: Accepted, Act: "notice", To: InNotice, Who: "registrar: approver",
				Rule: "formal review passed, by another person than accepted; D2: 20 working days"},
			{From: InNotice, Act: "code", To: Completed, Who: "registrar: approver", Rule: "D3: after 10 working days of notice"},
		},
	}
}

// RecordFlow is the life of what was registered.
func RecordFlow() flow.Table {
	const registrar = "registrar: approver"
	return flow.Table{
		Noun: "record", Title: "Registration record", Source: "R15, R16, R21; domain 2.3.3.",
		States: []flow.State{Valid, Deregistered, Revoked},
		Ends:   []flow.State{Deregistered, Revoked},
		Moves: []flow.Move{
			{From: flow.None, Act: "code", To: Valid, Who: registrar},
			{From: Valid, Act: "renew", To: Valid, Who: registrar, Rule: "in the 60 days before expiry; not past the authorized term"},
			{From: Valid, Act: "correct", To: Valid, Who: registrar, Rule: "keeps code and expiry"},
			{From: Valid, Act: "deregister", To: Deregistered, Who: registrar, Rule: "on application"},
			{From: Valid, Act: "expire", To: Deregistered, Who: "system", Rule: "after 24:00 of the last day, unrenewed"},
			{From: Valid, Act: "revoke", To: Revoked, Who: registrar, Rule: "a revocation case is confirmed"},
		},
	}
}
