package canary

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func isErrno(err, want error) bool { return errors.Is(err, want) }

// families tries sockets that are not of the three families a job may have.
func families() string {
	var attempts []attempt
	for name, family := range map[string]int{
		"AF_VSOCK": unix.AF_VSOCK, "AF_PACKET": unix.AF_PACKET, "AF_NETLINK": unix.AF_NETLINK, "AF_ALG": unix.AF_ALG,
	} {
		attempts = append(attempts, attempt{"a socket of " + name, func() error {
			fd, err := unix.Socket(family, unix.SOCK_RAW, 0)
			if err != nil {
				return err
			}
			return unix.Close(fd)
		}})
	}
	return managed(attempts)
}

// calls tries system calls that have served escapes. They are handed nothing that works: one that complains about
// it has been let in.
func calls() string {
	empty := make([]byte, 256)
	at := uintptr(unsafe.Pointer(&empty[0])) //nolint:gosec // raw calls take addresses
	return managed([]attempt{
		{"io_uring_setup", func() error { return call(unix.SYS_IO_URING_SETUP, 1, at, 0) }},
		{"ptrace", func() error { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0) }},
		{"process_vm_readv", func() error { return call(unix.SYS_PROCESS_VM_READV, 1, at, 0) }},
		{"keyctl", func() error { return call(unix.SYS_KEYCTL, 0, ^uintptr(2), 1) }},
		{"add_key", func() error { return call(unix.SYS_ADD_KEY, at, at, 0) }},
		{"userfaultfd", func() error { return call(unix.SYS_USERFAULTFD, 0, 0, 0) }},
		{"bpf", func() error { return call(unix.SYS_BPF, 0, at, 72) }},
		{"perf_event_open", func() error { return call(unix.SYS_PERF_EVENT_OPEN, at, 0, 0) }},
		{"kexec_load", func() error { return call(unix.SYS_KEXEC_LOAD, 0, 0, at) }},
		{"init_module", func() error { return call(unix.SYS_INIT_MODULE, at, 0, at) }},
		{"mount", func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") }},
		{"pivot_root", func() error { return unix.PivotRoot("/tmp", "/tmp") }},
		{"chroot", func() error { return unix.Chroot("/tmp") }},
		{"unshare", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
		{"setns", func() error { return call(unix.SYS_SETNS, 0, 0, 0) }},
		{"setuid", func() error { return unix.Setuid(0) }},
	}, unix.EPERM, unix.ENOSYS, unix.EACCES)
}

func call(number, a, b, c uintptr) error {
	if _, _, code := unix.Syscall(number, a, b, c); code != 0 {
		return code
	}
	return nil
}

// special tries to make files that are more than bytes.
func special(out string) string {
	defer remove(out)
	at := filepath.Join(out, "canary-node")
	return managed([]attempt{
		{"making a block device", func() error { return unix.Mknod(at, unix.S_IFBLK|0o600, 8<<8) }},
		{"making a character device", func() error { return unix.Mknod(at, unix.S_IFCHR|0o600, 1<<8|5) }},
		{"making a FIFO", func() error { return unix.Mkfifo(at, 0o600) }},
	})
}

// privileges reads what the kernel says of this process.
func privileges() string {
	if os.Getuid() == 0 || os.Getgid() == 0 {
		return "it runs as root"
	}
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "its standing could not be read"
	}
	want := map[string]string{
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
	}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(line, ":")
		if wanted, asked := want[key]; asked && strings.TrimSpace(value) != wanted {
			return key + " is " + strings.TrimSpace(value)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		return "its standing is not told whole"
	}
	return ""
}
