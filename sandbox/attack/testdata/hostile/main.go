// Command hostile does inside a container what the tries in /in/attack.json name, and tells about each in
// /out/report.json. Tests run it in the runner's place, in the very template every job runs in: it has full control
// of its process, as a job that found a fault in the runner would have.
//
// A try is one line in one of the tables here and one line in the tests' tables. It returns what came of it: managed,
// the kernel's words, or what it saw. One that must not come to an end does not return.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// order is what is to be tried, and where the tests listen.
type order struct {
	Tries []string
	At    map[string]string // name of a listener → its address
}

// told is what came of one try.
type told struct {
	Try, Result string
	Took        time.Duration
}

// Exit codes of what went wrong before anything was tried, and of a program that was stopped by a bound.
const (
	codeNoOrder = 90
	codeNoTale  = 91
	codeBound   = 3
)

// managed is the result of a try that nothing refused.
const managed = "managed"

type act func(order) string

func main() {
	if len(os.Args) > 2 {
		children()[os.Args[2]]()
		return
	}
	// Writing past a limit ends a program that does not ask for the error.
	signal.Ignore(syscall.SIGXFSZ)
	raw, err := os.ReadFile("/in/attack.json")
	var o order
	if err != nil || json.Unmarshal(raw, &o) != nil {
		os.Exit(codeNoOrder)
	}
	var tale []told
	known := acts(o)
	for _, name := range o.Tries {
		began, result := time.Now(), "no such try"
		if try := known[name]; try != nil {
			result = try(o)
		}
		tale = append(tale, told{name, result, time.Since(began)})
	}
	tell(tale)
}

// acts is every try by its name.
func acts(o order) map[string]act {
	all := map[string]act{}
	for _, table := range []map[string]act{network(), calls(), standing(), places(), bounds(), clocks(), outputs(), names(), seen(), endings(), facts(o)} {
		maps.Copy(all, table)
	}
	return all
}

func tell(tale []told) {
	raw, err := json.Marshal(tale)
	if err == nil {
		err = os.WriteFile("/out/report.json", raw, 0o644)
	}
	if err != nil {
		os.Exit(codeNoTale)
	}
}

// words tells of an error as the kernel does, without the path it was about.
func words(err error) string {
	var code syscall.Errno
	switch {
	case err == nil:
		return managed
	case errors.As(err, &code):
		return code.Error()
	default:
		return err.Error()
	}
}

// try makes an act of what only succeeds or fails.
func try(f func() error) act { return func(order) string { return words(f()) } }

// start runs this program again, beside itself, as one of children.
func start(child string) (*os.Process, error) {
	const self = "/sluice-runner"
	return os.StartProcess(self, []string{self, "sql", child}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
}

// counted tells how far a try came before it was stopped, and by what.
func counted(n int, err error) string { return fmt.Sprintf("%d: %s", n, words(err)) }
