package dataset

import "github.com/sluicedata/sluice/catalog/flow"

// States of a dataset.
const (
	Declared     flow.State = "declared"
	Checked      flow.State = "checked"
	Catalogued   flow.State = "catalogued"
	Authorizable flow.State = "authorizable"
	Frozen       flow.State = "frozen"
	Retired      flow.State = "retired"
)

// States of a version.
const (
	Ingesting flow.State = "ingesting"
	Available flow.State = "available"
	Refused   flow.State = "refused"
	Withdrawn flow.State = "withdrawn"
	// Destroying is a version whose end was approved, until nothing reads it any more; Destroyed is one whose keys
	// are gone.
	Destroying flow.State = "destroying"
	Destroyed  flow.State = "destroyed"
)

// Flow is the life of a dataset.
func Flow() flow.Table {
	const steward, system = "data_provider: data_steward", "system"
	const granted = "no grant that has not ended refers to it; what was released stays verifiable"
	return flow.Table{
		Noun: "dataset", Title: "Dataset", Source: "O5, O9, O29; domain 2.3.9.",
		States: []flow.State{Declared, Checked, Catalogued, Authorizable, Frozen, Retired},
		Ends:   []flow.State{Retired},
		Moves: []flow.Move{
			{From: flow.None, Act: "publish", To: Declared, Who: steward},
			{From: Declared, Act: "check", To: Checked, Who: system, Rule: "a version is available; levels and admission hold"},
			{From: Declared, Act: "retire", To: Retired, Who: steward},
			{From: Checked, Act: "terms", To: Catalogued, Who: steward, Rule: "provider terms are set"},
			{From: Checked, Act: "retire", To: Retired, Who: steward},
			{From: Catalogued, Act: "terms", To: Catalogued, Who: steward},
			{From: Catalogued, Act: "authorize", To: Authorizable, Who: system, Rule: "its registration is valid"},
			{From: Catalogued, Act: "retire", To: Retired, Who: steward, Rule: granted},
			{From: Authorizable, Act: "terms", To: Authorizable, Who: steward, Rule: "narrower terms hold for running grants at once"},
			{From: Authorizable, Act: "lapse", To: Catalogued, Who: system, Rule: "its registration ended"},
			{From: Authorizable, Act: "freeze", To: Frozen, Who: steward, Rule: "runs on it end within seconds"},
			{From: Authorizable, Act: "retire", To: Retired, Who: steward, Rule: granted},
			{From: Frozen, Act: "thaw", To: Authorizable, Who: steward},
			{From: Frozen, Act: "lapse", To: Catalogued, Who: system, Rule: "its registration ended"},
			{From: Frozen, Act: "retire", To: Retired, Who: steward, Rule: granted},
		},
	}
}

// VersionFlow is the life of a dataset version. What was refused or withdrawn never comes back: the next
// publication is a new version.
func VersionFlow() flow.Table {
	const steward, worker = "data_provider: data_steward", "worker"
	const destroyers = steward + " or approver, the second of two persons"
	return flow.Table{
		Noun: "version", Title: "Dataset version", Source: "O23, O28, O29; parsing happens in a container.",
		States: []flow.State{Ingesting, Available, Refused, Withdrawn, Destroying, Destroyed},
		Ends:   []flow.State{Refused, Destroyed},
		Moves: []flow.Move{
			{From: flow.None, Act: "publish", To: Ingesting, Who: steward},
			{From: Ingesting, Act: "ingest", To: Available, Who: worker, Rule: "every row parses; the manifest is sealed"},
			{From: Ingesting, Act: "refuse", To: Refused, Who: worker, Rule: "places and reasons are told; nothing is registered"},
			{From: Ingesting, Act: "withdraw", To: Withdrawn, Who: steward},
			{From: Available, Act: "withdraw", To: Withdrawn, Who: steward + ", or the keeper",
				Rule: "runs on it end within seconds; the keeper's by the terms' retention, once nothing needs it"},
			{From: Available, Act: "destroy", To: Destroying, Who: destroyers, Rule: "runs on it end within seconds"},
			{From: Withdrawn, Act: "destroy", To: Destroying, Who: destroyers},
			{From: Destroying, Act: "erase", To: Destroyed, Who: "keeper", Rule: "nothing reads it any more; its data keys are erased"},
		},
	}
}
