// Command bench measures what the issues promise: it runs the benchmarks below, each of which times something
// and its floor by turns in one process, and prints one line a figure: the ratio of the medians, the goal, the
// verdict, and both medians. Neighbours on the machine move times two to four fold and ratios much less, so
// the goals are ratios; the load stands beside them. A verdict fails nothing; a benchmark that breaks does.
//
// Words after the command name the benchmarks to run, all of them without any.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measure is one benchmark and what it tells.
type measure struct {
	folder, benchmark string
	times             string // -benchtime: rounds, or a time that allows thousands; never fewer than five rounds
	figures           []figure
}

// figure is one line: names of the metrics that carry the ratio and, in nanoseconds, both medians.
type figure struct {
	title           string
	sub             string // of the benchmark, "" for itself
	ratio, own, low string
	floor           string // what own is measured against
	goal            goal
}

// goal bounds a ratio from above or from below; the zero value sets none.
type goal struct{ most, least float64 }

func atMost(ratio float64) goal  { return goal{most: ratio} }
func atLeast(ratio float64) goal { return goal{least: ratio} }

// judge says what the goal is, and whether a ratio meets it.
func (g goal) judge(ratio float64) (said, verdict string) {
	var met bool
	switch {
	case g.most > 0:
		said, met = fmt.Sprintf("goal <= %gx", g.most), ratio <= g.most
	case g.least > 0:
		said, met = fmt.Sprintf("goal >= %gx", g.least), ratio >= g.least
	default:
		return "no goal set", "-"
	}
	if !met {
		return said, "not met"
	}
	return said, "met"
}

// measures lists everything, the quick ones first.
func measures() []measure {
	const peer = "opa run --server" // with the same rules, behind the same handler
	const byHand = "mapCheck"       // of policy/bundle: the same question by hand, over Go maps of 1,000 grants
	return []measure{
		{"./policy/bundle", "BenchmarkRatio", "1s", []figure{
			{"scope decision, 10 of 40 columns, allowed", "/10", "x-allowed", "ns-allowed", "ns-map-check", byHand, atMost(400)},
			{"scope decision, 10 of 40 columns, refused, all reasons", "/10", "x-refused", "ns-refused", "ns-map-check", byHand, atMost(1000)},
			{"scope decision, 40 of 40 columns, allowed", "/40", "x-allowed", "ns-allowed", "ns-map-check", byHand, atMost(400)},
			{"scope decision, 40 of 40 columns, refused, all reasons", "/40", "x-refused", "ns-refused", "ns-map-check", byHand, atMost(1000)},
		}},
		{"./policy/bundle", "BenchmarkPeer", "5s", []figure{
			{"decision behind a handler, 1 client, p50", "/1", "x-time", "ns-own", "ns-peer", peer, atMost(0.5)},
			{"decision behind a handler, 8 clients, throughput", "/8", "x-throughput", "ns-own", "ns-peer", peer, atLeast(1.4)},
		}},
		{"./catalog", "BenchmarkGrants", "300x", []figure{
			{"job decided and traced among 50,000 grants", "", "x-100", "ns-50000", "ns-100", "among 100", atMost(2)},
		}},
		{"./gateway", "BenchmarkRequest", "1000x", []figure{
			{"whole request, its trace durable", "", "x-floor", "ns-request", "ns-floor", "null handler and one fdatasync", atMost(3)},
		}},
		{"./deploy/demo", "BenchmarkConsole", "100x", []figure{
			{"page of the console on the demo's data, p95 of the slowest", "", "x-allowed", "ns-p95", "ns-allowed", "what is allowed", atMost(1)},
			{"the same beside nothing", "", "x-null", "ns-p95", "ns-null", "null handler", goal{}},
		}},
		{"./catalog/postgres", "BenchmarkSearch", "10x", []figure{
			{"first page of a search among 1,000,000 datasets, the slowest", "", "x-allowed", "ns-search", "ns-allowed", "what is allowed", atMost(1)},
		}},
		{"./catalog/object", "BenchmarkPut", "15x", []figure{
			{"put 64 MiB, encrypted and durable, speed", "/metered", "x-speed", "ns-own", "ns-floor", "file and fsync", atLeast(0.5)},
			{"the same, hashed against what a sender said, speed", "/said", "x-speed", "ns-own", "ns-floor", "file and fsync", atLeast(0.5)},
		}},
		{"./catalog/object", "BenchmarkGet", "15x", []figure{
			{"get 64 MiB, decrypted and hashed, speed", "", "x-speed", "ns-own", "ns-floor", "the store's own bytes", atLeast(0.5)},
		}},
		{"./sandbox/docker", "BenchmarkColdStart", "15x", []figure{
			{"cold job start by engine API", "", "x-runsc", "ns-api", "ns-runsc", "bare runsc run", atMost(4)},
		}},
		{"./sandbox/docker", "BenchmarkTemplate", "15x", []figure{
			{"cold container that does nothing, under gVisor", "", "x-runc", "ns-template", "ns-runc", "the same template under runc", atMost(1.6)},
			{"the same with every bound and wall", "", "x-open", "ns-template", "ns-open", "a plain run by the engine under gVisor", atMost(1.15)},
		}},
		{"./sandbox/docker", "BenchmarkJob", "15x", []figure{
			{"cold job under gVisor, the demo's statements", "", "x-runc", "ns-gvisor", "ns-runc", "the same template under runc", atMost(1.6)},
		}},
		{"./deploy/demo", "BenchmarkJobD", "5x", []figure{
			{"job D, submit to quarantined", "", "x-plain", "ns-job", "ns-plain", "DuckDB in a plain process", goal{}},
		}},
	}
}

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what is named, or everything; one that breaks does not keep the others from running.
func run(out io.Writer, named []string) error {
	if _, err := fmt.Fprintf(out, "load %s on %d processors\n", load(), runtime.NumCPU()); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	var broken error
	for _, m := range measures() {
		if len(named) > 0 && !slices.Contains(named, m.benchmark) {
			continue
		}
		before := load()
		told, err := m.run()
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		if _, err := fmt.Fprintf(out, "%s %s, load %s to %s\n", m.folder, m.benchmark, before, load()); err != nil {
			return fmt.Errorf("printing: %w", err)
		}
		for _, f := range m.figures {
			line, err := f.line(told[m.benchmark+f.sub])
			if err != nil {
				broken = errors.Join(broken, err)
				continue
			}
			if _, err := fmt.Fprintln(out, line); err != nil {
				return fmt.Errorf("printing: %w", err)
			}
		}
	}
	return broken
}

// load is the machine's load average over 1, 5 and 15 minutes.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}

// run runs one benchmark and returns its metrics, by benchmark and unit.
func (m measure) run() (map[string]map[string]float64, error) {
	var out bytes.Buffer
	cmd := exec.Command("go", "test", "-timeout", "15m", "-run", "^$", "-bench", "^"+m.benchmark+"$", "-benchtime", m.times, m.folder) //nolint:gosec // the table's words
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running %s: %w\n%s", m.benchmark, err, out.String())
	}
	return metrics(out.String()), nil
}

// metrics reads the testing package's benchmark lines: name-processors, rounds, then pairs of value and unit.
func metrics(text string) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := fields[0]
		if at := strings.LastIndex(name, "-"); at > 0 {
			name = name[:at]
		}
		all[name] = map[string]float64{}
		for pair := fields[2:]; len(pair) > 1; pair = pair[2:] {
			if value, err := strconv.ParseFloat(pair[0], 64); err == nil {
				all[name][pair[1]] = value
			}
		}
	}
	return all
}

// line is a figure in words.
func (f figure) line(told map[string]float64) (string, error) {
	for _, unit := range []string{f.ratio, f.own, f.low} {
		if told[unit] <= 0 {
			return "", fmt.Errorf("reading %s: the benchmark told no %s", f.title, unit)
		}
	}
	goal, verdict := f.goal.judge(told[f.ratio])
	return fmt.Sprintf("  %-56s %7s  %-13s %-8s (%s; %s %s)", f.title, figures(told[f.ratio])+"x", goal, verdict,
		span(told[f.own]), f.floor, span(told[f.low])), nil
}

// figures writes a ratio with as many digits as it deserves.
func figures(ratio float64) string {
	switch {
	case ratio < 1:
		return strconv.FormatFloat(ratio, 'f', 2, 64)
	case ratio < 10:
		return strconv.FormatFloat(ratio, 'f', 1, 64)
	}
	return strconv.FormatFloat(ratio, 'f', 0, 64)
}

// span writes nanoseconds with three digits.
func span(ns float64) string {
	d := time.Duration(ns)
	unit := time.Nanosecond
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
