//go:build attack

package attack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// Of the processors jobs are given (all but the first), each of slots jobs has its share: what is measured under it is
// what a site gets that sets job_cpu so.
const slots = 3

// rounds is how often every flood is measured, each time beside its neighbour alone.
const rounds = 5

// slowest is how many times its own time a job may take beside another.
const slowest = 1.5

// endless are floods that go on for as long as they are let.
func endless() []vector {
	return []vector{
		{try: "fork for ever", title: "processes"}, {try: "touch memory for ever", title: "memory"},
		{try: "fill the output for ever", title: "disk"}, {try: "print for ever", title: "log"},
	}
}

// TestNeighbour measures an honest job alone and beside each flood, by turns, from its order to its end. Both have the
// same share of the same processors. Medians are compared: the machine does other things too.
func TestNeighbour(t *testing.T) {
	for _, r := range runtimes() {
		if !proved(t, r).Holds() {
			continue // no job runs under it
		}
		s := openWith(t, r, shareOf(t))
		for _, flood := range endless() {
			t.Run(fmt.Sprint(r.name, " ", flood.name()), func(t *testing.T) { s.neighbour(t, flood) })
		}
	}
}

// shareOf is the share of one processor, in percent, that each of slots jobs has on this machine.
func shareOf(t *testing.T) int {
	t.Helper()
	return min(100, 100*max(1, dockertest.Open(t).CPUs()-1)/slots)
}

func (s *site) neighbour(t *testing.T, flood vector) {
	var alone, beside []time.Duration
	for range rounds {
		alone = append(alone, s.computing(t))
		stop := s.flooding(t, flood)
		beside = append(beside, s.computing(t))
		stop()
	}
	ratio := middle(beside).Seconds() / middle(alone).Seconds()
	t.Logf("S04  a job beside a flood of %-9s  %s  %.2f times its own %s", flood.name(), s.runtime.name, ratio, middle(alone).Round(time.Millisecond))
	if ratio > slowest {
		t.Errorf("a job took %v beside a flood of %s, %v alone", beside, flood.name(), alone)
	}
}

func middle(of []time.Duration) time.Duration { return slices.Sorted(slices.Values(of))[len(of)/2] }

// computing is the time an honest job takes.
func (s *site) computing(t *testing.T) time.Duration {
	t.Helper()
	run := s.newRun(verb)
	s.prepare(t, run, []vector{{try: "compute"}})
	began := time.Now()
	if outcome, err := s.Run(t.Context(), run); outcome != sandbox.Success || err != nil {
		t.Fatalf("computing: %s %v", outcome, err)
	}
	took := time.Since(began)
	must(t, s.Remove(t.Context(), run))
	return took
}

// flooding starts a flood and returns once it is under way. What is returned ends it, and fails when it had ended by
// itself: then nothing was measured beside it.
func (s *site) flooding(t *testing.T, flood vector) (stop func()) {
	t.Helper()
	running, cancel := context.WithCancel(t.Context())
	run := s.newRun(roomy)
	s.prepare(t, run, []vector{flood})
	ended := make(chan string, 1)
	go func() {
		outcome, err := s.Run(running, run)
		ended <- fmt.Sprint(outcome, " ", err)
	}()
	s.begun(t, run)
	return func() {
		cancel()
		if how := <-ended; !strings.HasPrefix(how, string(sandbox.Interrupted)) {
			t.Errorf("the flood ended by itself: %s", how)
		}
	}
}
