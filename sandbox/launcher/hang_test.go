//go:build faults

package launcher_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// hangPatience is longer than any deadline of a call, and far shorter than a run's own wall clock: what ends within it
// was ended by the deadline.
const hangPatience = 100 * time.Second

// hung is a launcher over an engine that the test stops and lets go on.
type hung struct {
	*launcher.Launcher
	opt    launcher.Options
	engine *dockertest.Engine
}

// TestEngineHangs stops the engine in each of a run's steps: the call ends by itself, an interruption is what is told,
// and the engine that goes on is left with nothing.
func TestEngineHangs(t *testing.T) {
	limits := small()
	for verb, l := range limits {
		l.Wall = 30 * time.Minute
		limits[verb] = l
	}
	engine := dockertest.Private(t)
	h := &hung{engine: engine, opt: launcher.Options{
		Foreign: true, Engine: engine.Socket(), Base: filepath.Join(dockertest.Dir(t), "runs"),
		Runner: dockertest.Program(t, "./testdata/probe"), Limits: limits, Log: slog.New(slog.DiscardHandler),
	}}
	var err error
	if h.Launcher, err = launcher.New(t.Context(), h.opt); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		play func(*testing.T) sandbox.Run // what it leaves to be removed
	}{
		{"open", h.open}, {"create", h.create}, {"run", h.running}, {"kill", h.leaving}, {"remove", h.removing},
	} {
		t.Run(step.name, func(t *testing.T) {
			began := time.Now()
			left := step.play(t)
			h.signal(t, syscall.SIGCONT)
			if took := time.Since(began); took > hangPatience {
				t.Errorf("it took %s", took)
			}
			h.leavesNothing(t, left)
		})
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func (h *hung) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	raw, err := os.ReadFile(h.engine.PIDFile())
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err == nil {
		err = syscall.Kill(pid, s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// leavesNothing removes as a worker and a serving launcher do, and then runs a job as if nothing had been.
func (h *hung) leavesNothing(t *testing.T, left sandbox.Run) {
	t.Helper()
	wait(t, "the end of what was left", func() bool {
		if err := errors.Join(h.Remove(t.Context(), left), h.Reap(t.Context())); err != nil {
			return false
		}
		entries, err := os.ReadDir(h.opt.Base)
		return err == nil && len(entries) == 0
	})
	r := newRun()
	h.prepareMode(t, r, "ok")
	if outcome, err := h.Run(t.Context(), r); outcome != sandbox.Success || err != nil {
		t.Errorf("a run afterwards: %s %v", outcome, err)
	}
	if err := h.Remove(t.Context(), r); err != nil {
		t.Errorf("removing it: %v", err)
	}
}

func (h *hung) prepareMode(t *testing.T, r sandbox.Run, mode string) (in string) {
	t.Helper()
	in, err := h.Prepare(t.Context(), r)
	if err == nil {
		err = os.WriteFile(filepath.Join(in, "mode"), []byte(mode), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// open is a launcher that starts while the engine hangs.
func (h *hung) open(t *testing.T) sandbox.Run {
	h.signal(t, syscall.SIGSTOP)
	if e, err := docker.Open(t.Context(), h.opt.Engine, "0"); err == nil {
		t.Errorf("an engine that hangs was opened: %v", e.Close())
	}
	return newRun()
}

func (h *hung) create(t *testing.T) sandbox.Run {
	r := newRun()
	h.prepareMode(t, r, "ok")
	h.signal(t, syscall.SIGSTOP)
	if outcome, err := h.Run(t.Context(), r); outcome != sandbox.Interrupted || !errors.Is(err, launcher.Unavailable) {
		t.Errorf("%s %v", outcome, err)
	}
	return r
}

func (h *hung) running(t *testing.T) sandbox.Run { return h.asleep(t.Context(), t, func() {}) }

// leaving has the caller go away, as a worker whose work was stopped does.
func (h *hung) leaving(t *testing.T) sandbox.Run {
	ctx, leave := context.WithCancel(t.Context())
	return h.asleep(ctx, t, leave)
}

// asleep stops the engine while a job sleeps, and waits for its end.
func (h *hung) asleep(ctx context.Context, t *testing.T, then func()) sandbox.Run {
	t.Helper()
	r := newRun()
	in := h.prepareMode(t, r, "sleep")
	ended := make(chan sandbox.Outcome, 1)
	go func() {
		outcome, _ := h.Run(ctx, r)
		ended <- outcome
	}()
	started := filepath.Join(filepath.Dir(in), "out", task.ReportFile)
	wait(t, "the container's start", func() bool { _, err := os.Stat(started); return err == nil })
	h.signal(t, syscall.SIGSTOP)
	then()
	if got := <-ended; got != sandbox.Interrupted {
		t.Errorf("outcome %s", got)
	}
	return r
}

func (h *hung) removing(t *testing.T) sandbox.Run {
	r := newRun()
	h.prepareMode(t, r, "ok")
	if outcome, err := h.Run(t.Context(), r); outcome != sandbox.Success {
		t.Fatalf("%s %v", outcome, err)
	}
	h.signal(t, syscall.SIGSTOP)
	if err := h.Remove(t.Context(), r); !errors.Is(err, launcher.Unavailable) {
		t.Errorf("removing: %v", err)
	}
	return r
}
