//go:build attack

package attack

import (
	"regexp"
	"strings"
	"time"
)

// quick is how long a try of the network may take to fail.
const quick = 2 * time.Second

// same makes vectors that must all be seen alike, in one container.
func same(want string, tries ...string) []vector {
	all := make([]vector, 0, len(tries))
	for _, each := range tries {
		all = append(all, vector{try: each, see: saw, want: want})
	}
	return all
}

// prefixed puts a word before each.
func prefixed(word string, names ...string) []string {
	all := make([]string, 0, len(names))
	for _, each := range names {
		all = append(all, word+each)
	}
	return all
}

// join makes one list.
func join(lists ...[]vector) []vector {
	var all []vector
	for _, each := range lists {
		all = append(all, each...)
	}
	return all
}

// reach is what a job tries to reach: S01 the network, S03 whoever runs it.
func reach() []family {
	const nobody = `network is unreachable|connection refused|no such file or directory|none|` + denied
	return []family{
		{id: "S01", also: silent, vectors: join(
			same(nobody, prefixed("connect ",
				"tcp 1.1.1.1:80", "tcp 1.1.1.1:443", "udp 1.1.1.1:53", "tcp 169.254.169.254:80", "tcp 100.100.100.200:80", "tcp [fd00:ec2::254]:80",
				"tcp [2606:4700:4700::1111]:443", "tcp [::ffff:1.1.1.1]:80", "udp 224.0.0.1:9", "tcp 172.17.0.1:2375", "tcp 127.0.0.1:5432", "tcp 127.0.0.1:2375",
				"tcp [::1]:5432", "tcp 0.0.0.0:5432", "tcp 127.1.2.3:5432")...),
			same(nobody, "an interface beside lo", "a route", "raw ICMP", "ICMP by datagram", "broadcast", "a listener of the test", "a listener at the address",
				"an abstract socket", "a socket beside the input", "a socket in the input", "descriptors that came along"),
			same("sent|"+nobody, "a datagram listener"),
			same("lookup .*", "resolve a name", "resolve at 1.1.1.1"),
		)},
		{id: "S03", vectors: join(
			same("", "sockets", "files to write to", "settings to write to"),
			same("/out /tmp", "folders to write in"),
			same("LANG=C.UTF-8 HOME=/|HOME=/ LANG=C.UTF-8", "environment"),
			same("no such file or directory", prefixed("connect unix ",
				"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/sluice/engine.sock", "/run/sluice/launcher.sock",
				"/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432", "/run/dbus/system_bus_socket", "/run/systemd/notify")...),
		)},
	}
}

// walls are S02, what the kernel lets a job ask for, and S12, what a job may not write.
func walls(r runtime) []family {
	return []family{
		{id: "S02", vectors: join(
			same("65534 65534 65534 65534", "uid"),
			same("0000000000000000", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"),
			same("1", "NoNewPrivs"), same("2", "Seccomp"), same("65534", "Groups"),
			same(regexp.QuoteMeta(r.devices), "/dev"),
			same("/.dockerenv /etc/hosts /etc/resolv.conf /sluice-runner", "programs"),
			same(denied, prefixed("call ", strings.Fields(`io_uring_setup io_uring_enter io_uring_register process_vm_readv process_vm_writev
				process_madvise pidfd_open pidfd_getfd kcmp bpf perf_event_open userfaultfd keyctl add_key request_key kexec_load kexec_file_load init_module
				finit_module delete_module move_mount open_tree fsopen fsmount fspick mount_setattr setns capset seccomp iopl ioperm modify_ldt swapon
				swapoff acct quotactl syslog adjtimex clock_settime clock_adjtime personality vhangup name_to_handle_at open_by_handle_at fanotify_init
				lookup_dcookie vmsplice memfd_create memfd_secret shmget msgget semget mq_open mbind set_mempolicy move_pages migrate_pages
				sched_setscheduler setpriority ioprio_set setgroups setresuid setresgid setfsuid mlockall chown`)...)...),
			same(denied, prefixed("call ", "ptrace itself", "ptrace another", "mount by the x32 table", "io_uring by the x32 table", "a number of no call",
				"clone with CLONE_NEWUSER", "clone with CLONE_NEWNS")...),
			same(denied, prefixed("unshare ", "user", "mount", "net", "pid", "uts", "ipc", "cgroup", "time")...),
			same(denied, prefixed("socket AF_", "NETLINK", "PACKET", "VSOCK", "ALG", "XDP", "CAN", "BLUETOOTH", "TIPC", "RDS", "KCM", "SMC", "NFC", "AX25", "KEY", "QIPCRTR")...),
			same(denied, "mount", "mount /proc", "remount the input", "unmount the input", "pivot_root", "chroot", "clone3 with CLONE_NEWUSER", "become root",
				"make a block device", "make a memory device", "make a FIFO", "set an attribute", "set a capability", "reboot", "set the clock", "set the host name",
				"set the domain name", "raise the file size", "raise the descriptors", "raise the core size"),
		)},
		{id: "S12", also: unchanged, vectors: join(
			same(noPlace, prefixed("write ",
				"/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/passwd", "/dev/x", "/dev/shm/x", "/dev/mqueue/x", "/loot", "/in/loot", "/sluice-runner", "/sys/loot",
				"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
				"/proc/self/mem.x", "/proc/acpi/wakeup", "/sys/fs/cgroup/memory/loot", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/uevent_helper",
				"/sys/power/state")...),
			same("bad address", "write /proc/1/mem"), // the first process is the job itself, and nothing lies at its address 0
			same(noPlace, "change the input", "delete the input", "delete the program", "run from scratch"),
			[]vector{{
				try: "run from the output", see: saw, want: "managed",
				short: "the runtime leaves the output's noexec off; what is run there has the job's own walls around it",
			}},
		)},
	}
}
