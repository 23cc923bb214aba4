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
		words := strings.Fields(line)
		found, rest, err := root.Find(words[1:])
		if err != nil || found == root || found.HasSubCommands() && len(rest) == 0 && found.RunE == nil {
			t.Errorf("%q is no command: %v", line, err)
			continue
		}
		for _, word := range rest {
			flag, named := strings.CutPrefix(word, "--")
			if !strings.HasPrefix(word, "{") && (!named || found.Flags().Lookup(flag) == nil) {
				t.Errorf("%q: %s takes no %q", line, found.CommandPath(), word)
			}
		}
	}
}
