package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocument executes the example of the client's page from its own text, and compares what the page says it prints.
func TestDocument(t *testing.T) {
	page, err := os.ReadFile("../../../deploy/docs/python.md")
	if err != nil {
		t.Fatal(err)
	}
	c := newCity(t)
	for name, text := range map[string]string{"example.py": block(t, string(page), "python"), "trips.csv": "card,line\n1,7\n"} {
		if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := python(t, ".", c.folder, filepath.Join(c.folder, "example.py"))
	if diff := cmp.Diff(block(t, string(page), "text"), got); diff != "" {
		t.Fatal(diff)
	}
}

// block returns the one fenced block of a language.
func block(t *testing.T, page, language string) string {
	t.Helper()
	parts := strings.Split(page, "\n```"+language+"\n")
	if len(parts) != 2 {
		t.Fatalf("%d blocks of %s", len(parts)-1, language)
	}
	text, _, ok := strings.Cut(parts[1], "```")
	if !ok {
		t.Fatal("an open block")
	}
	return text
}
