# Whether a job may read what it asks for: every dimension of every input, at submit, at claim and before a
# release. The longer half, why not, is in scope_reasons.rego.
package sluice.scope

# What the act costs and touches: a real run is bounded by levels; a submit also by what is left to spend
# (it is spent there, so a claim or a release finds it gone and must not ask again).
mode := "spend" if {
	input.action == "job.submit"
	scope := input.facts.scope
	not scope.synthetic
}

mode := "real" if {
	input.action in {"job.claim", "release.make"}
	scope := input.facts.scope
	not scope.synthetic
}

mode := "synthetic" if {
	input.action in {"job.debug", "job.claim"}
	input.facts.scope.synthetic
}

operator := input.object.org

allow if {
	s := input.facts.scope
	count(s.inputs) > 0
	joined
	fit_outputs
	how := mode
	affordable(how, s)
	now := input.facts.now
	now > 0
	use := {s.purpose: true}
	operation := {s.operation: true}
	outputs := s.outputs
	ours := {"operator": operator}
	every i in s.inputs {
		# What the record must hold: a member that is absent, null or otherwise is a refusal. One look at a
		# whole shape costs a fraction of asking for each member. An empty set holds nothing.
		object.subset(i, {
			"agreement": {"state": "effective", "covered": true},
			"registration": {"state": "valid"},
			"dataset": {"state": "authorizable", "class": "general", "version_state": "available"},
			"grant": {"state": "active", "rows_scoped": true},
		})
		asked := {"purposes": use, "operations": operation, "outputs": outputs, "columns": i.columns}
		object.subset(i, {"terms": asked, "grant": asked})
		object.subset(i, {"agreement": ours, "grant": ours})
		a := i.agreement
		t := i.terms
		g := i.grant
		now >= a.from
		now < a.to
		now < i.registration.to
		now < t.to
		now >= g.from
		now < g.to
		g.min_units >= t.min_units
		version_ok(i.version, g.version_from, g.version_to)
		levels := readable(i.columns, i.dataset.columns, g.lawful_basis)
		count(levels) > 0
		count(levels) == count(i.columns)
		bounded(how, levels, i, g)
	}
}

# Two or more datasets need a recorded decision of the agency (O33).
joined if input.facts.scope.datasets == 1

joined if {
	input.facts.scope.datasets > 1
	input.facts.scope.join_decided == true
}

# Files have no cells to protect people with.
fit_outputs if {
	outputs := input.facts.scope.outputs
	not outputs.file
}

fit_outputs if {
	every i in input.facts.scope.inputs { i.dataset.protected == false }
}

version_ok(version, from, 0) if version >= from

version_ok(version, from, to) if {
	to != 0
	version >= from
	version <= to
}

# The levels of the columns asked for, one for each that is the dataset's and may be read: a column nobody knows
# makes one too few. Without a lawful basis none may be personal.
readable(columns, known, true) := [level |
	some name, _ in columns
	known[name] = {"level": level, "personal": _, "dropped": false}
]

readable(columns, known, false) := [level |
	some name, _ in columns
	known[name] = {"level": level, "personal": false, "dropped": false}
]

# Synthetic rows are of no level and cost nothing.
bounded("synthetic", _, _, _) := true

bounded("real", levels, _, g) := true if max(levels) <= g.level_cap

bounded("spend", levels, i, g) := true if {
	max(levels) <= g.level_cap
	g.runs_left > 0
	i.rows <= g.rows_left
	g.failed_left > 0
}

# Only a submit draws on the months' budgets. One that draws on none is doubt.
affordable(how, _) := true if how in {"real", "synthetic"}

affordable("spend", s) := true if {
	count(s.budgets) > 0
	every b in s.budgets {
		b.runs <= b.runs_left
		b.rows <= b.rows_left
		b.failed <= b.failed_left
	}
}
