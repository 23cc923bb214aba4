package sluice_test

import data.sluice
import data.sluice.actions

admit := {
	"subject": {"member": "admin", "org": "op", "strength": "key"}, "action": "key.admit", "object": {"kind": "key", "org": "op"},
	"facts": {"now": 1, "person": {"first": "dev"}},
}

test_another_person if sluice.allow with input as admit

test_the_same_person if {
	same := object.union(admit, {"facts": {"person": {"first": "admin"}}})
	not sluice.allow with input as same
	sluice.reasons == {{"code": "person.is_self", "what": []}} with input as same
}

# Nobody and nobody are not two people.
test_nobody_is_nobody_else if {
	not sluice.allow with input as object.union(admit, {"subject": {"member": ""}})
	not sluice.allow with input as object.union(admit, {"facts": {"person": {"first": ""}}})
}

test_unlisted_act if {
	unlisted := object.union(admit, {"action": "dataset.export"})
	not sluice.allow with input as unlisted
	sluice.reasons == {{"code": "action.unknown", "what": []}} with input as unlisted
}

test_no_input_is_refused if {
	not sluice.allow with input as {}
	sluice.reasons == {{"code": "action.unknown", "what": []}} with input as {}
}

bare(action) := {
	"subject": {"member": "m", "org": "o", "strength": "strong"}, "action": action, "object": {"kind": "k"}, "facts": {"now": 1},
}

test_plain_acts_pass if {
	every action, name in actions.table { passes_or_not(action, name) }
}

# Every listed act names a rule set that is there, and all but the plain ones refuse without facts, with a cause.
passes_or_not(action, "plain") if sluice.allow with input as bare(action)

passes_or_not(action, name) if {
	name != "plain"
	not sluice.allow with input as bare(action)
	count(sluice.reasons) > 0 with input as bare(action)
}
