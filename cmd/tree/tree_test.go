package tree

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// check runs every rule and returns the faults, sorted.
func check(t *testing.T, root fs.FS) []string {
	t.Helper()
	files, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	top, err := Top(root)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := Pins(root)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, fault := range slices.Concat(top, pins, Layers(files), Lengths(files), Calls(files), Documented(files)) {
		all = append(all, fault.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestThisTreeKeepsItsRules(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range check(t, os.DirFS(root)) {
		t.Error(fault)
	}
}

func TestBrokenRulesAreFound(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	bad := fstest.MapFS{}
	var want []string
	for _, file := range archive.Files {
		if file.Name == "want" {
			want = strings.Split(strings.TrimSpace(string(file.Data)), "\n")
			continue
		}
		bad[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	// Too long to be read in an archive.
	long := "package main\n\nfunc Long() {\n" + strings.Repeat("\n", 70) + "}\n"
	bad["cmd/sluice/long.go"] = &fstest.MapFile{Data: []byte(long)}
	if diff := cmp.Diff(want, check(t, bad)); diff != "" {
		t.Error(diff)
	}
}
