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

mode := "synthetic" if input.action == "job.check"

operator := input.object.org

allow if {
	s := input.facts.scope
	count(s.inputs) > 0
	joined
	fit_outputs
	within_budget
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
		fit(mode, i, g)
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

within_budget if mode in {"real", "synthetic"}

within_budget if {
	mode == "spend"
	every i in input.facts.scope.inputs {
		g := i.grant
		g.runs_left > 0
		i.rows <= g.rows_left
	}
}

version_ok(version, from, 0) if version >= from

version_ok(version, from, to) if {
	to != 0
	version >= from
	version <= to
}

# Every column asked for is one of the dataset's that may be read: counted, so that one nobody knows is one
# too few. Without a lawful basis none may be personal: false ≤ false, false ≤ true, true ≤ true. Only a run on
# real data is held to a level.
fit("synthetic", i, g) if {
	known := i.dataset.columns
	basis := g.lawful_basis
	readable := [1 |
		some name, _ in i.columns
		known[name] = {"level": _, "personal": personal, "dropped": false}
		personal <= basis
	]
	count(readable) > 0
	count(readable) == count(i.columns)
}

fit(how, i, g) if {
	how in {"real", "spend"}
	known := i.dataset.columns
	basis := g.lawful_basis
	highest := g.level_cap
	readable := [1 |
		some name, _ in i.columns
		known[name] = {"level": level, "personal": personal, "dropped": false}
		level <= highest
		personal <= basis
	]
	count(readable) > 0
	count(readable) == count(i.columns)
}
