package main

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
)

// The loader is checked against the counts the data's source states.
func TestTable(t *testing.T) {
	rows, err := table()
	if err != nil {
		t.Fatal(err)
	}
	residents, zero, free, poor := map[string]bool{}, 0, 0, 0
	for _, r := range rows {
		residents[r.resident] = true
		if !name.ValidResidentID(r.resident) {
			t.Fatalf("%s has no valid check digit", r.resident)
		}
		if r.visits == 0 {
			zero++
		}
		if r.plan == "free" {
			free++
		}
		if r.health == "poor" {
			poor++
		}
	}
	got := [5]int{len(rows), len(residents), zero, free, poor}
	if want := [5]int{20190, 5810, 6308, 10997, 302}; got != want {
		t.Fatalf("rows, residents, no visits, free, poor: got %v, want %v", got, want)
	}
}

// TestSeed holds the pinned seed to what the story needs: every cell of job D has enough residents.
func TestSeed(t *testing.T) {
	rows, err := table()
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	for _, d := range granted() {
		in[d] = true
	}
	cells := map[[2]string]map[string]bool{}
	for _, r := range rows {
		if !in[r.district] {
			continue
		}
		cover := "shared"
		if r.plan == "free" {
			cover = "free"
		}
		key := [2]string{cover, r.health}
		if cells[key] == nil {
			cells[key] = map[string]bool{}
		}
		cells[key][r.resident] = true
	}
	if len(cells) != 8 {
		t.Fatalf("got %d cells", len(cells))
	}
	for key, who := range cells {
		t.Logf("%v: %d residents", key, len(who))
		if len(who) < 15 {
			t.Errorf("cell %v has %d residents", key, len(who))
		}
	}
}
