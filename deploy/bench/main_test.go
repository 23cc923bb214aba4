package main

import "testing"

// TestLine: a goal is a bound from above or from below, and a benchmark that tells nothing has no line.
func TestLine(t *testing.T) {
	const told = "goos: linux\nBenchmarkA/8-2   \t 5\t 11 ns/op\t 0.50 x-floor\t 1500 ns-own\t 3000 ns-floor\nPASS\n"
	f := figure{"a", "/8", "x-floor", "ns-own", "ns-floor", "the floor", goal{}}
	for want, g := range map[string]goal{
		"no goal set   -       ": {},
		"goal <= 0.5x  met     ": atMost(0.5),
		"goal <= 0.4x  not met ": atMost(0.4),
		"goal >= 0.5x  met     ": atLeast(0.5),
		"goal >= 1.4x  not met ": atLeast(1.4),
	} {
		f.goal = g
		line, err := f.line(metrics(told)["BenchmarkA/8"])
		want = "  a                                                          0.50x  " + want + " (1.5µs; the floor 3µs)"
		if err != nil || line != want {
			t.Errorf("got  %q, %v\nwant %q", line, err, want)
		}
	}
	if line, err := f.line(metrics(told)["BenchmarkA"]); err == nil {
		t.Errorf("told nothing: %q", line)
	}
}
