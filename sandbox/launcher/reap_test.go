package launcher_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// A killed engine's containers go on without it; reaping ends them.
func TestReapEndsWhatAKilledEngineLeft(t *testing.T) {
	engine := dockertest.Private(t)
	l, err := launcher.New(t.Context(), launcher.Options{
		Foreign: true, Engine: engine.Socket(), Base: filepath.Join(dockertest.Dir(t), "runs"), Limits: small(),
		Runner: dockertest.Program(t, "./testdata/probe"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	outcome := startSleeping(t, l)
	if err := engine.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-outcome
	if left := mentioning(t, engine.Run); len(left) == 0 {
		t.Fatal("nothing outlived the engine: this test shows nothing")
	}
	if err := engine.Reap(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the orphans' end", func() bool { return len(mentioning(t, engine.Run)) == 0 })
	if err := engine.Start(); err != nil {
		t.Fatalf("starting the engine after reaping: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// What a worker prepared and left with its end is removed; what a living one holds is not.
func TestReapRemovesWhatAnEndedWorkerLeft(t *testing.T) {
	b := serve(t, launcher.Options{
		Runner: dockertest.Program(t, "./testdata/probe"), WorkerUID: os.Getuid(), ReapEvery: 50 * time.Millisecond,
	})
	mine := newRun()
	b.prepare(t, mine, map[string]string{"mode": "ok"})
	if got := as(t, 0, "prepare "+b.socket); got != "<nil>" {
		t.Fatalf("preparing in another process: %s", got)
	}
	wait(t, "the end of what the other process left", func() bool { return len(b.folders(t)) == 1 })
	if outcome, err := b.Run(t.Context(), mine); err != nil || outcome != sandbox.Success {
		t.Errorf("the living worker's run: %s, %v", outcome, err)
	}
}

// Containers, mounts and directories of runs that nobody knows are removed, and nothing of those that are known.
func TestReapRemovesStrays(t *testing.T) {
	l := open(t)
	lost := startSleeping(t, l)
	key := launcher.Known(l)[0]
	kept := startSleeping(t, l)
	launcher.Forget(l, key)
	known := launcher.Known(l)
	if err := l.Reap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-lost; got == sandbox.Success {
		t.Errorf("the lost run ended as %s", got)
	}
	if err := launcher.Traceless(t.Context(), l, key); err != nil {
		t.Errorf("the lost run: %v", err)
	}
	if now := launcher.Known(l); !slices.Equal(now, known) || launcher.Traceless(t.Context(), l, known[0]) == nil {
		t.Errorf("the known run is gone, or another is known: %v", now)
	}
	select {
	case got := <-kept:
		t.Errorf("the known run ended as %s", got)
	default:
	}
}

// folders lists the directories of runs.
func (b *bench) folders(t *testing.T) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(b.opt.Base)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// open starts a launcher of this process, with the probe as its program.
func open(t *testing.T) *launcher.Launcher {
	t.Helper()
	l, err := launcher.New(t.Context(), launcher.Options{
		Foreign: true, Engine: dockertest.Socket(t), Base: filepath.Join(dockertest.Dir(t), "runs"), Limits: small(),
		Runner: dockertest.Program(t, "./testdata/probe"), Log: slog.New(slog.DiscardHandler),
	})
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

// mentioning lists the programs of processes with a path below dir among their arguments.
func mentioning(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(raw), dir+"/") {
			program, _, _ := strings.Cut(string(raw), "\x00")
			found = append(found, program)
		}
	}
	return found
}
