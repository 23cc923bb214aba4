# Why a job may not read what it asks for. Each rule is one cause; an input whose grant, dataset or terms
# are not there has that as its cause, and none that would be guesses.
package sluice.scope

import data.sluice.reason

# --- the job as a whole

reasons contains reason.named("facts.missing", {"scope"}) if not input.facts.scope

reasons contains reason.named("facts.missing", {"now"}) if not input.facts.now > 0

reasons contains reason.named("facts.missing", {"object"}) if not input.object.org

reasons contains reason.plain("inputs.none") if count(input.facts.scope.inputs) == 0

reasons contains reason.plain("run.synthetic") if {
	input.action in {"job.submit", "release.make"}
	input.facts.scope.synthetic
}

reasons contains reason.plain("run.not_synthetic") if {
	input.action == "job.debug"
	scope := input.facts.scope
	not scope.synthetic
}

reasons contains reason.plain("join.undecided") if {
	count(input.facts.scope.inputs) > 0
	not joined
}

# --- agreement

reasons contains reason.of_named(i.input, "facts.missing", {"agreement"}) if {
	some i in input.facts.scope.inputs
	i.grant != null
	i.agreement == null
}

reasons contains reason.of_named(i.input, "agreement.not_effective", {i.agreement.state}) if {
	some i in input.facts.scope.inputs
	i.agreement.state != "effective"
}

reasons contains reason.of(i.input, "agreement.other_operator") if {
	some i in input.facts.scope.inputs
	i.agreement.operator != operator
}

reasons contains reason.of(i.input, "agreement.dataset_not_covered") if {
	some i in input.facts.scope.inputs
	i.agreement.covered == false
}

reasons contains reason.of(i.input, "agreement.not_started") if {
	some i in input.facts.scope.inputs
	input.facts.now < i.agreement.from
}

# Whose term: the agreement's, the grant's, or both.
reasons contains reason.of_named(i.input, "term.expired", ended) if {
	some i in input.facts.scope.inputs
	ended := {whose | some whose in {"agreement", "grant"}; input.facts.now >= i[whose].to}
	count(ended) > 0
}

# --- registration (O9)

reasons contains reason.of(i.input, "registration.missing") if {
	some i in input.facts.scope.inputs
	i.dataset != null
	i.registration == null
}

reasons contains reason.of_named(i.input, "registration.not_valid", {i.registration.state}) if {
	some i in input.facts.scope.inputs
	i.registration.state != "valid"
}

reasons contains reason.of(i.input, "registration.expired") if {
	some i in input.facts.scope.inputs
	i.registration.state == "valid"
	input.facts.now >= i.registration.to
}

# --- dataset and version

reasons contains reason.of(i.input, "dataset.unknown") if {
	some i in input.facts.scope.inputs
	i.dataset == null
}

reasons contains reason.of(i.input, "dataset.frozen") if {
	some i in input.facts.scope.inputs
	i.dataset.state == "frozen"
}

reasons contains reason.of_named(i.input, "dataset.not_authorizable", {i.dataset.state}) if {
	some i in input.facts.scope.inputs
	not i.dataset.state in {"authorizable", "frozen", "retired"}
}

reasons contains reason.of(i.input, "dataset.retired") if {
	some i in input.facts.scope.inputs
	i.dataset.state == "retired"
}

reasons contains reason.of_named(i.input, "dataset.class_refused", {i.dataset.class}) if {
	some i in input.facts.scope.inputs
	i.dataset.class != "general"
}

reasons contains reason.of(i.input, "version.unknown") if {
	some i in input.facts.scope.inputs
	i.dataset.version_state == ""
}

reasons contains reason.of(i.input, "version.withdrawn") if {
	some i in input.facts.scope.inputs
	i.dataset.version_state == "withdrawn"
}

reasons contains reason.of_named(i.input, "version.not_available", {i.dataset.version_state}) if {
	some i in input.facts.scope.inputs
	not i.dataset.version_state in {"", "available", "withdrawn"}
}

reasons contains reason.of(i.input, "version.outside_grant") if {
	some i in input.facts.scope.inputs
	g := i.grant
	g != null
	not version_ok(i.version, g.version_from, g.version_to)
}

# --- provider terms and grant

reasons contains reason.of(i.input, "terms.missing") if {
	some i in input.facts.scope.inputs
	i.dataset != null
	i.terms == null
}

reasons contains reason.of(i.input, "terms.expired") if {
	some i in input.facts.scope.inputs
	input.facts.now >= i.terms.to
}

reasons contains reason.of(i.input, "grant.unknown") if {
	some i in input.facts.scope.inputs
	i.grant == null
}

reasons contains reason.of_named(i.input, "grant.not_active", {i.grant.state}) if {
	some i in input.facts.scope.inputs
	i.grant.state != "active"
}

reasons contains reason.of(i.input, "grant.other_operator") if {
	some i in input.facts.scope.inputs
	i.grant.operator != operator
}

reasons contains reason.of(i.input, "grant.not_started") if {
	some i in input.facts.scope.inputs
	input.facts.now < i.grant.from
}

reasons contains reason.of(i.input, "rows.no_scope") if {
	some i in input.facts.scope.inputs
	i.grant.rows_scoped == false
}

reasons contains reason.of(i.input, "units.below_terms") if {
	some i in input.facts.scope.inputs
	i.grant.min_units < i.terms.min_units
}

# --- purpose, operation, output

reasons contains reason.of(i.input, wider.purpose[bound.name]) if {
	some i in input.facts.scope.inputs
	some bound in bounds(i)
	not bound.of.purposes[input.facts.scope.purpose]
}

reasons contains reason.of_named(i.input, wider.operation[bound.name], {input.facts.scope.operation} & reason.operations) if {
	some i in input.facts.scope.inputs
	some bound in bounds(i)
	not bound.of.operations[input.facts.scope.operation]
}

reasons contains reason.of_named(i.input, wider.output[bound.name], outside & reason.outputs) if {
	some i in input.facts.scope.inputs
	some bound in bounds(i)
	outside := {kind | some kind, _ in input.facts.scope.outputs; not bound.of.outputs[kind]}
	count(outside) > 0
}

reasons contains reason.of(i.input, "output.file_refused") if {
	some i in input.facts.scope.inputs
	i.dataset.protected
	input.facts.scope.outputs.file
}

# --- columns

reasons contains reason.of(i.input, "columns.none") if {
	some i in input.facts.scope.inputs
	count(i.columns) == 0
}

# The names are the caller's, so they are not repeated.
reasons contains reason.of(i.input, "columns.unknown") if {
	some i in input.facts.scope.inputs
	i.dataset != null
	some name, _ in i.columns
	not i.dataset.columns[name]
}

reasons contains reason.of_named(i.input, wider.columns[bound.name], outside) if {
	some i in input.facts.scope.inputs
	some bound in bounds(i)
	outside := {name | some name, _ in i.columns; i.dataset.columns[name]; not bound.of.columns[name]}
	count(outside) > 0
}

reasons contains reason.of_named(i.input, "columns.dropped", dropped) if {
	some i in input.facts.scope.inputs
	dropped := {name | some name, _ in i.columns; i.dataset.columns[name].dropped}
	count(dropped) > 0
}

reasons contains reason.of_named(i.input, "personal.no_lawful_basis", personal) if {
	some i in input.facts.scope.inputs
	i.grant.lawful_basis == false
	personal := {name | some name, _ in i.columns; i.dataset.columns[name].personal}
	count(personal) > 0
}

reasons contains reason.of_named(i.input, "level.above_cap", above) if {
	mode in {"real", "spend"}
	some i in input.facts.scope.inputs
	above := {name | some name, _ in i.columns; i.dataset.columns[name].level > i.grant.level_cap}
	count(above) > 0
}

# --- budget: the grant's, for its whole life, and the month's of each dataset and of the operator

reasons contains reason.of_named(i.input, "budget.runs", {"grant"}) if {
	mode == "spend"
	some i in input.facts.scope.inputs
	i.grant.runs_left <= 0
}

reasons contains reason.of_named(i.input, "budget.rows", {"grant"}) if {
	mode == "spend"
	some i in input.facts.scope.inputs
	i.rows > i.grant.rows_left
}

reasons contains reason.of_named(i.input, "budget.failed", {"grant"}) if {
	mode == "spend"
	some i in input.facts.scope.inputs
	i.grant.failed_left <= 0
}

reasons contains reason.named("facts.missing", {"budgets"}) if {
	mode == "spend"
	not drawn
}

reasons contains reason.named("budget.runs", {b.scope}) if {
	mode == "spend"
	some b in input.facts.scope.budgets
	b.runs > b.runs_left
}

reasons contains reason.named("budget.rows", {b.scope}) if {
	mode == "spend"
	some b in input.facts.scope.budgets
	b.rows > b.rows_left
}

reasons contains reason.named("budget.failed", {b.scope}) if {
	mode == "spend"
	some b in input.facts.scope.budgets
	b.failed > b.failed_left
}

drawn if count(input.facts.scope.budgets) > 0

# How to say that an input asks for more than one of its bounds gives.
wider := {
	"columns": {"grant": "columns.outside_grant", "terms": "columns.outside_terms"},
	"operation": {"grant": "operation.outside_grant", "terms": "operation.outside_terms"},
	"output": {"grant": "output.outside_grant", "terms": "output.outside_terms"},
	"purpose": {"grant": "purpose.outside_grant", "terms": "purpose.outside_terms"},
}

# What bounds an input, as far as it is there.
bounds(i) := {{"name": name, "of": i[name]} | some name in {"grant", "terms"}; i[name] != null}
