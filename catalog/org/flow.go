package org

import "github.com/sluicedata/sluice/catalog/flow"

// States of an organization.
const (
	Pending   flow.State = "pending"
	Verified  flow.State = "verified"
	Suspended flow.State = "suspended"
	Closed    flow.State = "closed"
)

// States of a member and of a key.
const (
	Invited  flow.State = "invited"
	Active   flow.State = "active"
	Removed  flow.State = "removed"
	Offered  flow.State = "offered"
	Admitted flow.State = "admitted"
	Refused  flow.State = "refused"
	Revoked  flow.State = "revoked"
)

// Flow is the life of an organization's account (domain 2.3.1).
func Flow() flow.Table {
	const platform, authority = "platform: system_admin", "data_authority"
	return flow.Table{
		Noun: "org", Title: "Organization", Source: "R11: real-name verification; domain 2.3.1.",
		States: []flow.State{Pending, Verified, Suspended, Closed},
		Ends:   []flow.State{Closed},
		Moves: []flow.Move{
			{From: flow.None, Act: "create", To: Pending, Who: platform},
			{From: Pending, Act: "verify", To: Verified, Who: platform, Rule: "credit code and documents seen"},
			{From: Pending, Act: "close", To: Closed, Who: platform},
			{From: Verified, Act: "change", To: Pending, Who: "own org: org_admin", Rule: "identity data changed"},
			{From: Verified, Act: "suspend", To: Suspended, Who: authority},
			{From: Verified, Act: "close", To: Closed, Who: platform},
			{From: Suspended, Act: "resume", To: Verified, Who: authority},
			{From: Suspended, Act: "close", To: Closed, Who: platform},
		},
	}
}

// MemberFlow is the life of a membership. A removed member never comes back: a new membership begins.
func MemberFlow() flow.Table {
	const admin = "own org: org_admin"
	return flow.Table{
		Noun: "member", Title: "Member", Source: "R11; a removed member's next call fails.",
		States: []flow.State{Invited, Active, Removed},
		Ends:   []flow.State{Removed},
		Moves: []flow.Move{
			{From: flow.None, Act: "invite", To: Invited, Who: admin},
			{From: Invited, Act: "join", To: Active, Who: "system", Rule: "a key or an identity of the member is admitted, or they took their enrolment link up"},
			{From: Invited, Act: "remove", To: Removed, Who: admin},
			{From: Active, Act: "role", To: Active, Who: admin, Rule: "separation of duties holds; unreleased votes from a seat that goes with it are void"},
			{From: Active, Act: "recover", To: Active, Who: admin, Rule: "password, second factor, passkeys and sessions end; a link begins anew"},
			{From: Active, Act: "remove", To: Removed, Who: admin, Rule: "their next call fails; unreleased votes are void"},
		},
	}
}

// KeyFlow is the life of a member's key. A revoked key stays on record: its old signatures are judged by the
// time they were recorded.
func KeyFlow() flow.Table {
	const admin, self = "own org: org_admin", "the member"
	return flow.Table{
		Noun: "key", Title: "Key", Source: "People's keys are their own; an administrator admits them.",
		States: []flow.State{Offered, Admitted, Refused, Revoked},
		Ends:   []flow.State{Refused, Revoked},
		Moves: []flow.Move{
			{From: flow.None, Act: "add", To: Offered, Who: self},
			{From: Offered, Act: "admit", To: Admitted, Who: "own org: org_admin; the platform's system_admin for the first", Rule: "not one's own; the fingerprint was compared"},
			{From: Offered, Act: "refuse", To: Refused, Who: admin},
			{From: Offered, Act: "revoke", To: Revoked, Who: self},
			{From: Admitted, Act: "revoke", To: Revoked, Who: "the member or own org: org_admin", Rule: "tokens end, unreleased votes are void"},
			{From: Admitted, Act: "rotate", To: Revoked, Who: self, Rule: "signed by it and by its successor, which is admitted in the same transaction"},
		},
	}
}
