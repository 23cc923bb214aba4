# Whether an output may leave: two verified votes of two people from two organizations, none the author, no
# blocked finding. That the scope still allows what was read is asked beside it (actions.rego).
package sluice.release

import data.sluice.reason
import data.sluice.review

votes := input.facts.review.votes

allow if {
	review.sound
	review.stands
	review.clean
	count(votes) == 2
	held == review.seats
	count({v.voter | some v in votes}) == 2
	count({v.org | some v in votes}) == 2
	every v in votes {
		v.approve == true
		v.verified == true
		v.voter != ""
		v.voter != input.facts.review.author
		v.org == input.facts.review[v.seat]
	}
}

# The seats that voted.
held := {v.seat | some v in votes}

default cast := []

cast := votes

reasons contains r if some r in review.common

reasons contains r if some r in review.blocked

reasons contains reason.named("votes.missing_seat", missing) if {
	input.facts.review
	missing := review.seats - {v.seat | some v in cast}
	count(missing) > 0
}

reasons contains reason.plain("votes.unknown_seat") if {
	some v in cast
	not v.seat in review.seats
}

reasons contains reason.plain("votes.seat_twice") if {
	some i, v in cast
	some j, w in cast
	i < j
	v.seat == w.seat
}

reasons contains reason.plain("votes.not_two_people") if {
	some i, v in cast
	some j, w in cast
	i < j
	v.voter == w.voter
}

reasons contains reason.plain("votes.not_two_organizations") if {
	some i, v in cast
	some j, w in cast
	i < j
	v.org == w.org
}

reasons contains reason.named("votes.rejected", {v.seat | some v in cast; not v.approve} & review.seats) if {
	some v in cast
	not v.approve
}

reasons contains reason.named("votes.unverified", {v.seat | some v in cast; not proven(v)} & review.seats) if {
	some v in cast
	not proven(v)
}

reasons contains reason.plain("votes.by_author") if {
	some v in cast
	v.voter == input.facts.review.author
}

reasons contains reason.plain("votes.wrong_organization") if {
	some v in cast
	v.org != input.facts.review[v.seat]
}

proven(v) if {
	v.verified
	v.voter != ""
}
