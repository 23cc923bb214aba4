//go:build faults

package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rounds is how often every part dies, each time at moments of another seed.
const rounds = 3

// TestPartsDie plays the story while one part after the other dies and must be brought back by the instance itself:
// every story ends as the undisturbed one.
func TestPartsDie(t *testing.T) {
	calm := t.TempDir()
	play(t, options{dir: calm})
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dir := t.TempDir()
			play(t, options{dir: dir, kills: len(parts()), apart: true, seed: seed})
			checkFigures(t, filepath.Join(dir, "release", "product.csv"), filepath.Join(dir, "input", slug+".csv"))
			checkStill(t, dir, "fsck")
			if diff := cmp.Diff(plot(t, calm), plot(t, dir)); diff != "" {
				t.Fatalf("the stories differ (-undisturbed +killed):\n%s", diff)
			}
		})
	}
}
