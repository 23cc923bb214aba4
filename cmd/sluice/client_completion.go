package main

import (
	"github.com/spf13/cobra"
)

// newCompletion makes the command that writes a shell's script. The script asks this program again at each Tab:
// client_complete.go answers.
func newCompletion() *cobra.Command {
	return offline(text{
		use:     "completion SHELL",
		example: "  sluice completion bash > /etc/bash_completion.d/sluice\n  sluice completion fish > ~/.config/fish/completions/sluice.fish",
	}, func(c *call) error {
		root := c.cmd.Root()
		switch c.args[0] {
		case "bash":
			return root.GenBashCompletionV2(c.out, true)
		case "zsh":
			return root.GenZshCompletion(c.out)
		case "fish":
			return root.GenFishCompletion(c.out, true)
		}
		return usage("shell.unknown")
	})
}
