package launcher

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/sandbox"
)

// Known lists the runs a launcher knows, in an order of its own.
func Known(l *Launcher) []sandbox.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]sandbox.Run, 0, len(l.runs))
	for key := range l.runs {
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b sandbox.Run) int { return strings.Compare(a.Work, b.Work) })
	return all
}

// Forget makes a launcher lose a run, as a fault of its own would.
func Forget(l *Launcher, key sandbox.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, key)
}

// Traceless is nil when nothing of a run is left.
func Traceless(ctx context.Context, l *Launcher, key sandbox.Run) error { return l.traceless(ctx, key) }

// Again is how long a verdict that does not hold is left alone.
func Again(p sandbox.Proof) time.Duration { return again(p) }
