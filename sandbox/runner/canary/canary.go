// Package canary is the program of self-tests: from inside a container it tries to break the container's own
// bounds and tells which held. It must run in the very template that jobs run in, and it is told what the bounds
// should be: a template that lost one is found out by what happens, not by what it says.
//
// It tries nothing that reaches beyond the container when a wall is missing: no packet is sent, no foreign file is
// written but one of its own name, and what it takes is bounded by twice what is allowed.
package canary

import (
	"context"
	"fmt"
	"os/signal"
	"slices"
	"syscall"

	"github.com/sluicedata/sluice/catalog/task"
)

// Run tries what the letter names, one after the other. Memory and CPU do not return when their bound holds: the
// program is ended.
func Run(_ context.Context, _, out string, l *task.CanaryLetter) (*task.CanaryReport, error) {
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	tries := tries(out, l)
	report := &task.CanaryReport{Tried: []task.Tried{}}
	for _, name := range l.Tries {
		try, known := tries[name]
		if !known {
			return nil, fmt.Errorf("trying %s: it is judged from outside", name)
		}
		why := bounded(try())
		report.Tried = append(report.Tried, task.Tried{Canary: name, Held: why == "", Why: why})
	}
	return report, nil
}

// tries is the one table from canary to what is tried. A try returns how the bound was broken, "" when it held.
func tries(out string, l *task.CanaryLetter) map[task.Canary]func() string {
	return map[task.Canary]func() string{
		task.Network:    network,
		task.Vsock:      families,
		task.Root:       writeRoot,
		task.Calls:      calls,
		task.Special:    func() string { return special(out) },
		task.Privileges: privileges,
		task.Devices:    devices,
		task.Host:       func() string { return host(l) },
		task.Bytes:      func() string { return fill(out, l.Bytes) },
		task.Files:      func() string { return crowd(out, l.Files) },
		task.Sparse:     func() string { return sparse(out) },
		task.Scratched:  func() string { return fill(task.Scratch, l.Scratch) },
		task.Processes:  func() string { return fork(out, l.Processes) },
		task.Memory:     func() string { return hog(l.Memory) },
		task.CPU:        spin,
	}
}

// maxWhy bounds a reason, in bytes.
const maxWhy = 200

func bounded(why string) string { return why[:min(len(why), maxWhy)] }

// attempt is one thing that must be refused.
type attempt struct {
	name string
	try  func() error
}

// managed names the first attempt that was not refused as it should be.
func managed(attempts []attempt, refusals ...error) string {
	for _, a := range attempts {
		err := a.try()
		if err == nil {
			return a.name + " was allowed"
		}
		if len(refusals) > 0 && !slices.ContainsFunc(refusals, func(r error) bool { return isErrno(err, r) }) {
			return fmt.Sprintf("%s was not refused but failed: %v", a.name, err)
		}
	}
	return ""
}
