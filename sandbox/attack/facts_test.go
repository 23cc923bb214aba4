//go:build attack

package attack

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

var update = flag.Bool("update", false, "write the table of host facts into the page")

// page has the table of host facts between two marks.
const page = "../../deploy/docs/isolation.md"

// fact is one thing a machine says of itself.
type fact struct {
	title, path string
	pick        string // an expression whose first group is meant; "": the whole file
	near        float64
	expect      string // what a job must see of it
	shared      string // the same where the kernel is the machine's; "": no other
}

// What a job may see of a fact.
const (
	nothing  = "nothing"
	own      = "the runtime's own"
	machines = "the machine's"
)

// hostFacts are what an escape, or a comparison of two jobs, could use.
func hostFacts() []fact {
	return []fact{
		{title: "kernel release", path: "/proc/sys/kernel/osrelease", expect: own, shared: machines},
		{title: "kernel build", path: "/proc/version", expect: own, shared: machines},
		{title: "kernel command line", path: "/proc/cmdline", expect: own, shared: machines},
		{title: "kernel modules", path: "/proc/modules", expect: nothing},
		{title: "machine's name", path: "/proc/sys/kernel/hostname", expect: own},
		{title: "machine's id", path: "/etc/machine-id", expect: nothing},
		{title: "boot's id", path: "/proc/sys/kernel/random/boot_id", expect: own, shared: machines},
		{title: "board", path: "/sys/class/dmi/id/product_name", expect: nothing},
		{title: "uptime", path: "/proc/uptime", pick: `^([\d.]+)`, near: 60, expect: own, shared: machines},
		{title: "load", path: "/proc/loadavg", pick: `^([\d.]+ [\d.]+ [\d.]+)`, expect: own, shared: machines},
		{title: "memory in all", path: "/proc/meminfo", pick: `MemTotal:\s+(\d+)`, expect: own, shared: machines},
		{title: "processor's model", path: "/proc/cpuinfo", pick: `model name\s*: (.*)`, expect: own, shared: machines},
		{title: "processor's features", path: "/proc/cpuinfo", pick: `flags\s*: (\S+ \S+ \S+ \S+)`, expect: machines},
		{title: "interrupts", path: "/proc/interrupts", pick: `(?m)^\s*(CPU0.*?)\s*$`, expect: nothing, shared: machines},
		{title: "disks", path: "/proc/diskstats", pick: `^\s*\d+\s+\d+\s+(\S+)`, expect: nothing, shared: machines},
		{title: "partitions", path: "/proc/partitions", expect: nothing, shared: machines},
		{title: "mounts", path: "/proc/self/mountinfo", expect: own},
		{title: "control groups", path: "/proc/self/cgroup", expect: own},
		{title: "network interfaces", path: "/proc/net/dev", expect: own},
		{title: "name servers", path: "/etc/resolv.conf", expect: nothing},
		{title: "users", path: "/etc/passwd", expect: nothing},
		{title: "environment of the first process", path: "/proc/1/environ", expect: own},
		{title: "command of the first process", path: "/proc/1/cmdline", expect: own},
	}
}

// picked is the part of a file that is meant.
func (f fact) picked(text string) string {
	if f.pick == "" {
		return strings.TrimSpace(text)
	}
	if found := regexp.MustCompile(f.pick).FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// seenAs compares what a job read with what the machine says.
func (f fact) seenAs(job, machine string) string {
	job, machine = f.picked(job), f.picked(machine)
	a, errA := strconv.ParseFloat(job, 64)
	b, errB := strconv.ParseFloat(machine, 64)
	switch {
	case job == "":
		return nothing
	case job == machine, f.near > 0 && errA == nil && errB == nil && math.Abs(a-b) < f.near:
		return machines
	default:
		return own
	}
}

// TestHostFacts reads every fact inside a job under every runtime and outside, and holds the page's table against it.
func TestHostFacts(t *testing.T) {
	lines := []string{"| Fact | Where | " + strings.Join(names(), " | ") + " |", "|---|---|" + strings.Repeat("---|", len(runtimes()))}
	facts, vectors := hostFacts(), []vector{{try: "clock"}}
	for _, f := range facts {
		vectors = append(vectors, vector{try: "file " + f.path})
	}
	rows := make([][]string, len(facts))
	for _, r := range runtimes() {
		s := open(t, r)
		got := s.attack(t, s.newRun(verb), vectors)
		for i, f := range facts {
			raw, err := os.ReadFile(f.path)
			if err != nil {
				raw = nil // the machine has none
			}
			seen := f.seenAs(got.told["file "+f.path].Result, string(raw))
			want := f.expect
			if r.name == task.Runc && f.shared != "" {
				want = f.shared
			}
			if seen != want {
				t.Errorf("%s, %s: a job sees %s of it (%.80q), want %s", r.name, f.title, seen, got.told["file "+f.path].Result, want)
			}
			rows[i] = append(rows[i], seen)
		}
		clock, err := strconv.ParseInt(got.told["clock"].Result, 10, 64)
		if err != nil || time.Since(time.Unix(clock, 0)).Abs() > time.Minute {
			t.Errorf("%s: a job's clock says %q", r.name, got.told["clock"].Result)
		}
	}
	for i, f := range facts {
		lines = append(lines, fmt.Sprintf("| %s | `%s` | %s |", f.title, f.path, strings.Join(rows[i], " | ")))
	}
	lines = append(lines, "| clock | | "+strings.Join(slices.Repeat([]string{machines}, len(runtimes())), " | ")+" |")
	hold(t, strings.Join(lines, "\n")+"\n")
}

// names are the runtimes' names.
func names() []string {
	var all []string
	for _, r := range runtimes() {
		all = append(all, string(r.name))
	}
	return all
}

// hold compares the page's table, or writes it.
func hold(t *testing.T, table string) {
	t.Helper()
	raw, err := os.ReadFile(page)
	must(t, err)
	const begin, end = "<!-- facts -->\n", "<!-- /facts -->\n"
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	fresh := before + begin + table + end + after
	if *update {
		must(t, os.WriteFile(page, []byte(fresh), 0o644))
		return
	}
	if diff := cmp.Diff(string(raw), fresh); diff != "" {
		t.Errorf("the page is stale: go test -tags attack ./sandbox/attack -run TestHostFacts -update (-page +now):\n%s", diff)
	}
}
