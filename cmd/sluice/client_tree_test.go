package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/messages"
)

func english(t *testing.T) texts.Texts {
	t.Helper()
	said, err := texts.In(messages.English)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// visit calls fn for every command people can see.
func visit(cmd *cobra.Command, fn func(*cobra.Command)) {
	for _, child := range cmd.Commands() {
		if !child.Hidden {
			fn(child)
			visit(child, fn)
		}
	}
}

func TestEveryCommandSaysWhatItDoesAndShowsHow(t *testing.T) {
	visit(newRoot(production(), english(t)), func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: needs one line without a full stop", cmd.CommandPath())
		}
		if cmd.Example == "" {
			t.Errorf("%s: needs an example", cmd.CommandPath())
		}
		cmd.LocalFlags() // merges, and panics on two flags of one name
	})
}

// shellWords splits an example as a shell would, double quotes only.
func shellWords(line string) []string {
	var all []string
	for i, piece := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, piece)
			continue
		}
		all = append(all, strings.Fields(piece)...)
	}
	return all
}

func TestExamplesAreCommandLines(t *testing.T) {
	visit(newRoot(production(), english(t)), func(cmd *cobra.Command) {
		for _, line := range strings.Split(strings.ReplaceAll(cmd.Example, " && ", "\n"), "\n") {
			line, _, _ = strings.Cut(line, " > ")
			given := shellWords(line)
			if len(given) < 2 || given[0] != "sluice" {
				t.Errorf("%s: not a command line: %s", cmd.CommandPath(), line)
				continue
			}
			found, rest, err := newRoot(production(), english(t)).Find(given[1:])
			if err != nil {
				t.Errorf("%s: %s: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %s: %v", cmd.CommandPath(), line, err)
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %s: %v", cmd.CommandPath(), line, err)
			}
		}
	})
}

func TestEveryClientCommandIsInAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(body)
	}
	root := &cobra.Command{Use: "sluice"}
	root.AddCommand(clientCommands()...)
	visit(root, func(cmd *cobra.Command) {
		group := cmd.HasSubCommands() && strings.Fields(cmd.Use)[0] == cmd.Use
		if !group && !strings.Contains(scripts.String(), "exec "+cmd.CommandPath()+" ") && !strings.Contains(scripts.String(), "exec "+cmd.CommandPath()+"\n") {
			t.Errorf("%s: in no script", cmd.CommandPath())
		}
	})
}
