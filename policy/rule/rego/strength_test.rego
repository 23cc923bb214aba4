package sluice.strength_test

import data.sluice
import data.sluice.actions
import data.sluice.strength

bare(action, proof) := {
	"subject": {"member": "m", "org": "o", "strength": proof}, "action": action, "object": {"kind": "k"}, "facts": {"now": 1},
}

# Every name in the table is an act, so that a misspelt one does not leave its act without a line unseen.
test_table_names_acts if {
	every action, _ in strength.least { actions.table[action] }
}

test_proofs_are_ordered if {
	every action, least in strength.least { ordered(action, least) }
}

ordered(action, "machine") if {
	strength.enough with input as bare(action, "machine")
	strength.enough with input as bare(action, "basic")
	strength.enough with input as bare(action, "strong")
	strength.enough with input as bare(action, "key")
}

ordered(action, "basic") if {
	not strength.enough with input as bare(action, "machine")
	strength.enough with input as bare(action, "basic")
	strength.enough with input as bare(action, "strong")
}

# What is not in the table decides something.
test_unlisted_needs_strong if {
	every action, _ in actions.table { listed_or_strong(action) }
}

listed_or_strong(action) if strength.least[action]

listed_or_strong(action) if {
	not strength.enough with input as bare(action, "basic")
	not strength.enough with input as bare(action, "machine")
	strength.enough with input as bare(action, "strong")
}

# A proof nobody knows, or none, opens nothing at all.
test_unknown_proof_opens_nothing if {
	every action, _ in actions.table { closed(action) }
}

closed(action) if {
	not sluice.allow with input as bare(action, "")
	not sluice.allow with input as bare(action, "password")
	count(sluice.reasons) > 0 with input as bare(action, "password")
}

# Acts the regulations put into a person's hand never pass without a strong proof.
test_decisions_need_strong if {
	decisions := {
		"agreement.file", "agreement.sign", "capacity.end", "capacity.grant", "dataset.declare", "dataset.freeze", "dataset.retire",
		"dataset.profile", "dataset.terms", "dataset.thaw", "dataset.twin", "dataset.withdraw", "factor.code", "factor.reset",
		"grant.allow", "grant.approve", "grant.refuse", "grant.revoke", "identity.admit", "identity.revoke", "job.approve", "job.refuse", "key.admit", "key.revoke",
		"factor.renew", "key.add", "member.invite", "member.link", "member.recover", "member.remove", "member.role", "org.create",
		"password.change", "password.enrol", "session.open", "output.fetch", "registration.accept",
		"registration.code", "registration.notice", "review.vote",
	}
	every action in decisions { decides(action) }
}

decides(action) if {
	actions.table[action]
	{"code": "session.strength", "what": []} in sluice.reasons with input as bare(action, "basic")
	{"code": "session.machine", "what": []} in sluice.reasons with input as bare(action, "machine")
}
