package main

import (
	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/platform"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newPlatform() *cobra.Command {
	return noun(text{use: "platform", example: "  sluice platform status"}, platformStatus())
}

func platformStatus() *cobra.Command {
	return command(text{
		use: "status", example: "  sluice platform status\n  sluice platform status -o json",
	}, func(c *call) error {
		s, err := c.Platform.Status(c.ctx)
		return one(c, s, err, platformFields(c))
	})
}

func platformFields(c *call) []field[wire.Status] {
	return []field[wire.Status]{
		{"failing", func(s wire.Status) string { return joined(s.Failing()) }},
		{"self-tests", func(s wire.Status) string { return statusTests(c, s.SelfTests) }},
		{"queue", func(s wire.Status) string { return statusQueue(c, s.Queue) }},
		{"entries", func(s wire.Status) string { return number(s.Entries) }},
		{"schema", func(s wire.Status) string { return number(s.Schema) }},
		{"policy", func(s wire.Status) string { return s.Policy }},
		{"rules", func(s wire.Status) string { return s.RuleSet }},
	}
}

// statusTests tells of each runtime whether it held its bounds when it was last tried.
func statusTests(c *call, tests []platform.SelfTest) string {
	all := make([]string, 0, len(tests))
	for _, t := range tests {
		who := []any{"worker", t.Worker, "runtime", t.Runtime, "at", when(t.MadeAt)}
		if len(t.Broken) > 0 {
			all = append(all, c.Say("status.broken", append(who, "broken", joined(t.Broken))...))
			continue
		}
		all = append(all, c.Say("status.held", who...))
	}
	return c.list(all)
}

// statusQueue tells how much work waits and runs.
func statusQueue(c *call, depths []platform.Depth) string {
	all := make([]string, 0, len(depths))
	for _, d := range depths {
		all = append(all, c.Say("status.depth", "n", number(d.Count), "kind", word(c, d.Kind), "state", word(c, d.State)))
	}
	return c.list(all)
}
