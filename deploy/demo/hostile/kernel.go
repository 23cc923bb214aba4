package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel tries the calls that have served escapes, or that would let data leave by a side door.
func kernel() []attempt {
	empty := make([]byte, 256)               // stands for any structure: the call must be refused before it is read
	at := uintptr(unsafe.Pointer(&empty[0])) //nolint:gosec // raw calls take addresses
	return []attempt{
		{"socket AF_NETLINK", func() error { return socket(unix.AF_NETLINK, unix.SOCK_RAW) }},
		{"socket AF_PACKET", func() error { return socket(unix.AF_PACKET, unix.SOCK_RAW) }},
		{"socket AF_VSOCK", func() error { return socket(unix.AF_VSOCK, unix.SOCK_STREAM) }},
		{"socket AF_ALG", func() error { return socket(unix.AF_ALG, unix.SOCK_SEQPACKET) }},
		{"socket AF_INET raw", func() error { return socket(unix.AF_INET, unix.SOCK_RAW) }},
		{"io_uring_setup", func() error { return call(unix.SYS_IO_URING_SETUP, 1, at, 0) }},
		{"ptrace", func() error { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0) }},
		{"process_vm_readv", func() error { return call(unix.SYS_PROCESS_VM_READV, 1, at, 0) }},
		{"bpf", func() error { return call(unix.SYS_BPF, 0, at, 72) }},
		{"perf_event_open", func() error { return call(unix.SYS_PERF_EVENT_OPEN, at, 0, 0) }},
		{"userfaultfd", func() error { return call(unix.SYS_USERFAULTFD, 0, 0, 0) }},
		{"keyctl", func() error { return call(unix.SYS_KEYCTL, 0, ^uintptr(2), 1) }},
		{"add_key", func() error { return call(unix.SYS_ADD_KEY, at, at, 0) }},
		{"kexec_load", func() error { return call(unix.SYS_KEXEC_LOAD, 0, 0, at) }},
		{"init_module", func() error { return call(unix.SYS_INIT_MODULE, at, 0, at) }},
		{"memfd_create", func() error { return call(unix.SYS_MEMFD_CREATE, at, 0, 0) }},
		{"mount", func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") }},
		{"unmount", func() error { return unix.Unmount("/in", unix.MNT_DETACH) }},
		{"pivot_root", func() error { return unix.PivotRoot("/tmp", "/tmp") }},
		{"chroot", func() error { return unix.Chroot("/tmp") }},
		{"unshare", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
		{"clone with a user namespace", func() error { return call(unix.SYS_CLONE, unix.CLONE_NEWUSER, 0, 0) }},
		{"clone3 with a user namespace", cloneNewUser},
		{"setns", func() error { return call(unix.SYS_SETNS, 0, 0, 0) }},
		{"setuid", func() error { return unix.Setuid(0) }},
		{"mknod of a device", func() error { return unix.Mknod("/tmp/sda", unix.S_IFBLK|0o600, 8<<8) }},
		{"mknod of a FIFO", func() error { return unix.Mkfifo("/out/fifo", 0o600) }},
		{"set an attribute", func() error { return unix.Setxattr("/out", "user.loot", empty, 0) }},
		{"shared memory", func() error { return call(unix.SYS_SHMGET, 1, 4096, unix.IPC_CREAT|0o600) }},
		{"reboot", func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) }},
		{"set the clock", func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) }},
		{"set the host name", func() error { return unix.Sethostname([]byte("loot")) }},
		{"read the kernel's log", func() error { return call(unix.SYS_SYSLOG, 3, at, 256) }},
		{"install a filter", func() error { return call(unix.SYS_SECCOMP, 0, 0, at) }},
	}
}

// cloneNewUser asks with the structure clone3 takes; a child that came to be leaves at once.
func cloneNewUser() error {
	args := [8]uint64{unix.CLONE_NEWUSER}   // flags first
	at := uintptr(unsafe.Pointer(&args[0])) //nolint:gosec // raw calls take addresses
	pid, _, code := unix.RawSyscall(unix.SYS_CLONE3, at, unsafe.Sizeof(args), 0)
	switch {
	case code != 0:
		return code
	case pid == 0:
		unix.Exit(0)
	}
	return nil
}

func socket(family, kind int) error {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func call(number, a, b, c uintptr) error {
	if _, _, code := unix.Syscall(number, a, b, c); code != 0 {
		return code
	}
	return nil
}
