package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluicedata/sluice/catalog/ruleset"
)

// TestRuleSets loads both rule sets of the demo as the gateway does; they differ in how long keys last.
func TestRuleSets(t *testing.T) {
	told, err := ruleset.Load(rules)
	if err != nil {
		t.Fatal(err)
	}
	text, err := frozenRules()
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := ruleset.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if told.Keys.Days != 365 || frozen.Keys.Days != 36500 {
		t.Errorf("keys last %d and %d days", told.Keys.Days, frozen.Keys.Days)
	}
}

// TestSample holds a frozen table to what its story needs: small, whole residents, and each cell of job D with
// enough of them.
func TestSample(t *testing.T) {
	all, err := table()
	if err != nil {
		t.Fatal(err)
	}
	kept := sample(all)
	rowsOf := func(rows []personYear) map[string]int {
		n := map[string]int{}
		for _, r := range rows {
			n[r.resident]++
		}
		return n
	}
	whole, part := rowsOf(all), rowsOf(kept)
	cells := map[[2]string]map[string]bool{}
	for _, r := range kept {
		if whole[r.resident] != part[r.resident] {
			t.Fatalf("a resident of %s has %d of %d rows", r.district, part[r.resident], whole[r.resident])
		}
		if !slices.Contains(granted(), r.district) {
			continue
		}
		key := [2]string{"shared", r.health}
		if r.plan == "free" {
			key[0] = "free"
		}
		if cells[key] == nil {
			cells[key] = map[string]bool{}
		}
		cells[key][r.resident] = true
	}
	if len(cells) != 8 || len(part) > 16*frozenResidents {
		t.Errorf("%d cells, %d residents", len(cells), len(part))
	}
	for key, who := range cells {
		if len(who) < 15 || len(who) > frozenResidents {
			t.Errorf("cell %v has %d residents", key, len(who))
		}
	}
}

// TestFrozenIsNeverMadeAgain refuses a folder that is there, before anything starts.
func TestFrozenIsNeverMadeAgain(t *testing.T) {
	dir := t.TempDir()
	err := run(t.Context(), options{dir: filepath.Join(dir, "work"), sluice: "/nonexistent", freeze: dir}, t.Output())
	if err == nil || err.Error() != dir+" is there already: what is frozen is never made again; name another" {
		t.Errorf("got %v", err)
	}
}
