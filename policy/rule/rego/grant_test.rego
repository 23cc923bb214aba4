package sluice.grant_test

import data.sluice.grant

bounds := {
	"grant": {
		"state": "proposed", "operator": "op", "purposes": {"health": true}, "columns": {"plan": true},
		"operations": {"sql": true}, "outputs": {"table": true}, "rows_scoped": true, "level_cap": 2, "version_from": 1,
		"version_to": 0, "from": 100, "to": 1900, "runs_left": 1, "rows_left": 1, "lawful_basis": false, "min_units": 10,
	},
	"terms": {
		"purposes": {"health": true}, "columns": {"plan": true}, "outputs": {"table": true}, "operations": {"sql": true},
		"min_units": 10, "to": 2000,
	},
	"agreement": {"state": "effective", "operator": "op", "from": 0, "to": 2000, "covered": true},
	"dataset": {
		"org": "dept", "state": "catalogued", "version_state": "available", "protected": true, "class": "general",
		"columns": {"plan": {"level": 1, "personal": false, "dropped": false}},
	},
}

propose := {
	"subject": {"member": "dev", "org": "op"}, "action": "grant.propose", "object": {"kind": "grant", "org": "op"},
	"facts": {"now": 1000, "grant": bounds},
}

test_proposed_before_registration if grant.allow with input as propose

test_approved_only_when_authorizable if {
	approve := object.union(propose, {"action": "grant.approve"})
	not grant.allow with input as approve
	grant.allow with input as object.union(approve, {"facts": {"grant": {"dataset": {"state": "authorizable"}}}})
}

# Terms are a ceiling in each dimension.
test_wider_than_terms if {
	every dimension, code in {
		"purposes": "purpose.outside_terms", "operations": "operation.outside_terms", "outputs": "output.outside_terms",
	} {
		wider := object.union(propose, {"facts": {"grant": {"grant": {dimension: {"other": true}}}}})
		not grant.allow with input as wider
		{r.code | some r in grant.reasons} == {code} with input as wider
	}
}

test_absent_bounds_refuse if {
	every part in ["terms", "agreement", "dataset"] {
		absent := object.union(propose, {"facts": {"grant": {part: null}}})
		not grant.allow with input as absent
		count(grant.reasons) > 0 with input as absent
	}
}
