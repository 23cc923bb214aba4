package main

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/ruleset"
)

// TestRules: the demo's rule set is one a site could load.
func TestRules(t *testing.T) {
	if _, err := ruleset.Load(rules); err != nil {
		t.Fatal(err)
	}
}
