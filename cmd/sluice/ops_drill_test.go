package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBreakGlass runs the commands of deploy/docs/break-glass.md in their order: each block of "sh" must succeed, each of
// "sh fails" must fail. What a person would put in between stands here.
func TestBreakGlass(t *testing.T) {
	page, err := os.ReadFile("../../deploy/docs/break-glass.md")
	if err != nil {
		t.Fatal(err)
	}
	_, drills, _ := strings.Cut(string(page), "\n## ")
	for drill := range strings.SplitSeq(drills, "\n## ") {
		title, body, _ := strings.Cut(drill, "\n")
		if !slices.ContainsFunc(fenced(body), func(f fence) bool { return !f.fails && strings.TrimSpace(f.text) != "" }) {
			t.Errorf("%s: nothing of it is run", title)
		}
	}
	var b strings.Builder
	b.WriteString("\nnow GOOD\nmkdir $SAFE\ncp phrase $SAFE/phrase\n")
	for _, block := range fenced(string(page)) {
		for line := range strings.Lines(block.text) {
			line = strings.TrimSpace(line)
			b.WriteString(mishap(line) + commandOf(line, block.fails))
		}
	}
	b.WriteString("-- phrase --\na passphrase of this test\n")
	play(t, []byte(b.String()))
}

// fence is one block of commands of a document.
type fence struct {
	text  string
	fails bool
}

// fenced returns the blocks of a document that are marked sh.
func fenced(page string) (blocks []fence) {
	for rest := page; ; {
		_, after, ok := strings.Cut(rest, "\n```sh")
		if !ok {
			return blocks
		}
		mark, body, _ := strings.Cut(after, "\n")
		text, left, _ := strings.Cut(body, "\n```")
		blocks, rest = append(blocks, fence{text, strings.TrimSpace(mark) == "fails"}), "\n"+left
	}
}

// commandOf makes a line of a document one of a script.
func commandOf(line string, fails bool) string {
	if strings.HasPrefix(line, "systemctl ") {
		return line + "\n"
	}
	command := "exec " + line + "\n"
	if fails {
		return "! " + command
	}
	switch {
	case strings.HasPrefix(line, "sluice key list"):
		return command + "take STOLEN '^([^ ]+) +reviewer '\n"
	case strings.HasPrefix(line, "sluice release list"):
		return command + "stdout '" + "^D-.* released '\n"
	case strings.HasPrefix(line, "sluice release show"):
		return command + "stdout '^state +recalled$'\n"
	case strings.Contains(line, "--act release.get"):
		return command + "stdout 'release.get +allow'\n"
	}
	return command
}

// mishap is what has gone wrong before a line: the files are gone.
func mishap(line string) string {
	switch keys := "$DATA/keeper/keys/"; {
	case strings.HasPrefix(line, "sluice trust restore"):
		return "rm " + keys + "wrap.key " + keys + "checkpoint.key\n"
	case strings.HasPrefix(line, "sluice trust rotate") && strings.HasSuffix(line, "--purpose checkpoint --lost"):
		return "rm " + keys + "checkpoint.key " + keys + "certificate.key\n"
	}
	return ""
}
