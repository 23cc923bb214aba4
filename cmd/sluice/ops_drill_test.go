package main

import (
	"os"
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
	blocks := fenced(string(page))
	if len(blocks) < 10 {
		t.Fatalf("only %d blocks of commands", len(blocks))
	}
	var b strings.Builder
	b.WriteString("\nnow GOOD\nmkdir $SAFE\ncp phrase $SAFE/phrase\n")
	for _, block := range blocks {
		for line := range strings.Lines(block.text) {
			b.WriteString(commandOf(strings.TrimSpace(line), block.fails))
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
