package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
)

// Daemon describes a private engine: its own data, its own socket, no bridge, no packet rules, gVisor as the
// runtime of whoever names none. The engine knows runc by itself. Whoever starts it runs dockerd with Args, in an own process group, as root.
type Daemon struct {
	// Data holds images and containers; it must lie on a real disk.
	Data string
	// Run holds sockets, state and the configuration. A socket's path may have 107 bytes: keep it short.
	Run string
	// Runsc is the path of the gVisor runtime: static, because it executes itself in an empty root.
	Runsc string
	// Cgroup names the group all containers stand under: one path element.
	Cgroup string
}

// Socket is where the engine listens: only root may open it.
func (d Daemon) Socket() string { return filepath.Join(d.Run, "engine.sock") }

// PIDFile is where the engine keeps its process id.
func (d Daemon) PIDFile() string { return filepath.Join(d.Run, "engine.pid") }

// Args are the arguments of dockerd after Write. The containerd names keep apart what two engines would
// otherwise share when the machine has a containerd of its own.
func (d Daemon) Args() []string {
	return []string{
		"--config-file", d.configFile(),
		"--containerd-namespace", d.Cgroup,
		"--containerd-plugins-namespace", d.Cgroup + "-plugins",
	}
}

// exec is where the engine and its containerd keep state and sockets; its name adds to their length.
func (d Daemon) exec() string { return filepath.Join(d.Run, "x") }

func (d Daemon) configFile() string { return filepath.Join(d.Run, "engine.json") }

// RunscArgs are the runtime's options. --ignore-cgroups must not be among them: with it no limit holds.
func RunscArgs() []string {
	return []string{"--platform=systrap", "--network=none", "--oci-seccomp", "--overlay2=root:memory,size=32m"}
}

// settings is the engine's configuration file, as far as it is used. A name an older engine does not know
// keeps it from starting.
type settings struct {
	Data           string               `json:"data-root"`
	Exec           string               `json:"exec-root"`
	PIDFile        string               `json:"pidfile"`
	Hosts          []string             `json:"hosts"`
	Group          string               `json:"group"`
	Bridge         string               `json:"bridge"`
	Iptables       bool                 `json:"iptables"`
	Forward        bool                 `json:"ip-forward"`
	Masquerade     bool                 `json:"ip-masq"`
	Proxy          bool                 `json:"userland-proxy"`
	LiveRestore    bool                 `json:"live-restore"`
	NoNewPrivs     bool                 `json:"no-new-privileges"`
	LogDriver      string               `json:"log-driver"`
	ShutdownWithin int                  `json:"shutdown-timeout"` // seconds
	CgroupParent   string               `json:"cgroup-parent"`
	ExecOpts       []string             `json:"exec-opts"`
	Features       map[string]bool      `json:"features"`
	DefaultRuntime string               `json:"default-runtime"`
	Runtimes       map[string]runtimeOf `json:"runtimes"`
}

type runtimeOf struct {
	Path string   `json:"path"`
	Args []string `json:"runtimeArgs"`
}

func (d Daemon) settings() settings {
	return settings{
		Data: d.Data, Exec: d.exec(), PIDFile: d.PIDFile(),
		Hosts: []string{"unix://" + d.Socket()}, Group: "root", // not "docker": its members would be root here
		Bridge: "none", NoNewPrivs: true, LogDriver: "none", ShutdownWithin: 3,
		CgroupParent: "/" + d.Cgroup, ExecOpts: []string{"native.cgroupdriver=cgroupfs"},
		Features:       map[string]bool{"containerd-snapshotter": false}, // image ids are digests of configurations
		DefaultRuntime: string(task.GVisor), Runtimes: map[string]runtimeOf{string(task.GVisor): {Path: d.Runsc, Args: RunscArgs()}},
	}
}

// Write makes the directories and the configuration, clears what a killed engine left, and prepares the cgroup.
// It is idempotent; call it before every start.
func (d Daemon) Write() error {
	for _, dir := range []string{d.Data, d.Run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making an engine's directory: %w", err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("closing an engine's directory: %w", err)
		}
	}
	raw, err := json.MarshalIndent(d.settings(), "", "  ")
	if err != nil {
		return fmt.Errorf("writing an engine's configuration: %w", err)
	}
	if err := os.WriteFile(d.configFile(), raw, 0o600); err != nil {
		return fmt.Errorf("writing an engine's configuration: %w", err)
	}
	return errors.Join(d.dropStale(), d.fillCpuset())
}

// dropStale clears what a killed engine left. Beside a living one it does nothing: the second start will say so
// itself.
func (d Daemon) dropStale() error {
	engine, err := readPID(d.PIDFile())
	if err != nil || alive(engine, "dockerd") {
		return err
	}
	return errors.Join(d.dropStalePIDs(), d.dropStaleGroups())
}

// dropStaleGroups deletes the control groups of containers that a killed engine left; one that still has a process
// stays. Nobody else deletes them: the next engine does not know these containers.
func (d Daemon) dropStaleGroups() error {
	var stale []string
	for _, below := range []string{d.Cgroup, "*/" + d.Cgroup} { // version 2, version 1
		found, err := filepath.Glob(filepath.Join(cgroupRoot, below, "*", "cgroup.procs"))
		if err != nil {
			return fmt.Errorf("looking for control groups: %w", err)
		}
		stale = append(stale, found...)
	}
	for _, procs := range stale {
		err := os.Remove(filepath.Dir(procs))
		if err != nil && !errors.Is(err, syscall.EBUSY) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting a control group: %w", err)
		}
	}
	return nil
}

// stalePatience is how long a containerd that was killed may take to be gone.
const stalePatience = 10 * time.Second

// dropStalePIDs deletes the process ids of a killed engine and of its containerd. Left there, the next start
// takes whatever process, or dead one nobody has waited for, for the engine and hangs. A containerd may outlive
// its engine by a moment, and would end under the next one: it is ended here.
func (d Daemon) dropStalePIDs() error {
	below := filepath.Join(d.exec(), "containerd", "containerd.pid")
	containerd, err := readPID(below)
	if err != nil {
		return err
	}
	if alive(containerd, "containerd") && startedFor(containerd, d.exec()) {
		if err := end(containerd, "containerd"); err != nil {
			return err
		}
	}
	for _, file := range []string{d.PIDFile(), below} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("dropping an engine's process id: %w", err)
		}
	}
	return nil
}

// readPID reads a file with a process id: 0 when there is no file or no id in it.
func readPID(file string) (int, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading an engine's process id: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, nil
	}
	return pid, nil
}

// startedFor tells whether a process was started with a path below dir: a machine may have a containerd of its own.
func startedFor(pid int, dir string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(line, []byte("\x00"+dir+"/"))
}

// end kills a process of a program and waits until it is gone.
func end(pid int, program string) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending a killed engine's %s: %w", program, err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(stalePatience)
	for alive(pid, program) {
		select {
		case <-late:
			return fmt.Errorf("ending a killed engine's %s: it still runs after %s", program, stalePatience)
		case <-tick.C:
		}
	}
	return nil
}

// alive tells whether a process is of a program and not only waiting to be reaped: proc_pid_stat(5) begins
// "pid (program) state".
func alive(pid int, program string) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	state, found := strings.CutPrefix(string(stat), fmt.Sprintf("%d (%s) ", pid, program))
	return found && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// Where control groups are, and where their version 1 has its processor sets.
const (
	cgroupRoot = "/sys/fs/cgroup"
	cpusetRoot = cgroupRoot + "/cpuset"
)

// fillCpuset gives the parent group all processors. Under version 1 a new group has none, and runsc, unlike
// runc, does not fill it: every start with a processor set would be refused.
func (d Daemon) fillCpuset() error {
	if _, err := os.Stat(filepath.Join(cpusetRoot, "cpuset.cpus")); err != nil {
		return nil // version 2
	}
	dir := filepath.Join(cpusetRoot, d.Cgroup)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a cgroup: %w", err)
	}
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		all, err := os.ReadFile(filepath.Join(cpusetRoot, name))
		if err != nil {
			return fmt.Errorf("reading a cgroup: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), all, 0o644); err != nil { //nolint:gosec // a cgroup we have just made
			return fmt.Errorf("filling a cgroup: %w", err)
		}
	}
	return nil
}

// Ready waits until the engine answers, or ctx ends.
func (d Daemon) Ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		e, err := Open(ctx, d.Socket(), "")
		if err == nil {
			return e.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the engine: %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// Alive asks the engine once whether it answers at all, until ctx ends. One that hangs does not.
func (d Daemon) Alive(ctx context.Context) error { return ping(ctx, "unix://"+d.Socket()) }
