package docker_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// The share of an organization is counted in pieces of work; the figure of one piece must be what the templates let
// the largest piece hold: all its output directories, and the scratch of one container.
func TestPiecesHoldWhatTheRuleSetCounts(t *testing.T) {
	rules, err := ruleset.Default()
	if err != nil {
		t.Fatal(err)
	}
	limits, largest := docker.DefaultLimits(), int64(0)
	for _, steps := range [][]task.Verb{
		{task.Ingest}, {task.Profile}, {task.Ingest, task.Twin}, {task.Stage, task.Preview}, {task.Check},
		{task.Synth, task.SQL, task.Screen}, {task.Stage, task.SQL, task.Split, task.Screen},
		// A Python job lets go of what it has carried on: of its many containers these are there at once.
		{task.Stage, task.Deal}, {task.Stage, task.Python}, {task.Stage, task.Normalize}, {task.Stage, task.Attach, task.Screen},
	} {
		out, scratch := int64(0), int64(0)
		for _, verb := range steps {
			out += limits[verb].OutBytes
			scratch = max(scratch, limits[verb].Scratch)
		}
		largest = max(largest, out+scratch)
	}
	if counted := int64(rules.Queue.PieceScratchMB) << 20; counted != largest {
		t.Fatalf("the rule set counts %d bytes a piece, the templates allow %d", counted, largest)
	}
}
