# Acts that need another person than the one who did the first half.
package sluice.person

import data.sluice.reason

# What to say when it is the same person.
same := {
	"destruction.approve": "approver.is_proposer",
	"factor.code": "person.is_self",
	"factor.reset": "person.is_self",
	"grant.allow": "approver.is_proposer",
	"grant.approve": "approver.is_proposer",
	"grant.refuse": "approver.is_proposer",
	"identity.admit": "person.is_self",
	"image.approve": "approver.is_proposer",
	"job.approve": "approver.is_author",
	"job.refuse": "approver.is_author",
	"key.admit": "person.is_self",
	"member.remove": "person.is_self",
	"member.role": "person.is_self",
}

allow if {
	known
	same[input.action]
	input.facts.person.first != input.subject.member
}

known if {
	input.facts.person.first != ""
	input.subject.member != ""
}

reasons contains reason.named("facts.missing", {"person"}) if not known

reasons contains reason.plain(same[input.action]) if {
	known
	input.facts.person.first == input.subject.member
}
