package main

import (
	"strings"
	"testing"

	"github.com/sluicedata/sluice/gateway/console"
)

// TestPagesTellCommandsThatAre: what a page says to type instead is a command of this program.
func TestPagesTellCommandsThatAre(t *testing.T) {
	root := newRoot(production(), english(t))
	for _, line := range console.Commands() {
		words := strings.Fields(strings.ReplaceAll(line, "{version}", "1"))
		found, rest, err := root.Find(words[1:])
		if err != nil || found == root || found.HasSubCommands() && len(rest) == 0 && found.RunE == nil {
			t.Errorf("%q is no command: %v", line, err)
			continue
		}
		if err := found.ParseFlags(rest); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		for _, word := range found.Flags().Args() {
			if !strings.HasPrefix(word, "{") {
				t.Errorf("%q: %s takes no %q", line, found.CommandPath(), word)
			}
		}
	}
}
