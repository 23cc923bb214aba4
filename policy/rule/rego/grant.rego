# Whether a grant lies within what bounds it: the provider's terms, the agreement, the dataset. Asked when it
# is proposed and again when it is approved: terms may have narrowed in between.
package sluice.grant

import data.sluice.reason

allow if {
	b := input.facts.grant
	g := b.grant
	t := b.terms
	a := b.agreement
	d := b.dataset
	now := input.facts.now
	now > 0

	a.state == "effective"
	a.operator == input.object.org
	g.operator == input.object.org
	a.covered == true
	d.class == "general"
	ready

	g.from < g.to
	now < g.to
	g.from >= a.from
	g.to <= a.to
	g.to <= t.to

	g.rows_scoped == true
	g.min_units >= t.min_units
	object.subset(t.purposes, g.purposes)
	object.subset(t.operations, g.operations)
	object.subset(t.outputs, g.outputs)
	count(g.columns) > 0
	object.subset(t.columns, g.columns)
	every name, _ in g.columns { column_ok(d.columns[name], g) }
}

# Only what may be authorized can be granted; a proposal may wait for it, unless the dataset has ended.
ready if {
	input.action == "grant.propose"
	input.facts.grant.dataset.state != "retired"
}

ready if input.facts.grant.dataset.state == "authorizable"

column_ok(c, g) if {
	c.dropped == false
	c.level <= g.level_cap
	lawful(c.personal, g.lawful_basis)
}

lawful(false, _) := true

lawful(true, true) := true

# --- reasons

bounds := input.facts.grant

reasons contains reason.named("facts.missing", {"grant"}) if not bounds

reasons contains reason.named("facts.missing", {"now"}) if not input.facts.now > 0

reasons contains reason.named("facts.missing", {"object"}) if not input.object.org

reasons contains reason.named("facts.missing", absent) if {
	absent := {name | some name in {"agreement", "dataset"}; bounds[name] == null}
	count(absent) > 0
}

reasons contains reason.plain("terms.missing") if bounds.terms == null

reasons contains reason.plain("terms.expired") if input.facts.now >= bounds.terms.to

reasons contains reason.named("agreement.not_effective", {bounds.agreement.state}) if bounds.agreement.state != "effective"

reasons contains reason.plain("agreement.other_operator") if bounds.agreement.operator != input.object.org

reasons contains reason.plain("grant.other_operator") if bounds.grant.operator != input.object.org

reasons contains reason.plain("agreement.dataset_not_covered") if bounds.agreement.covered == false

reasons contains reason.named("dataset.class_refused", {bounds.dataset.class}) if bounds.dataset.class != "general"

reasons contains reason.plain("dataset.frozen") if {
	not ready
	bounds.dataset.state == "frozen"
}

reasons contains reason.named("dataset.not_authorizable", {bounds.dataset.state}) if {
	not ready
	not bounds.dataset.state in {"frozen", "retired"}
}

reasons contains reason.plain("dataset.retired") if bounds.dataset.state == "retired"

reasons contains reason.plain("term.empty") if bounds.grant.from >= bounds.grant.to

reasons contains reason.named("term.expired", {"grant"}) if input.facts.now >= bounds.grant.to

reasons contains reason.plain("term.before_agreement") if bounds.grant.from < bounds.agreement.from

reasons contains reason.plain("term.outside_agreement") if bounds.grant.to > bounds.agreement.to

reasons contains reason.plain("term.outside_terms") if bounds.grant.to > bounds.terms.to

reasons contains reason.plain("rows.no_scope") if bounds.grant.rows_scoped == false

reasons contains reason.plain("units.below_terms") if bounds.grant.min_units < bounds.terms.min_units

# A purpose is the proposer's word until somebody approves it, so it is not repeated.
reasons contains reason.plain("purpose.outside_terms") if count(outside("purposes")) > 0

reasons contains reason.named("operation.outside_terms", outside("operations") & reason.operations) if {
	count(outside("operations")) > 0
}

reasons contains reason.named("output.outside_terms", outside("outputs") & reason.outputs) if {
	count(outside("outputs")) > 0
}

reasons contains reason.plain("columns.none") if count(bounds.grant.columns) == 0

reasons contains reason.plain("columns.unknown") if {
	bounds.dataset != null
	some name, _ in bounds.grant.columns
	not bounds.dataset.columns[name]
}

reasons contains reason.named("columns.outside_terms", wider) if {
	wider := {name | some name in outside("columns"); bounds.dataset.columns[name]}
	count(wider) > 0
}

reasons contains reason.named("columns.dropped", dropped) if {
	dropped := {name | some name, _ in bounds.grant.columns; bounds.dataset.columns[name].dropped}
	count(dropped) > 0
}

reasons contains reason.named("level.above_cap", above) if {
	cap := bounds.grant.level_cap
	above := {name | some name, _ in bounds.grant.columns; bounds.dataset.columns[name].level > cap}
	count(above) > 0
}

reasons contains reason.named("personal.no_lawful_basis", personal) if {
	bounds.grant.lawful_basis == false
	personal := {name | some name, _ in bounds.grant.columns; bounds.dataset.columns[name].personal}
	count(personal) > 0
}

# outside lists what the grant has and the terms do not; nothing while there are no terms to compare with.
outside(dimension) := {name |
	t := bounds.terms
	t != null
	some name, _ in bounds.grant[dimension]
	not t[dimension][name]
}
