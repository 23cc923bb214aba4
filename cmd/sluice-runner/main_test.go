package main

import (
	"context"
	"testing"
)

// A container is called with exactly one verb; anything else does nothing.
func TestRunArguments(t *testing.T) {
	for _, args := range [][]string{nil, {""}, {"stage", "sql"}} {
		if got := run(context.Background(), args); got != 2 {
			t.Fatalf("run(%q) = %d, want 2", args, got)
		}
	}
	if got := run(context.Background(), []string{"shell"}); got != 1 {
		t.Fatalf("run(shell) = %d, want 1", got)
	}
}
