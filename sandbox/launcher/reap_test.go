package launcher_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
