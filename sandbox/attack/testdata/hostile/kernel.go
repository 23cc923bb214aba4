package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls are the system calls that have served escapes, or that would let data leave by a side door. They are handed
// nothing that works: one that complains about it has been let in.
func calls() map[string]act {
	empty := make([]byte, 256)
	at := uintptr(unsafe.Pointer(&empty[0]))
	all := map[string]act{}
	for name, c := range map[string][4]uintptr{
		"io_uring_setup": {unix.SYS_IO_URING_SETUP, 1, at, 0}, "io_uring_enter": {unix.SYS_IO_URING_ENTER, 0, 1, 0},
		"io_uring_register": {unix.SYS_IO_URING_REGISTER, 0, 0, at},
		"ptrace itself":     {unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0}, "ptrace another": {unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1, 0},
		"process_vm_readv": {unix.SYS_PROCESS_VM_READV, 1, at, 0}, "process_vm_writev": {unix.SYS_PROCESS_VM_WRITEV, 1, at, 0},
		"process_madvise": {unix.SYS_PROCESS_MADVISE, 0, at, 0}, "pidfd_open": {unix.SYS_PIDFD_OPEN, 1, 0, 0},
		"pidfd_getfd": {unix.SYS_PIDFD_GETFD, 0, 0, 0}, "kcmp": {unix.SYS_KCMP, 1, 1, 0},
		"bpf": {unix.SYS_BPF, 0, at, 72}, "perf_event_open": {unix.SYS_PERF_EVENT_OPEN, at, 0, 0}, "userfaultfd": {unix.SYS_USERFAULTFD, 0, 0, 0},
		"keyctl": {unix.SYS_KEYCTL, 0, ^uintptr(2), 1}, "add_key": {unix.SYS_ADD_KEY, at, at, 0}, "request_key": {unix.SYS_REQUEST_KEY, at, at, 0},
		"kexec_load": {unix.SYS_KEXEC_LOAD, 0, 0, at}, "kexec_file_load": {unix.SYS_KEXEC_FILE_LOAD, 0, 0, 0},
		"init_module": {unix.SYS_INIT_MODULE, at, 0, at}, "finit_module": {unix.SYS_FINIT_MODULE, 0, at, 0}, "delete_module": {unix.SYS_DELETE_MODULE, at, 0, 0},
		"move_mount": {unix.SYS_MOVE_MOUNT, 0, at, 0}, "open_tree": {unix.SYS_OPEN_TREE, 0, at, 0}, "fsopen": {unix.SYS_FSOPEN, at, 0, 0},
		"fsmount": {unix.SYS_FSMOUNT, 0, 0, 0}, "fspick": {unix.SYS_FSPICK, 0, at, 0}, "mount_setattr": {unix.SYS_MOUNT_SETATTR, 0, at, 0},
		"setns": {unix.SYS_SETNS, 0, 0, 0}, "capset": {unix.SYS_CAPSET, at, at, 0}, "seccomp": {unix.SYS_SECCOMP, 0, 0, at},
		"iopl": {unix.SYS_IOPL, 3, 0, 0}, "ioperm": {unix.SYS_IOPERM, 0, 8, 1}, "modify_ldt": {unix.SYS_MODIFY_LDT, 0, at, 16},
		"swapon": {unix.SYS_SWAPON, at, 0, 0}, "swapoff": {unix.SYS_SWAPOFF, at, 0, 0}, "acct": {unix.SYS_ACCT, at, 0, 0}, "quotactl": {unix.SYS_QUOTACTL, 0, at, 0},
		"syslog": {unix.SYS_SYSLOG, 3, at, 256}, "adjtimex": {unix.SYS_ADJTIMEX, at, 0, 0}, "clock_settime": {unix.SYS_CLOCK_SETTIME, 0, at, 0},
		"clock_adjtime": {unix.SYS_CLOCK_ADJTIME, 0, at, 0}, "personality": {unix.SYS_PERSONALITY, 0x0040000, 0, 0}, "vhangup": {unix.SYS_VHANGUP, 0, 0, 0},
		"name_to_handle_at": {unix.SYS_NAME_TO_HANDLE_AT, 0, at, at}, "open_by_handle_at": {unix.SYS_OPEN_BY_HANDLE_AT, 0, at, 0},
		"fanotify_init": {unix.SYS_FANOTIFY_INIT, 0, 0, 0}, "lookup_dcookie": {unix.SYS_LOOKUP_DCOOKIE, 0, at, 1}, "vmsplice": {unix.SYS_VMSPLICE, 0, at, 0},
		"memfd_create": {unix.SYS_MEMFD_CREATE, at, 0, 0}, "memfd_secret": {unix.SYS_MEMFD_SECRET, 0, 0, 0},
		"shmget": {unix.SYS_SHMGET, 1, 4096, unix.IPC_CREAT | 0o600}, "msgget": {unix.SYS_MSGGET, 1, unix.IPC_CREAT | 0o600, 0},
		"semget": {unix.SYS_SEMGET, 1, 1, unix.IPC_CREAT | 0o600}, "mq_open": {unix.SYS_MQ_OPEN, at, unix.O_CREAT | unix.O_RDWR, 0o600},
		"mbind": {unix.SYS_MBIND, at, 4096, 0}, "set_mempolicy": {unix.SYS_SET_MEMPOLICY, 0, 0, 0}, "move_pages": {unix.SYS_MOVE_PAGES, 1, 0, 0},
		"migrate_pages": {unix.SYS_MIGRATE_PAGES, 1, 1, at}, "sched_setscheduler": {unix.SYS_SCHED_SETSCHEDULER, 0, 1, at}, "setpriority": {unix.SYS_SETPRIORITY, 0, 0, ^uintptr(19)},
		"ioprio_set": {unix.SYS_IOPRIO_SET, 1, 0, 0}, "setgroups": {unix.SYS_SETGROUPS, 0, 0, 0}, "setresuid": {unix.SYS_SETRESUID, 0, 0, 0},
		"setresgid": {unix.SYS_SETRESGID, 0, 0, 0}, "setfsuid": {unix.SYS_SETFSUID, 0, 0, 0},
		"mlockall": {unix.SYS_MLOCKALL, 3, 0, 0}, "chown": {unix.SYS_CHOWN, at, 0, 0}, "rt_sigqueue to others": {unix.SYS_KILL, ^uintptr(0), 0, 0},
		"mount by the x32 table":    {x32 | unix.SYS_MOUNT, at, at, at},
		"io_uring by the x32 table": {x32 | unix.SYS_IO_URING_SETUP, 1, at, 0},
		"a number of no call":       {1 << 20, 0, 0, 0},
		"clone with CLONE_NEWUSER":  {unix.SYS_CLONE, unix.CLONE_NEWUSER, 0, 0}, "clone with CLONE_NEWNS": {unix.SYS_CLONE, unix.CLONE_NEWNS, 0, 0},
	} {
		all["call "+name] = try(func() error { return call(c[0], c[1], c[2], c[3]) })
	}
	for name, flag := range map[string]int{
		"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET, "pid": unix.CLONE_NEWPID, "uts": unix.CLONE_NEWUTS,
		"ipc": unix.CLONE_NEWIPC, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME,
	} {
		all["unshare "+name] = try(func() error { return unix.Unshare(flag) })
	}
	for name, family := range map[string]int{
		"NETLINK": unix.AF_NETLINK, "PACKET": unix.AF_PACKET, "VSOCK": unix.AF_VSOCK, "ALG": unix.AF_ALG, "XDP": unix.AF_XDP, "CAN": unix.AF_CAN,
		"BLUETOOTH": unix.AF_BLUETOOTH, "TIPC": unix.AF_TIPC, "RDS": unix.AF_RDS, "KCM": unix.AF_KCM, "SMC": unix.AF_SMC, "NFC": unix.AF_NFC,
		"AX25": unix.AF_AX25, "KEY": unix.AF_KEY, "QIPCRTR": unix.AF_QIPCRTR,
	} {
		all["socket AF_"+name] = try(func() error { return socket(family, unix.SOCK_RAW, 0) })
	}
	return mounting(all, empty)
}

// x32 marks a call of another table on the same processor; a filter that does not know it lets it through.
const x32 = 0x40000000

// mounting adds the calls that have names of their own in Go.
func mounting(all map[string]act, empty []byte) map[string]act {
	for name, f := range map[string]func() error{
		"mount":                     func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") },
		"mount /proc":               func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") },
		"remount the input":         func() error { return unix.Mount("", "/in", "", unix.MS_REMOUNT|unix.MS_BIND, "") },
		"unmount the input":         func() error { return unix.Unmount("/in", unix.MNT_DETACH) },
		"pivot_root":                func() error { return unix.PivotRoot("/tmp", "/tmp") },
		"chroot":                    func() error { return unix.Chroot("/tmp") },
		"clone3 with CLONE_NEWUSER": func() error { return clone3(unix.CLONE_NEWUSER) },
		"become root":               func() error { return unix.Setuid(0) },
		"make a block device":       func() error { return unix.Mknod("/tmp/sda", unix.S_IFBLK|0o600, 8<<8) },
		"make a memory device":      func() error { return unix.Mknod("/tmp/mem", unix.S_IFCHR|0o600, 1<<8|1) },
		"make a FIFO":               func() error { return unix.Mkfifo("/tmp/fifo", 0o600) },
		"set an attribute":          func() error { return unix.Setxattr("/out", "user.loot", empty, 0) },
		"set a capability":          func() error { return unix.Setxattr("/tmp", "security.capability", empty, 0) },
		"reboot":                    func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) },
		"set the clock":             func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) },
		"set the host name":         func() error { return unix.Sethostname([]byte("loot")) },
		"set the domain name":       func() error { return unix.Setdomainname([]byte("loot")) },
		"raise the file size":       func() error { return raise(unix.RLIMIT_FSIZE) },
		"raise the descriptors":     func() error { return raise(unix.RLIMIT_NOFILE) },
		"raise the core size":       func() error { return raise(unix.RLIMIT_CORE) },
	} {
		all[name] = try(f)
	}
	return all
}

// raise asks for more than a limit that is set hard.
func raise(which int) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(which, &now); err != nil {
		return err
	}
	now.Cur, now.Max = now.Max+1, now.Max+1
	return unix.Setrlimit(which, &now)
}

// clone3 asks with the structure it takes; a child that came to be leaves at once.
func clone3(flags uint64) error {
	args := [8]uint64{flags} // flags first
	pid, _, code := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args[0])), unsafe.Sizeof(args), 0)
	switch {
	case code != 0:
		return code
	case pid == 0:
		unix.Exit(0)
	}
	return nil
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func call(number, a, b, c uintptr) error {
	pid, _, code := unix.Syscall(number, a, b, c)
	if code != 0 {
		return code
	}
	if number == unix.SYS_CLONE && pid == 0 {
		unix.Exit(0)
	}
	return nil
}
