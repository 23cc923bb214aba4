package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// played is how the scripts play a command: which exit codes it is seen with.
type played map[string]map[string]bool

// flagWord finds the flags of a line.
var flagWord = regexp.MustCompile(` --?([a-z][a-z-]*)[ =]`)

// playedScripts reads every line of the scripts that runs the program: `exec sluice …` ends with 0, `exits N sluice
// …` with N.
func playedScripts(t *testing.T, paths []string) played {
	t.Helper()
	all := played{}
	for _, script := range scripts(t) {
		for line := range strings.Lines(script) {
			line = strings.TrimSuffix(line, "\n")
			code := "0"
			command, ok := strings.CutPrefix(line, "exec sluice ")
			if rest, exits := strings.CutPrefix(line, "exits "); exits {
				code, command, _ = strings.Cut(rest, " ")
				command, ok = strings.CutPrefix(command, "sluice ")
			}
			if path := playedCommand(command, paths); ok && path != "" {
				if all[path] == nil {
					all[path] = map[string]bool{}
				}
				all[path][code] = true
				for _, flag := range flagWord.FindAllStringSubmatch(command, -1) {
					all[path][code+" --"+flag[1]] = true
				}
			}
		}
	}
	return all
}

// scripts reads all that plays the program: the scripts, those of an installed instance, and the lines of the page an
// administrator follows (TestBreakGlass plays them).
func scripts(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"testdata/*.txt", "testdata/ops/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts %s: %v", pattern, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(body))
		}
	}
	page, err := os.ReadFile("../../deploy/docs/break-glass.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range fenced(string(page)) {
		if !block.fails {
			all = append(all, "exec "+strings.ReplaceAll(strings.TrimSpace(block.text), "\n", "\nexec "))
		}
	}
	return all
}

// playedCommand finds the longest path of a command that a line begins with; global flags may stand before it.
func playedCommand(line string, paths []string) (longest string) {
	words := strings.Fields(line)
	for len(words) > 2 && strings.HasPrefix(words[0], "--") {
		words = words[2:]
	}
	rest := strings.Join(words, " ") + " "
	for _, path := range paths {
		if len(path) > len(longest) && strings.HasPrefix(rest, strings.ReplaceAll(path, ".", " ")+" ") {
			longest = path
		}
	}
	return longest
}

// asksNobody lists the commands that nobody can be refused: they are about the caller, or about files.
func asksNobody() []string {
	return []string{
		"whoami", "login", "profile.list", "profile.use", "profile.show", "profile.remove", "release.verify", "destruction.verify",
		"trace.verify", "completion", "help", "up", "token", "release.trust",
		"check-config", "ready", "self-test", "fsck", "backup", "restore", "trust.rotate", "trust.restore", "trust.recover",
	}
}

// neverRefused says why a command that asks the server is never refused by policy; and of which no object can be
// missing, though its use line names one.
func neverRefused() map[string]string {
	return map[string]string{
		"agreement.show":  "who may not see agreements is told there is none",
		"grant.show":      "who may not see grants is told there is none",
		"grant.compare":   "who may not see grants is told there is none",
		"grant.approve":   "the grant is the operator's: who may not decide on it is told there is none",
		"grant.allow":     "the grant is the operator's: who may not decide on it is told there is none",
		"grant.refuse":    "the grant is the operator's: who may not decide on it is told there is none",
		"key.end":         "everybody may end their own, and another's is told to be none",
		"grant.revoke":    "the grant is the operator's: who may not decide on it is told there is none",
		"dataset.show":    "who may not see datasets is told there is none",
		"dataset.columns": "who may not see datasets is told there is none",
		"dataset.profile": "who may not see datasets is told there is none",
		"dataset.usage":   "who may not see the use of a dataset is told there is none",
		"dataset.version": "datasets are in the catalogue for everybody",
		"upload.show":     "who may not see uploads is told there is none",
		"upload.drop":     "who may not see uploads is told there is none",
		"factor.enrol":    "a second factor is the person's own",
		"factor.renew":    "recovery codes are the person's own",
		"key.rotate":      "a key is the person's own",
		"org.show":        "every member may see their own; another is told there is none",
		"trace.export":    "the log's hashes are everybody's",
	}
}

// playedElsewhere lists what scripts cannot show, and the tests that play it: a login through a provider
// (TestLoginInABrowser), and what needs the machine of an
// instance (TestFsck here, and TestDemo in deploy/demo).
func playedElsewhere() map[string][]string {
	return map[string][]string{
		"fsck": {"0"}, "self-test": {"0"},
		"identity.admit": {"0", "3"}, "identity.revoke": {"0", "3"}, "factor.confirm": {"0"}, "factor.renew": {"0"}, "factor.prove": {"0", "3"},
	}
}

func neverMissing() map[string]string {
	return map[string]string{
		"trace.lineage":   "a digest nobody read or wrote has an empty lineage",
		"member.invite":   "the login is the one to be made",
		"image.propose":   "the name is the one to be made",
		"release.verify":  "its argument is a folder",
		"completion":      "its argument is a word",
		"dataset.publish": "its argument is a file",
		"dataset.inspect": "its argument is a file",
		"upload.send":     "its argument is a file",
		"factor.confirm":  "its argument is a password",
	}
}

// noBadValue says why a command that takes values refuses none of them as bad input.
func noBadValue() map[string]string {
	none, path := "an organization or a grant that is not there is told to be none (exit code 4)", "a path that cannot be written is a failure (exit code 1)"
	return map[string]string{
		"member.list": none, "member.link": none, "member.remove": none, "key.list": none, "identity.list": none,
		"factor.code": none, "factor.reset": none, "dataset.preview": none,
		"trace.export": path, "destruction.get": path, "output.show": path, "dataset.profile": path,
		"dataset.profile.sign": "a digest that is not the profile's is one that was not read (exit code 1)",
		"factor.enrol":         "a code that is wrong is a refusal", "factor.prove": "a code that is wrong is a refusal",
	}
}

// textFlags lists the flags of a command itself that take a text, by their names and letters. A number, a time or a day
// that is none is refused before anything is done (TestEveryTypedFlagRefusesWhatIsNone).
func textFlags(cmd *cobra.Command) (all []string) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		switch f.Value.Type() {
		case "bool":
		case "string", "stringSlice", "stringArray":
			all = append(all, f.Name)
			if f.Shorthand != "" {
				all = append(all, f.Shorthand)
			}
		}
	})
	return all
}

// Whatever is to be a number or a duration and is none is refused, by every command, with the flag's name.
func TestEveryTypedFlagRefusesWhatIsNone(t *testing.T) {
	for path, cmd := range leaves(t) {
		words := append(strings.Split(path, "."), slices.Repeat([]string{"x"}, len(arguments(cmd.Use)))...)
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains([]string{"bool", "string", "stringSlice", "stringArray"}, f.Value.Type()) {
				return
			}
			var stderr strings.Builder
			code := run(t.Context(), production(), append(slices.Clone(words), "--"+f.Name, "none"), strings.NewReader(""), io.Discard, &stderr)
			if code != exitUsage || !strings.Contains(stderr.String(), "--"+f.Name) {
				t.Errorf("%s --%s none: exit code %d: %s", path, f.Name, code, stderr.String())
			}
		})
	}
}

// Every command is played with success; where it asks the server, with a refusal; where it names an object, with
// one that is not there; where it waits, with patience that ends; where it takes values, with a bad one.
func TestEveryCommandIsPlayedInEveryWay(t *testing.T) {
	commands := leaves(t)
	scripts := playedScripts(t, leafPaths(t))
	for path, codes := range playedElsewhere() {
		for _, code := range codes {
			if scripts[path] == nil {
				scripts[path] = map[string]bool{}
			}
			scripts[path][code] = true
		}
	}
	for path, cmd := range commands {
		if path == "up" { // up_test.go
			continue
		}
		seen := scripts[path]
		offline := slices.Contains(asksNobody(), path)
		for _, way := range []struct {
			code, what string
			applies    bool
		}{
			{"0", "done", path != "help"},
			{"3", "refused by policy", !offline && neverRefused()[path] == ""},
			{"4", "on an object that is not there", !offline && len(arguments(cmd.Use)) > 0 && neverMissing()[path] == ""},
			{"5", "with patience that ends", cmd.Flags().Lookup("timeout") != nil},
			{"2", "with a bad file", cmd.Flags().Lookup("file") != nil},
		} {
			if way.applies && !seen[way.code] {
				t.Errorf("%s: no script plays it %s (exit code %s)", strings.ReplaceAll(path, ".", " "), way.what, way.code)
			}
		}
		takes := textFlags(cmd)
		bad := slices.ContainsFunc(takes, func(flag string) bool { return seen["2 --"+flag] })
		if excused := noBadValue()[path] != ""; len(takes) > 0 && bad == excused || excused && len(takes) == 0 {
			t.Errorf("%s: played with a bad value of %v: %v; has a reason not to be: %v", strings.ReplaceAll(path, ".", " "), takes, bad, excused)
		}
	}
}

// onMachine lists what changes a machine, not the record of a running server: the client's rehearsal is not for it.
func onMachine() []string {
	return []string{"up", "self-test", "fsck", "backup", "restore", "trust.rotate", "trust.restore", "trust.recover"}
}

// Every command that changes something can be rehearsed; the others have nothing to rehearse.
func TestEveryChangeCanBeRehearsed(t *testing.T) {
	readers := []string{
		"list", "show", "columns", "compare", "version", "usage", "watch", "query", "prove", "lineage", "export", "verify", "get", "token", "status",
		"whoami", "completion", "help", "check-config", "ready",
	}
	for path, cmd := range leaves(t) {
		reads := slices.Contains(readers, cmd.Name()) && path != "factor.prove" || path == "release.trust" || slices.Contains(onMachine(), path)
		if has := cmd.Flags().Lookup("dry-run") != nil; has == reads {
			t.Errorf("%s: reads only: %v, can be rehearsed: %v", path, reads, has)
		}
	}
}

// No command takes what it does not know: an argument too many, a flag of no name. Each says so, with exit code 2.
func TestEveryCommandRefusesWhatItDoesNotTake(t *testing.T) {
	for path, cmd := range leaves(t) {
		if path == "help" {
			continue
		}
		words := strings.Split(path, ".")
		for _, more := range [][]string{
			append(slices.Repeat([]string{"x"}, len(arguments(cmd.Use))), "one", "two-too-many"), {"--no-such-flag"}, {"--lang", "fr"},
		} {
			var stderr strings.Builder
			args := append(slices.Clone(words), more...)
			code := run(t.Context(), production(), args, strings.NewReader(""), io.Discard, &stderr)
			if path == "up" && more[0] == "--lang" {
				continue
			}
			if code != exitUsage || stderr.Len() == 0 {
				t.Errorf("%v: exit code %d: %s", args, code, stderr.String())
			}
		}
	}
}
