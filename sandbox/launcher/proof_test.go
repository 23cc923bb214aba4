package launcher_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// proving starts a launcher that proves its runtime with the runner's own canaries.
func proving(t *testing.T, opt launcher.Options) *launcher.Launcher {
	t.Helper()
	if opt.Engine == "" {
		opt.Engine = dockertest.Socket(t)
	}
	if opt.Base == "" {
		opt.Base = filepath.Join(dockertest.Dir(t), "runs")
	}
	if opt.Runner == "" {
		opt.Runner = dockertest.Program(t, "./testdata/canary")
	}
	opt.Now, opt.Log = time.Now, slog.New(slog.DiscardHandler)
	l, err := launcher.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return l
}

// told asks for the verdict in force.
func told(t *testing.T, l *launcher.Launcher) sandbox.Proof {
	t.Helper()
	p, err := l.Proofs(t.Context(), false)
	if err != nil || len(p) != 1 {
		t.Fatalf("%d verdicts, %v", len(p), err)
	}
	return p[0]
}

// A runtime whose bounds all hold takes jobs; its verdict is found again by the next launcher, and made anew when
// somebody asks for that.
func TestRuntimeIsProved(t *testing.T) {
	opt := launcher.Options{Base: filepath.Join(dockertest.Dir(t), "runs"), Runner: dockertest.Program(t, "./testdata/canary")}
	l := proving(t, opt)
	p := told(t, l)
	if !p.Holds() || len(p.Tried) != len(task.Canaries()) {
		t.Fatalf("does not hold: %v (%s)", p.Broken(), p.Why())
	}
	if _, err := l.Prepare(t.Context(), newRun()); err != nil {
		t.Errorf("a proved runtime takes no jobs: %v", err)
	}
	own := newRun()
	own.Verb = task.TryBounds
	if _, err := l.Prepare(t.Context(), own); !errors.Is(err, launcher.Invalid) {
		t.Errorf("somebody else's self-test: %v", err)
	}
	if again := told(t, proving(t, opt)); again.ID != p.ID {
		t.Errorf("the next launcher tested the same runtime again")
	}
	anew, err := l.Proofs(t.Context(), true)
	if err != nil || len(anew) != 1 || anew[0].ID == p.ID || !anew[0].Holds() {
		t.Errorf("anew: %v, %+v", err, anew)
	}
	under := newRun()
	under.Runtime = task.Runc
	if _, err := l.Prepare(t.Context(), under); !errors.Is(err, launcher.Invalid) {
		t.Errorf("a runtime the machine does not offer: %v", err)
	}
}

// A machine that offers runc tries the same bounds under it and has a verdict of its own about it: the engine mounts a
// place to write in that gVisor does not have, so runc takes no runs, and gVisor's are as before. That it can be killed
// holds, although the program ends its first thread and the engine then takes it for ended.
func TestRuncIsProvedApart(t *testing.T) {
	l := proving(t, launcher.Options{Runc: true})
	proofs, err := l.Proofs(t.Context(), false)
	if err != nil || len(proofs) != 2 || proofs[0].Runtime != task.GVisor || proofs[1].Runtime != task.Runc {
		t.Fatalf("verdicts: %+v, %v", proofs, err)
	}
	if !proofs[0].Holds() || proofs[0].Of == proofs[1].Of {
		t.Errorf("gVisor beside runc: %s; the same identity: %t", proofs[0].Why(), proofs[0].Of == proofs[1].Of)
	}
	if broken := proofs[1].Broken(); !slices.Equal(broken, []task.Canary{task.Root}) || !strings.Contains(proofs[1].Why(), "/dev/mqueue") {
		t.Errorf("runc: %v (%s)", broken, proofs[1].Why())
	}
	run := newRun()
	run.Runtime = task.Runc
	if _, err := l.Prepare(t.Context(), run); !errors.Is(err, launcher.Unproved) {
		t.Errorf("a run under runc: %v, want %v", err, launcher.Unproved)
	}
	if _, err := l.Prepare(t.Context(), newRun()); err != nil {
		t.Errorf("a run under gVisor: %v", err)
	}
}

// A launcher whose table lost a bound is found out by what its containers can do.
func TestLostBoundsAreFoundOut(t *testing.T) {
	limits := docker.DefaultLimits()
	loose := limits[task.TryBounds]
	loose.OutFiles, loose.OutBytes = 1<<10, 4*loose.OutBytes
	limits[task.TryBounds] = loose
	refuses(t, proving(t, launcher.Options{Limits: limits}), task.Bytes, task.Files)
}

// A bound that was seen not to hold is not soon another one; an engine that failed a test may be back in no time.
func TestWhatWasNotFoundOutIsTestedSoon(t *testing.T) {
	broken := sandbox.Proof{Tried: []task.Tried{{Canary: task.Memory, Why: "1 GiB"}, {Canary: task.CPU, Held: true}}}
	unknown := sandbox.Proof{Tried: []task.Tried{{Canary: task.Memory, Why: "1 GiB"}, {Canary: task.CPU, Unknown: true}}}
	if got := launcher.Again(unknown); got > time.Minute || got >= launcher.Again(broken) {
		t.Errorf("after %s, what was found out after %s", got, launcher.Again(broken))
	}
}

// A runtime that keeps a bound back from the kernel is found out, whatever the engine says of it.
func TestRuntimesThatKeepNoBoundsAreFoundOut(t *testing.T) {
	for what, c := range map[string]struct {
		script string
		broken []task.Canary
	}{
		"no control groups": {`exec %s --ignore-cgroups "$@"`, []task.Canary{task.Memory, task.Processes, task.CPU}},
		"no filter of calls": {
			`for a do shift; [ "$a" = --oci-seccomp ] || set -- "$@" "$a"; done; exec %s "$@"`, []task.Canary{task.Privileges},
		},
	} {
		t.Run(what, func(t *testing.T) {
			engine := dockertest.PrivateWith(t, func(runsc string) string {
				path := filepath.Join(dockertest.Dir(t), "runsc")
				if err := os.WriteFile(path, []byte("#!/bin/sh\n"+fmt.Sprintf(c.script, runsc)+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
				return path
			})
			refuses(t, proving(t, launcher.Options{Engine: engine.Socket()}), c.broken...)
		})
	}
}

// refuses checks that a launcher names what does not hold, and takes no jobs.
func refuses(t *testing.T, l *launcher.Launcher, broken ...task.Canary) {
	t.Helper()
	p := told(t, l)
	for _, c := range broken {
		if !slices.Contains(p.Broken(), c) {
			t.Errorf("%s is said to hold; broken are %v (%s)", c, p.Broken(), p.Why())
		}
	}
	if _, err := l.Prepare(t.Context(), newRun()); !errors.Is(err, launcher.Unproved) {
		t.Errorf("jobs are answered with %v, want %v", err, launcher.Unproved)
	}
	t.Logf("found out: %s", p.Why())
}
