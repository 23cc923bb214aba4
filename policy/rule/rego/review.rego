# Review of one output: opening it, voting from a seat, speaking in it, ending it without a decision, looking at values.
package sluice.review

import data.sluice.reason

seats := {"agency", "operator"}

# The states of an output each act needs. A release is decided with the second vote in, still under review, and
# again once its intent is on record.
states := {
	"output.fetch": {"in_review", "approved", "releasing", "released"},
	"release.make": {"in_review", "approved", "releasing"},
	"review.open": {"auto_checked"},
	"review.resubmit": {"auto_checked"},
	"review.return": {"in_review"},
	"review.vote": {"in_review"},
	"review.withdraw": {"in_review"},
}

review := input.facts.review

# What holds for all of them: the facts are whole and the two seats are two organizations.
sound if {
	review.author != ""
	review.operator != ""
	review.agency != ""
	review.operator != review.agency
}

stands if review.state in states[input.action]

seated if review.seat in seats

# A blocked finding cannot be approved over.
clean if review.blocked == 0

may_open if {
	sound
	stands
	clean
	input.subject.org == review.operator
}

may_vote if {
	sound
	stands
	clean
	seated
	review[review.seat] == input.subject.org
	input.subject.member != ""
	input.subject.member != review.author
	not review.seat_taken
	review.digest_ok == true
	review.fresh_vote == true
}

# Who sits on a seat: a member of its organization who is not the author.
sits if {
	seated
	review[review.seat] == input.subject.org
	input.subject.member != review.author
}

speaks if sits

speaks if authored

authored if {
	review.seat == "author"
	input.subject.member == review.author
}

# Whether the request still takes comments its own table says: it outlives the output's review.
may_comment if {
	sound
	speaks
}

may_return if {
	sound
	stands
	sits
	not review.seat_taken
}

may_withdraw if {
	sound
	stands
	theirs
}

theirs if input.subject.member == review.author

theirs if input.subject.member == review.opener

may_fetch if {
	sound
	stands
	looks
	input.subject.member != review.author
}

# Values are the agency's to see. The operator's people see them once released; before, only where the
# site's rule value says so.
looks if input.subject.org == review.agency

looks if {
	input.subject.org == review.operator
	operator_sees
}

operator_sees if not review.values

operator_sees if review.released == true

operator_sees if data.values.preview.operator == true

# --- reasons

common contains r if some r in absences

absences contains reason.named("facts.missing", {"review"}) if not review

absences contains reason.named("facts.missing", absent) if {
	absent := {name | some name in {"agency", "author", "operator"}; review[name] == ""}
	count(absent) > 0
}

absences contains reason.plain("seat.one_organization") if {
	review.agency != ""
	review.agency == review.operator
}

common contains reason.named("output.wrong_state", {review.state}) if {
	review
	not stands
}

blocked contains reason.plain("findings.blocked") if {
	review
	not clean
}

open_reasons := (common | blocked) | {r | some r in not_operator}

not_operator contains reason.plain("seat.wrong_organization") if input.subject.org != review.operator

vote_reasons := (common | blocked) | vote_only

vote_only contains reason.plain("seat.unknown") if {
	review
	not seated
}

vote_only contains reason.plain("seat.wrong_organization") if {
	seated
	review[review.seat] != input.subject.org
}

vote_only contains reason.named("seat.taken", {review.seat} & seats) if review.seat_taken

vote_only contains reason.plain("approver.is_author") if input.subject.member == review.author

vote_only contains reason.named("facts.missing", {"member"}) if input.subject.member == ""

vote_only contains reason.plain("vote.digest_mismatch") if {
	review
	not review.digest_ok
}

vote_only contains reason.plain("vote.not_fresh") if {
	review
	not review.fresh_vote
}

# The reasons of speaking and returning: of voting, those about the seat.
comment_reasons := absences | comment_only

comment_only contains reason.plain("seat.unknown") if {
	review
	not seated
	not authored
}

comment_only contains r if {
	seated
	some r in not_seated
}

not_seated contains reason.plain("seat.wrong_organization") if review[review.seat] != input.subject.org

not_seated contains reason.plain("approver.is_author") if input.subject.member == review.author

return_reasons := common | return_only

return_only contains reason.plain("seat.unknown") if {
	review
	not seated
}

return_only contains r if {
	seated
	some r in not_seated
}

return_only contains reason.named("seat.taken", {review.seat} & seats) if review.seat_taken

withdraw_reasons := common | withdraw_only

withdraw_only contains reason.plain("author.other_person") if {
	review
	not theirs
}

fetch_reasons := common | fetch_only

fetch_only contains reason.plain("approver.is_author") if input.subject.member == review.author

fetch_only contains reason.plain("seat.wrong_organization") if {
	not input.subject.org in {review.agency, review.operator}
}

fetch_only contains reason.plain("preview.operator") if {
	input.subject.org == review.operator
	input.subject.org != review.agency
	not operator_sees
}
