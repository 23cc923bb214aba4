package sluice.review_test

import data.sluice.release
import data.sluice.review

facts := {"state": "in_review", "blocked": 0, "author": "dev", "operator": "op", "agency": "agency"}

vote(member, org, seat) := {
	"subject": {"member": member, "org": org}, "action": "review.vote", "object": {"kind": "output", "org": "op"},
	"facts": {"now": 1, "review": object.union(facts, {"seat": seat, "digest_ok": true, "fresh_vote": true})},
}

test_two_seats if {
	review.may_vote with input as vote("officer", "op", "operator")
	review.may_vote with input as vote("reviewer", "agency", "agency")
}

test_no_other_seats if {
	every v in [
		vote("officer", "op", "agency"), vote("reviewer", "agency", "operator"), vote("x", "third", "operator"),
		vote("x", "third", "agency"), vote("officer", "op", "author"), vote("dev", "op", "operator"), vote("", "op", "operator"),
	] {
		not review.may_vote with input as v
		count(review.vote_reasons) > 0 with input as v
	}
}

test_values_are_the_agencys if {
	look := {
		"subject": {"member": "officer", "org": "op"}, "action": "output.fetch", "object": {"kind": "output", "org": "op"},
		"facts": {"now": 1, "review": object.union(facts, {"values": true})},
	}
	not review.may_fetch with input as look
	{r.code | some r in review.fetch_reasons} == {"preview.operator"} with input as look
	review.may_fetch with input as object.union(look, {"subject": {"org": "agency"}})
	review.may_fetch with input as look with data.values.preview.operator as true
}

votes := [
	{"seat": "operator", "voter": "officer", "org": "op", "approve": true, "verified": true},
	{"seat": "agency", "voter": "reviewer", "org": "agency", "approve": true, "verified": true},
]

made(cast) := {
	"subject": {"process": "keeper"}, "action": "release.make", "object": {"kind": "output", "org": "op"},
	"facts": {"now": 1, "review": object.union(facts, {"state": "approved", "votes": cast})},
}

test_two_votes_release if release.allow with input as made(votes)

test_order_does_not_matter if release.allow with input as made([votes[1], votes[0]])

test_one_change_in_one_vote_stops if {
	every which in [0, 1] {
		every change in [
			{"voter": "dev"}, {"voter": ""}, {"org": "third"}, {"approve": false}, {"verified": false}, {"seat": "chair"},
		] {
			bent := [v | some i, old in votes; v := object.union(old, {k: w | some k, w in change; i == which})]
			not release.allow with input as made(bent)
			count(release.reasons) > 0 with input as made(bent)
		}
	}
}

test_fewer_or_more_votes_stop if {
	every cast in [[], [votes[0]], [votes[1]], [votes[0], votes[0]], array.concat(votes, [votes[0]])] {
		not release.allow with input as made(cast)
		count(release.reasons) > 0 with input as made(cast)
	}
}
