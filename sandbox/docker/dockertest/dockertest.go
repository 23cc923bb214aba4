// Package dockertest gives a test process one private Docker engine with gVisor. Tests that need an engine
// fail when the machine has none: `make setup` installs it.
package dockertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/sluicedata/sluice/sandbox/docker"
)

// Names of the environment: where runsc is, and the socket Main hands to the tests of its process.
const (
	EnvRunsc  = "SLUICE_RUNSC"
	envSocket = "SLUICE_TEST_ENGINE"
)

// Main starts an engine, runs the tests and stops it; use it as `os.Exit(dockertest.Main(m))`.
func Main(m *testing.M) int {
	// dockerd dies with the thread that started it, so a test process cut by its time limit leaves none.
	runtime.LockOSThread()
	e, err := newEngine()
	if err == nil {
		err = errors.Join(e.Start(), os.Setenv(envSocket, e.Socket()))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "starting a test engine: %v\n", err)
		if e != nil {
			fmt.Fprintln(os.Stderr, e.discard())
		}
		return 1
	}
	code := m.Run()
	if err := e.discard(); err != nil {
		fmt.Fprintf(os.Stderr, "stopping the test engine: %v\n", err)
		return 1
	}
	return code
}

// Socket is the engine's socket.
func Socket(t testing.TB) string {
	t.Helper()
	socket := os.Getenv(envSocket)
	if socket == "" {
		t.Fatalf("no test engine: call dockertest.Main from TestMain")
	}
	return socket
}

// Open returns a hold on the engine with an owner label of this test's own; what it left is swept at the end.
func Open(t testing.TB) *docker.Engine {
	t.Helper()
	e, err := docker.Open(t.Context(), Socket(t), fmt.Sprintf("%x", t.Name()))
	if err != nil {
		t.Fatalf("opening the test engine: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Sweep(context.Background()), e.Close()); err != nil {
			t.Errorf("sweeping the test engine: %v", err)
		}
	})
	return e
}

// Program compiles a static program of this repository into a directory any uid can pass, and returns its path.
func Program(t testing.TB, source string) string {
	t.Helper()
	out := filepath.Join(Dir(t), "program")
	build := exec.Command("go", "build", "-trimpath", "-o", out, source) //nolint:gosec // a folder of this repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if told, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", source, err, told)
	}
	return out
}

// Dir is a directory of this test that any uid may pass through, unlike testing.T's own.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-test-")
	if err != nil {
		t.Fatalf("making a test directory: %v", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatalf("opening a test directory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing a test directory: %v", err)
		}
	})
	return dir
}

// Runsc finds the gVisor runtime: where SLUICE_RUNSC says, where setup installs it, or in the checkout's build.
func Runsc() (string, error) {
	places := []string{os.Getenv(EnvRunsc), "/usr/local/lib/sluice/runsc"}
	if here, err := os.Getwd(); err == nil {
		for dir := here; dir != "/"; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, "build", "bin", "runsc"))
		}
	}
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() { //nolint:gosec // whoever runs tests says where
			return filepath.Abs(place)
		}
	}
	return "", errors.New("no runsc on this machine: run make setup")
}
