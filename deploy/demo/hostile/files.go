package main

import "os"

// files tries to write where it may not, and to read what is not its own.
func files() []attempt {
	var all []attempt
	for _, path := range []string{
		"/loot", "/in/loot", "/etc/hosts", "/etc/resolv.conf", "/dev/loot", "/dev/shm/loot", "/sluice-runner", "/sys/loot",
		"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/1/mem", "/sys/fs/cgroup/memory/loot",
	} {
		all = append(all, attempt{"write " + path, func() error { return write(path) }})
	}
	for _, path := range []string{
		"/etc/shadow", "/etc/passwd", "/dev/mem", "/dev/kmsg", "/proc/kcore", "/proc/keys", "/root/.ssh",
	} {
		all = append(all, attempt{"read " + path, func() error { return read(path) }})
	}
	return append(all,
		attempt{"change an input", func() error { return os.Chmod("/in", 0o777) }},
		attempt{"delete the program", func() error { return os.Remove("/sluice-runner") }},
		attempt{"run a program from scratch space", runCopy},
	)
}

func write(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString("loot")
	return err
}

func read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Read(make([]byte, 1))
	return err
}

func runCopy() error {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	const path = "/tmp/copy"
	if err := os.WriteFile(path, self, 0o700); err != nil { //nolint:gosec // it is meant to be hostile
		return err
	}
	process, err := os.StartProcess(path, []string{path}, &os.ProcAttr{})
	if err != nil {
		return err
	}
	return process.Kill()
}
