package sluice.scope_test

import data.sluice.scope

known := {
	"plan": {"level": 1, "personal": false, "dropped": false},
	"visits": {"level": 2, "personal": false, "dropped": false},
	"name": {"level": 2, "personal": true, "dropped": false},
	"phone": {"level": 2, "personal": true, "dropped": true},
}

visits := {
	"input": "visits", "version": 2, "rows": 100, "columns": {"plan": true, "visits": true},
	"agreement": {"state": "effective", "operator": "op", "from": 0, "to": 2000, "covered": true},
	"registration": {"state": "valid", "to": 2000},
	"dataset": {
		"org": "dept", "state": "authorizable", "version_state": "available", "protected": true,
		"class": "general", "columns": known,
	},
	"terms": {
		"purposes": {"health": true}, "columns": {"plan": true, "visits": true, "name": true}, "outputs": {"table": true},
		"operations": {"sql": true}, "min_units": 10, "to": 2000,
	},
	"grant": {
		"state": "active", "operator": "op", "purposes": {"health": true},
		"columns": {"plan": true, "visits": true, "name": true}, "operations": {"sql": true}, "outputs": {"table": true},
		"rows_scoped": true, "level_cap": 2, "version_from": 1, "version_to": 0, "from": 0, "to": 2000,
		"runs_left": 1, "rows_left": 100, "failed_left": 1, "lawful_basis": false, "min_units": 10,
	},
}

submit := {
	"subject": {"member": "dev", "org": "op"}, "action": "job.submit", "object": {"kind": "job", "org": "op"},
	"facts": {"now": 1000, "scope": {
		"operation": "sql", "purpose": "health", "outputs": {"table": true}, "datasets": 1, "join_decided": false,
		"inputs": [visits],
		"budgets": [{"scope": "org", "runs": 1, "rows": 100, "failed": 1, "runs_left": 1, "rows_left": 100, "failed_left": 1}],
	}},
}

codes := {r.code | some r in scope.reasons}

test_within_every_bound if {
	scope.allow with input as submit
	scope.reasons == set() with input as submit
}

# One input that falls short refuses the whole, and is the one named.
test_second_input_refused if {
	short := object.union(visits, {"input": "people", "grant": {"state": "revoked"}})
	request := object.union(submit, {"facts": {"scope": {"inputs": [visits, short]}}})
	not scope.allow with input as request
	scope.reasons == {{"code": "grant.not_active", "input": "people", "what": ["revoked"]}} with input as request
}

test_budget_is_asked_at_submit_only if {
	spent := object.union(visits, {"grant": {"runs_left": 0, "rows_left": 0, "failed_left": 0}})
	request := object.union(submit, {"facts": {"scope": {"inputs": [spent]}}})
	codes == {"budget.runs", "budget.rows", "budget.failed"} with input as request
	scope.allow with input as object.union(request, {"action": "job.claim"})
	scope.allow with input as object.union(request, {"action": "release.make"})
}

# A month's budget is drawn on whole or not at all, and one that is not told is none.
test_months if {
	over := {"scope": "dataset visits", "runs": 1, "rows": 101, "failed": 1, "runs_left": 0, "rows_left": 100, "failed_left": 0}
	request := object.union(submit, {"facts": {"scope": {"budgets": [over]}}})
	not scope.allow with input as request
	{r.code: r.what | some r in scope.reasons} == {
		"budget.runs": ["dataset visits"], "budget.rows": ["dataset visits"], "budget.failed": ["dataset visits"],
	} with input as request
	none := object.union(submit, {"facts": {"scope": {"budgets": []}}})
	not scope.allow with input as none
	codes == {"facts.missing"} with input as none
}

test_names_are_of_the_record if {
	asked := object.union(visits, {"columns": {"name": true, "phone": true, "<script>": true}})
	request := object.union(submit, {"facts": {"scope": {"inputs": [asked]}}})
	said := {w | some r in scope.reasons; some w in r.what} with input as request
	said == {"name", "phone"}
	{"columns.unknown", "columns.dropped", "personal.no_lawful_basis"} & codes == {
		"columns.unknown", "columns.dropped", "personal.no_lawful_basis",
	} with input as request
}

# Every empty set allows nothing.
test_empty_sets if {
	every bound in ["terms", "grant"] {
		every dimension in ["purposes", "columns", "outputs", "operations"] {
			empty := json.patch(visits, [{"op": "replace", "path": [bound, dimension], "value": {}}])
			not scope.allow with input as object.union(submit, {"facts": {"scope": {"inputs": [empty]}}})
		}
	}
}

test_every_absent_part_refuses if {
	every part in ["agreement", "registration", "dataset", "terms", "grant"] {
		absent := object.union(visits, {part: null})
		request := object.union(submit, {"facts": {"scope": {"inputs": [absent]}}})
		not scope.allow with input as request
		count(scope.reasons) > 0 with input as request
	}
}

test_act_outside_the_modes_refuses if {
	not scope.allow with input as object.union(submit, {"action": "dataset.show"})
}
