package upload

import "github.com/sluicedata/sluice/catalog/flow"

// States of an upload.
const (
	Open     flow.State = "open"
	Complete flow.State = "complete"
	Dropped  flow.State = "dropped"
	Expired  flow.State = "expired"
)

// Flow is the life of an upload. Publishing and inspecting do not move it: one file may be inspected, published,
// and published again with another reading of it.
func Flow() flow.Table {
	const steward, keeper = "data_provider: data_steward", "keeper"
	const over = "after the hours of the rule set; its chunks are forgotten"
	return flow.Table{
		Noun: "upload", Title: "Upload", Source: "O28; departments send over bad lines.",
		States: []flow.State{Open, Complete, Dropped, Expired},
		Ends:   []flow.State{Dropped, Expired},
		Moves: []flow.Move{
			{From: flow.None, Act: "start", To: Open, Who: steward},
			{From: Open, Act: "send", To: Open, Who: steward, Rule: "a chunk is there once; another one of its number is refused"},
			{From: Open, Act: "complete", To: Complete, Who: steward, Rule: "every chunk is there"},
			{From: Open, Act: "drop", To: Dropped, Who: steward},
			{From: Open, Act: "expire", To: Expired, Who: keeper, Rule: over},
			{From: Complete, Act: "drop", To: Dropped, Who: steward},
			{From: Complete, Act: "expire", To: Expired, Who: keeper, Rule: over},
		},
	}
}
