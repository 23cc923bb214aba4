package launcher_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// An engine that dies, or is stopped and takes its containers along, interrupts: the code it leaves is not the
// job's. A launcher over the engine that came back finds nothing of the job.
func TestEngineGoingAwayInterrupts(t *testing.T) {
	engine := dockertest.Private(t)
	program := dockertest.Program(t, "./testdata/probe")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		opt := launcher.Options{
			Foreign: true, Engine: engine.Socket(), Base: filepath.Join(dockertest.Dir(t), "runs"), Runner: program,
			Limits: small(), Log: slog.New(slog.DiscardHandler),
		}
		l, err := launcher.New(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		outcome := startSleeping(t, l)
		if err := engine.Stop(signal); err != nil {
			t.Fatal(err)
		}
		if got := <-outcome; got != sandbox.Interrupted {
			t.Errorf("%s: outcome %s, want %s", signal, got, sandbox.Interrupted)
		}
		if err := engine.Start(); err != nil {
			t.Fatalf("%s: starting the engine again: %v", signal, err)
		}
		next, err := launcher.New(t.Context(), opt)
		if err != nil {
			t.Fatalf("%s: starting a launcher again: %v", signal, err)
		}
		if entries, err := os.ReadDir(opt.Base); err != nil || len(entries) > 0 {
			t.Errorf("%s: %d directories are left (error %v)", signal, len(entries), err)
		}
		if err := errors.Join(l.Close(), next.Close()); err != nil {
			t.Errorf("%s: closing: %v", signal, err)
		}
	}
}

// startSleeping runs the probe until somebody stops it, and returns once it is running.
func startSleeping(t *testing.T, l *launcher.Launcher) <-chan sandbox.Outcome {
	t.Helper()
	r := newRun()
	in, err := l.Prepare(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "mode"), []byte("sleep"), 0o644); err != nil {
		t.Fatal(err)
	}
	ended := make(chan sandbox.Outcome, 1)
	go func() {
		outcome, _ := l.Run(context.Background(), r)
		ended <- outcome
	}()
	started := filepath.Join(filepath.Dir(in), "out", task.ReportFile)
	wait(t, "the container's start", func() bool { _, err := os.Stat(started); return err == nil })
	return ended
}
