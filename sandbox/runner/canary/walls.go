package canary

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// network looks for a way out without sending anything: connecting a datagram socket only looks for a route.
func network() string {
	if why := interfaces(); why != "" {
		return why
	}
	// Addresses for documentation (RFC 5737, RFC 3849) and the one clouds keep credentials at.
	for _, to := range []string{"192.0.2.1:9", "169.254.169.254:80", "[2001:db8::1]:9"} {
		conn, err := net.Dial("udp", to)
		if err == nil {
			return errors.Join(errors.New("there is a route to "+to), conn.Close()).Error()
		}
	}
	return ""
}

// interfaces reads the list that needs no netlink socket, which a job may not have: proc_pid_net(5).
func interfaces() string {
	raw, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return "interfaces could not be listed"
	}
	for line := range strings.Lines(string(raw)) {
		name, _, found := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); found && name != "lo" {
			return "there is an interface " + name
		}
	}
	return ""
}

// writeRoot tries to write where nothing is the job's.
func writeRoot() string {
	var attempts []attempt
	for _, path := range []string{
		"/canary", "/in/canary", "/etc/canary", "/etc/hosts", "/dev/canary", "/dev/shm/canary", "/dev/mqueue/canary", "/sys/canary", "/sluice-runner",
		"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
	} {
		attempts = append(attempts, attempt{"writing " + path, func() error { return touch(path) }})
	}
	return managed(attempts)
}

// touch opens a file for writing and writes nothing. One that it made it takes away.
func touch(path string) error {
	_, before := os.Lstat(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if before != nil {
		defer func() { _ = os.Remove(path) }() // what is left of it dies with the container
	}
	return f.Close()
}

// devices compares /dev with what is harmless in every runtime. Under gVisor fuse and net/tun are its own: they serve
// mounts and networks of the sandbox, and calls and network try those.
func devices() string {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		return "/dev could not be read"
	}
	harmless := []string{
		"char", "core", "fd", "full", "fuse", "mqueue", "net", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
	}
	for _, e := range entries {
		if !slices.Contains(harmless, e.Name()) {
			return "there is /dev/" + e.Name()
		}
	}
	return ""
}

// host looks for facts of the machine.
func host(asked *task.CanaryLetter) string {
	looks := []func() string{environment, processes}
	if !asked.Shared {
		looks = append(looks, mounts, func() string { return total(asked.Memory) })
	}
	for _, look := range looks {
		if why := look(); why != "" {
			return why
		}
	}
	if name, err := os.Hostname(); err != nil || name != "job" {
		return "the host has a name"
	}
	return ""
}

func environment() string {
	for _, each := range os.Environ() {
		if each != "LANG=C.UTF-8" && each != "HOME=/" { // HOME is the runtime's own
			name, _, _ := strings.Cut(each, "=")
			return "the environment has " + name
		}
	}
	return ""
}

// processes looks for others: the program is the first of its container.
func processes() string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return "/proc could not be read"
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			return "another process is to be seen"
		}
	}
	return ""
}

// mounts looks for the places on the machine that mounts come from.
func mounts() string {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "mounts could not be read"
	}
	for _, trace := range []string{"/var/lib", "overlay2", "/home", "/runs/", "sluice-"} {
		if bytes.Contains(raw, []byte(trace)) {
			return "mounts tell of " + trace
		}
	}
	return ""
}

// total compares the memory the container sees with its own: the machine's would be told to everybody.
func total(memory int64) string {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "memory could not be read"
	}
	for line := range strings.Lines(string(raw)) {
		var kib int64
		if n, err := fmt.Sscanf(line, "MemTotal: %d kB", &kib); n == 1 && err == nil && kib<<10 <= memory {
			return ""
		}
	}
	return "the machine's memory is to be seen"
}

// remove deletes what a try left in a folder of the job's own.
func remove(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "canary-*"))
	if err != nil {
		return
	}
	for _, path := range left {
		_ = os.Remove(path) // what is left of it dies with the container
	}
}
