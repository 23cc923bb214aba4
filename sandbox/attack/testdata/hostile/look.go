package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// standing tells what the kernel says of this process, word for word.
func standing() map[string]act {
	all := map[string]act{
		"uid": func(order) string { return fmt.Sprint(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid()) },
		"/dev": func(order) string {
			return strings.Join(walk("/dev", func(string, fs.DirEntry) bool { return true }), " ")
		},
	}
	for _, key := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Groups"} {
		all[key] = func(order) string { return status(key) }
	}
	return all
}

func status(key string) string {
	raw, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(raw)) {
		if name, value, _ := strings.Cut(line, ":"); name == key {
			return strings.TrimSpace(value)
		}
	}
	return "not told"
}

// walk lists what lies below a folder and is of a kind, its own name left off; what cannot be read is passed by.
func walk(root string, is func(path string, entry fs.DirEntry) bool) []string {
	var found []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case root == "/" && (path == "/proc" || path == "/sys"):
			return fs.SkipDir
		case path != root && is(path, entry):
			found = append(found, strings.TrimPrefix(path, root+"/"))
		}
		return nil
	})
	slices.Sort(found)
	return found
}

// places are tries to find, or to change, what is not the job's.
func places() map[string]act {
	all := map[string]act{
		"sockets": func(order) string {
			return strings.Join(walk("/", func(_ string, e fs.DirEntry) bool { return e.Type()&fs.ModeSocket != 0 }), " ")
		},
		"folders to write in": func(order) string {
			return strings.Join(walk("/", func(path string, e fs.DirEntry) bool { return e.IsDir() && made(path+"/loot") }), " ")
		},
		"files to write to": func(order) string {
			return strings.Join(walk("/", func(path string, e fs.DirEntry) bool { return e.Type().IsRegular() && opens(path) }), " ")
		},
		"settings to write to": func(order) string { return strings.Join(append(settings("/proc"), settings("/sys")...), " ") },
		"programs":             programs,
		"environment":          func(order) string { return strings.Join(os.Environ(), " ") },
		"change the input":     try(func() error { return os.Chmod("/in", 0o777) }),
		"delete the input":     try(func() error { return os.Remove("/in/attack.json") }),
		"delete the program":   try(func() error { return os.Remove("/sluice-runner") }),
		"run from scratch":     try(func() error { return runCopy("/tmp/copy") }),
		"run from the output":  try(func() error { return runCopy("/out/copy") }),
		"run an anonymous file": try(func() error {
			return call(unix.SYS_EXECVEAT, ^uintptr(0), 0, 0)
		}),
	}
	for _, path := range []string{
		"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/sluice/engine.sock", "/run/sluice/launcher.sock",
		"/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432", "/run/dbus/system_bus_socket", "/run/systemd/notify",
	} {
		all["connect unix "+path] = try(func() error { return send("unix", path) })
	}
	for _, path := range []string{
		"/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/passwd", "/dev/x", "/dev/shm/x", "/dev/mqueue/x", "/loot", "/in/loot", "/sluice-runner", "/sys/loot",
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
		"/proc/1/mem", "/proc/self/mem.x", "/proc/acpi/wakeup", "/sys/fs/cgroup/memory/loot", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/uevent_helper", "/sys/power/state",
	} {
		all["write "+path] = try(func() error { return flood(path, 100<<20) })
	}
	return all
}

// made tells whether a file could be made; it is taken away again.
func made(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(path)) == nil
}

func opens(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	return err == nil && f.Close() == nil
}

// settings lists the kernel's files that open for writing, those of a process's own aside.
func settings(root string) []string {
	return walk(root, func(path string, e fs.DirEntry) bool {
		rest, _ := strings.CutPrefix(path, "/proc/")
		own := strings.HasPrefix(path, "/proc/") && (strings.Trim(strings.SplitN(rest, "/", 2)[0], "0123456789") == "" ||
			strings.HasPrefix(rest, "self/") || strings.HasPrefix(rest, "thread-self/"))
		return !own && e.Type().IsRegular() && opens(path)
	})
}

// programs lists what could be run, or would run as somebody else.
func programs(order) string {
	return strings.Join(walk("/", func(_ string, e fs.DirEntry) bool {
		info, err := e.Info()
		return err == nil && e.Type().IsRegular() && info.Mode()&(0o111|fs.ModeSetuid|fs.ModeSetgid) != 0
	}), " ")
}

// runCopy runs a few bytes of its own making: where programs may not be run it is not even looked for what reads them.
func runCopy(path string) error {
	defer func() { _ = os.Remove(path) }()
	if err := os.WriteFile(path, []byte("#!/sluice-runner sql nothing\n"), 0o700); err != nil {
		return err
	}
	process, err := os.StartProcess(path, []string{path}, &os.ProcAttr{})
	if err != nil {
		return err
	}
	return process.Kill()
}

// flood writes up to size bytes.
func flood(path string, size int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := bytes.Repeat([]byte("loot"), 16<<10)
	for ; size > 0; size -= len(block) {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// seen are tries to learn about the machine and about others.
func seen() map[string]act {
	return map[string]act{
		"leave what the next might find": leave,
		"find what another left":         find,
		"other processes":                func(order) string { return strings.Join(processes(), " ") },
		"everything to be read":          copyAll,
		"uname":                          func(order) string { return uname() },
		"time zone":                      func(order) string { return time.Now().Location().String() },
		"sysinfo":                        sysinfo,
	}
}

// mark is what one job leaves and another looks for.
const mark = "left by another job"

// leave puts the mark wherever something can be put.
func leave(order) string {
	var where []string
	for _, path := range []string{"/tmp/mark", "/tmp/.mark", "/out/mark", "/dev/shm/mark", "/dev/mqueue/mark", "/in/mark", "/mark", "/var/tmp/mark"} {
		if os.WriteFile(path, []byte(mark), 0o644) == nil {
			where = append(where, path)
		}
	}
	return strings.Join(where, " ")
}

// find looks for the mark in every file.
func find(order) string {
	found := walk("/", func(path string, e fs.DirEntry) bool {
		if !e.Type().IsRegular() || path == "/sluice-runner" {
			return false
		}
		raw, err := os.ReadFile(path)
		return err == nil && bytes.Contains(raw, []byte(mark))
	})
	return strings.Join(found, " ")
}

func processes() []string {
	entries, _ := os.ReadDir("/proc")
	var found []string
	for _, e := range entries {
		if e.Name() != fmt.Sprint(os.Getpid()) && strings.Trim(e.Name(), "0123456789") == "" {
			found = append(found, e.Name())
		}
	}
	return found
}

// most is how much of one file is copied, in bytes.
const most = 32 << 10

// copyAll puts whatever can be read of the machine into one file, for the tests to search.
func copyAll(order) string {
	var all bytes.Buffer
	for _, root := range []string{"/proc", "/sys", "/etc", "/dev", "/run", "/var"} {
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !slices.Contains([]string{"/proc/kmsg", "/proc/self/task", "/proc/thread-self"}, path) {
				one(&all, path, entry)
			}
			return nil
		})
	}
	if all.Len() > 3<<20 {
		all.Truncate(3 << 20)
	}
	if err := os.WriteFile("/out/seen", all.Bytes(), 0o644); err != nil {
		return words(err)
	}
	return managed
}

// one writes a path and what it holds, or where it points.
func one(all *bytes.Buffer, path string, entry fs.DirEntry) {
	fmt.Fprintf(all, "== %s\n", path)
	if to, err := os.Readlink(path); err == nil {
		fmt.Fprintln(all, to)
		return
	}
	if !entry.Type().IsRegular() {
		return
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	raw := make([]byte, most)
	if n, err := unix.Read(fd, raw); err == nil && n > 0 {
		all.Write(raw[:n])
	}
}

func uname() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return words(err)
	}
	var all []string
	for _, field := range [][65]byte{u.Sysname, u.Nodename, u.Release, u.Version, u.Machine} {
		all = append(all, unix.ByteSliceToString(field[:]))
	}
	return strings.Join(all, " ")
}

func sysinfo(order) string {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return words(err)
	}
	return fmt.Sprintf("loads %v, swap %d", s.Loads, s.Totalswap)
}
