package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

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

// TestPagesWriteCommandsThatRun: what a page writes out for its reader to type has its arguments and its flags.
func TestPagesWriteCommandsThatRun(t *testing.T) {
	written := regexp.MustCompile(`"Command" "(sluice [^"]*)"|<code>(sluice [^<]*)</code>`)
	blank := regexp.MustCompile(`{{[^}]*}}`)
	pages, err := filepath.Glob("../../gateway/console/pages/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	lines := 0
	for _, page := range pages {
		body, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written.FindAllStringSubmatch(string(body), -1) {
			line := blank.ReplaceAllString(m[1]+m[2], "1")
			lines++
			if err := runs(newRoot(production(), english(t)), strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(page), line, err)
			}
		}
	}
	if lines < 10 {
		t.Errorf("only %d commands are written", lines)
	}
}

// runs tells what keeps a command line from being run.
func runs(root *cobra.Command, words []string) error {
	found, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if found == root || found.RunE == nil {
		return errors.New("no command")
	}
	if err := found.ParseFlags(rest); err != nil {
		return err
	}
	return errors.Join(found.ValidateArgs(found.Flags().Args()), found.ValidateRequiredFlags())
}
