package docker_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// With --ignore-cgroups gVisor keeps no limit at all, and a runtime under another name is not ours.
func TestEngineThatCannotHoldTheTemplateIsRefused(t *testing.T) {
	engine := dockertest.Private(t)
	config := filepath.Join(engine.Run, "engine.json")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for what, edit := range map[string][2]string{
		"a runtime that keeps limits": {`"--oci-seccomp"`, `"--ignore-cgroups"`},
		"a system call filter":        {`"--oci-seccomp"`, `"--debug=false"`},
		"a second wall to networks":   {`"--network=none"`, `"--network=host"`},
		"live-restore off":            {`"live-restore": false`, `"live-restore": true`},
	} {
		bad := bytes.Replace(good, []byte(edit[0]), []byte(edit[1]), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: the configuration has no %s", what, edit[0])
		}
		if err := os.WriteFile(config, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		reload(t, engine)
		wait(t, "a refusal for want of "+what, func() bool {
			e, err := docker.Open(t.Context(), engine.Socket(), "0")
			if err == nil {
				err = e.Close()
			}
			return err != nil && strings.Contains(err.Error(), what)
		})
	}
}

// reload makes the engine read its configuration again.
func reload(t *testing.T, engine *dockertest.Engine) {
	t.Helper()
	raw, err := os.ReadFile(engine.PIDFile())
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// wait polls a condition; the limit is only for a test that hangs.
func wait(t *testing.T, what string, met func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waiting for %s took too long", what)
		}
	}
}

func TestWriteClosesDirectoriesAndDropsStaleIDs(t *testing.T) {
	root := dockertest.Dir(t)
	d := docker.Daemon{
		Data: filepath.Join(root, "data"), Run: filepath.Join(root, "run"), Runsc: "/runsc", Cgroup: filepath.Base(root),
	}
	t.Cleanup(func() {
		if err := os.Remove("/sys/fs/cgroup/cpuset/" + d.Cgroup); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	if err := os.MkdirAll(d.Run, 0o755); err != nil {
		t.Fatal(err)
	}
	// This very process is alive, but it is no dockerd.
	if err := os.WriteFile(d.PIDFile(), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Write(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(d.PIDFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale process id is still there: %v", err)
	}
	for _, dir := range []string{d.Data, d.Run} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v, error %v", dir, info.Mode(), err)
		}
	}
}

// A containerd that its killed engine has not yet taken along would end under the next engine, which took it for
// its own and then waits for ever.
func TestWriteEndsAContainerdThatOutlivedItsEngine(t *testing.T) {
	engine := dockertest.Private(t)
	if err := engine.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(engine.Run, "x", "containerd")
	for what, config := range map[string]string{"its own": state + "/containerd.toml", "another's": "/etc/containerd.toml"} {
		left := namedContainerd(t, config)
		pid := strconv.Itoa(left.Process.Pid)
		if err := os.WriteFile(filepath.Join(state, "containerd.pid"), []byte(pid), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := engine.Start(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := left.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := left.Wait(); !errors.As(err, &exit) {
			t.Fatalf("%s: %v", what, err)
		}
		killed := exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if want := what == "its own"; killed != want {
			t.Errorf("%s: killed %t, want %t", what, killed, want)
		}
		if err := engine.Stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
}

// Control groups of containers a killed engine left go with the next start; one in use stays.
func TestWriteDropsStaleGroups(t *testing.T) {
	root := dockertest.Dir(t)
	d := docker.Daemon{
		Data: filepath.Join(root, "data"), Run: filepath.Join(root, "run"), Runsc: "/runsc", Cgroup: filepath.Base(root),
	}
	parent := filepath.Join("/sys/fs/cgroup/pids", d.Cgroup)
	if _, err := os.Stat("/sys/fs/cgroup/pids"); err != nil {
		parent = filepath.Join("/sys/fs/cgroup", d.Cgroup) // version 2
	}
	left, used := filepath.Join(parent, "left"), filepath.Join(parent, "used")
	for _, group := range []string{left, used} {
		if err := os.MkdirAll(group, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	inside := namedContainerd(t, "/etc/containerd.toml")
	if err := os.WriteFile(filepath.Join(used, "cgroup.procs"), []byte(strconv.Itoa(inside.Process.Pid)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the group nobody is in: %v", err)
	}
	if _, err := os.Stat(used); err != nil {
		t.Errorf("the group somebody is in: %v", err)
	}
	if err := errors.Join(inside.Process.Kill(), expectSignal(inside.Wait())); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{used, parent, "/sys/fs/cgroup/cpuset/" + d.Cgroup} {
		wait(t, "the end of "+group, func() bool {
			err := os.Remove(group)
			return err == nil || errors.Is(err, fs.ErrNotExist)
		})
	}
}

// expectSignal is nil for the end of a process by a signal.
func expectSignal(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return nil
	}
	return err
}

// namedContainerd is a process that looks like a containerd started with a configuration.
func namedContainerd(t *testing.T, config string) *exec.Cmd {
	t.Helper()
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dockertest.Dir(t), "containerd")
	if err := os.WriteFile(program, shell, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", "read line", "containerd", "--config", config)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
