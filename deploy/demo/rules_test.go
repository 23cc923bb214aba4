package main

import (
	"os"
	"strings"
	"testing"
)

// TestRulesAreTheCitys: the demo's rule set differs from the city's only where it says so: a name of its own, notices
// that close at once, and no debug run asked before a run.
func TestRulesAreTheCitys(t *testing.T) {
	city, err := os.ReadFile("../../catalog/ruleset/cq-2025-04-08.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		"version: cq-2025-04-08", "version: cq-demo",
		"D3: {trigger: notice published, length: 10,", "D3: {trigger: notice published, length: 0,",
		"debug: true", "debug: false",
	).Replace(string(city))
	ours, others := strings.Split(string(rules), "\n"), strings.Split(want, "\n")
	for i := range max(len(ours), len(others)) {
		if i >= len(ours) || i >= len(others) || ours[i] != others[i] {
			t.Fatalf("the demo's rules part from the city's at line %d of %d and %d", i+1, len(ours), len(others))
		}
	}
}
