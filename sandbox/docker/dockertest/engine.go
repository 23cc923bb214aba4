package dockertest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/sandbox/docker"
)

// Engine is one private engine and its process.
type Engine struct {
	docker.Daemon
	root    string
	dockerd string
	process *exec.Cmd
}

// Private starts an engine of the test's own, to be killed and started at will. It is cleaned away at the end.
func Private(t testing.TB) *Engine {
	t.Helper()
	return PrivateWith(t, func(runsc string) string { return runsc })
}

// PrivateWith is Private with another runtime in the place of the one that is installed.
func PrivateWith(t testing.TB, runtime func(runsc string) string) *Engine {
	t.Helper()
	e, err := newEngine()
	if err != nil {
		t.Fatalf("making a private engine: %v", err)
	}
	e.Runsc = runtime(e.Runsc)
	t.Cleanup(func() {
		if err := e.discard(); err != nil {
			t.Errorf("discarding a private engine: %v", err)
		}
	})
	if err := e.Start(); err != nil {
		t.Fatalf("starting a private engine: %v", err)
	}
	return e
}

// newEngine lays out an engine that is not yet running.
func newEngine() (*Engine, error) {
	runsc, err := Runsc()
	if err != nil {
		return nil, err
	}
	dockerd, err := exec.LookPath("dockerd")
	if err != nil {
		return nil, errors.New("no dockerd on this machine: run make setup")
	}
	root, err := os.MkdirTemp("", "sluice-engine-")
	if err != nil {
		return nil, err
	}
	return &Engine{root: root, dockerd: dockerd, Daemon: docker.Daemon{
		Data: filepath.Join(root, "data"), Run: filepath.Join(root, "run"), Runsc: runsc, Cgroup: filepath.Base(root),
	}}, nil
}

// Start runs the engine and waits until it answers. Its log goes to a file.
func (e *Engine) Start() error {
	if err := e.Write(); err != nil {
		return err
	}
	log, err := os.Create(e.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	e.process = exec.Command(e.dockerd, e.Args()...) //nolint:gosec // a test starts the engine it found
	e.process.Stdout, e.process.Stderr = log, log
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := e.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.Ready(ctx); err != nil {
		return errors.Join(err, e.account())
	}
	return nil
}

func (e *Engine) logFile() string { return filepath.Join(e.Run, "log") }

// account is the engine's own account of why it did not come up.
func (e *Engine) account() error {
	raw, err := os.ReadFile(e.logFile())
	if err != nil {
		return err
	}
	return errors.New(string(raw[max(0, len(raw)-2000):]))
}

// Stop ends the engine's process with a signal and waits for it; one that does not end is killed.
func (e *Engine) Stop(signal syscall.Signal) error {
	if e.process == nil || e.process.Process == nil {
		return nil
	}
	process := e.process
	e.process = nil
	if err := process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping dockerd: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- process.Wait() }()
	select {
	case <-done: //nolint:errcheck // its exit code after a signal says nothing
		return nil
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("dockerd did not stop within 20 s"), process.Process.Kill())
	}
}

// discard stops the engine and deletes everything it made.
func (e *Engine) discard() error {
	return errors.Join(e.Stop(syscall.SIGTERM), e.Reap(), unmountBelow(e.root), dropGroups(e.Cgroup), os.RemoveAll(e.root))
}

// unmountBelow unmounts what an engine may leave below its root, deepest first.
func unmountBelow(root string) error {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var mounts []string
	for line := range strings.Lines(string(raw)) {
		if at := strings.Fields(line)[4]; strings.HasPrefix(at, root+"/") {
			mounts = append(mounts, at)
		}
	}
	slices.Sort(mounts)
	slices.Reverse(mounts)
	for _, at := range mounts {
		err = errors.Join(err, unix.Unmount(at, unix.MNT_DETACH))
	}
	return err
}

// groupPatience is how long what was killed may take to leave its cgroup.
const groupPatience = 10 * time.Second

// dropGroups deletes an engine's cgroup under every controller.
func dropGroups(name string) error {
	groups, err := filepath.Glob(filepath.Join("/sys/fs/cgroup/*", name))
	for _, group := range append(groups, filepath.Join("/sys/fs/cgroup", name)) {
		err = errors.Join(err, dropGroup(group))
	}
	return err
}

// dropGroup deletes one cgroup, once the last process has left it. One below it is a container's that nobody removed:
// it fails.
func dropGroup(group string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(groupPatience)
	for {
		err := os.Remove(group)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-late:
			return err
		case <-tick.C:
		}
	}
}
