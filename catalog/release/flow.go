package release

import "github.com/sluicedata/sluice/catalog/flow"

// States of a release.
const (
	Releasing flow.State = "releasing"
	Released  flow.State = "released"
	Stopped   flow.State = "stopped"
	Recalled  flow.State = "recalled"
)

// Flow is the life of a release. What has left cannot be called back from where it is: a recall ends its being
// handed out here, and is told to everyone who checks it.
func Flow() flow.Table {
	const keeper = "keeper"
	return flow.Table{
		Noun: "release", Title: "Release", Source: "O33; domain 2.3.12.",
		States: []flow.State{Releasing, Released, Stopped, Recalled},
		Ends:   []flow.State{Stopped, Recalled},
		Moves: []flow.Move{
			{From: flow.None, Act: "make", To: Releasing, Who: keeper, Rule: "both votes verified; rights still hold"},
			{From: Releasing, Act: "deliver", To: Released, Who: keeper, Rule: "the intent is sequenced and checkpointed"},
			{From: Releasing, Act: "stop", To: Stopped, Who: keeper, Rule: "a right ended before the delivery"},
			{From: Released, Act: "recall", To: Recalled, Who: "implementing_agency: approver", Rule: "with a reason; the keeper signs a statement"},
		},
	}
}
