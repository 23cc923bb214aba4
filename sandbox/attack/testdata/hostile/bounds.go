package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bounds are tries to take more than is allowed of what all jobs share.
func bounds() map[string]act {
	return map[string]act{
		"fork and sleep":          func(order) string { return spawn("sleep") },
		"fork and die of it":      func(order) string { spawn("sleep"); os.Exit(codeBound); return "" },
		"fork children that fork": func(order) string { return spawn("fork") },
		"daemons":                 func(order) string { return spawn("daemon") },
		"bare copies":             copies,
		"threads":                 threads,
		"compute":                 compute,

		"touch memory":             func(order) string { return touch(unix.MAP_PRIVATE | unix.MAP_ANON) },
		"touch shared memory":      func(order) string { return touch(unix.MAP_SHARED | unix.MAP_ANON) },
		"touch memory in a child":  memoryChild(1),
		"touch memory in children": memoryChild(8),
		"read into one buffer":     grow,
		"fill pipes":               pipes,
		"fill socket buffers":      sockets,

		"fill /dev/shm":     try(func() error { return pour("/dev/shm", 1<<20) }),
		"fill scratch":      try(func() error { return pour("/tmp", 1<<20) }),
		"fill scratch far":  try(func() error { return far("/tmp/far") }),
		"message queues":    try(func() error { return call(unix.SYS_MQ_OPEN, ptr("/q"), unix.O_CREAT|unix.O_RDWR, 0o600) }),
		"System V messages": try(func() error { return call(unix.SYS_MSGGET, 7, unix.IPC_CREAT|0o600, 0) }),
		"System V memory":   try(func() error { return call(unix.SYS_SHMGET, 7, 1<<30, unix.IPC_CREAT|0o600) }),
		"memory files":      try(func() error { return call(unix.SYS_MEMFD_CREATE, ptr("m"), 0, 0) }),
		"attributes":        try(func() error { return unix.Setxattr("/tmp", "user.a", make([]byte, 60<<10), 0) }),
		"names in scratch":  func(order) string { return many("/tmp", file) },
		"fifty descriptors": func(order) string { return descriptors() },

		"print a gibibyte":         func(order) string { return shout(os.Stdout, 1<<30, true) },
		"print without a line end": func(order) string { return shout(os.Stdout, 200<<20, false) },
		"print errors":             func(order) string { return shout(os.Stderr, 200<<20, true) },
		"print in children":        func(order) string { return shoutBeside() },
		"print to the kernel":      try(func() error { return flood("/dev/kmsg", 1<<20) }),
		"print to the console":     try(func() error { return flood("/dev/console", 1<<20) }),
	}
}

// children are what this program is when it is started beside itself.
func children() map[string]func() {
	return map[string]func(){
		"sleep":   func() { time.Sleep(time.Hour) },
		"fork":    func() { spawn("fork"); time.Sleep(time.Hour) },
		"daemon":  daemon,
		"touch":   func() { touch(unix.MAP_PRIVATE | unix.MAP_ANON) },
		"spin":    spin,
		"rewrite": rewrite,
		"shout":   func() { shout(os.Stdout, 50<<20, true) },
	}
}

// daemon leaves its parent and every signal behind.
func daemon() {
	_, _ = unix.Setsid()
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	time.Sleep(time.Hour)
}

// spawn starts children until one is refused.
func spawn(child string) string {
	for n := 0; ; n++ {
		if _, err := start(child); err != nil || n > 2000 {
			return counted(n, err)
		}
	}
}

// compute is honest work.
func compute(order) string {
	sum := sha256.Sum256(nil)
	for range 2_000_000 {
		sum = sha256.Sum256(sum[:])
	}
	return fmt.Sprintf("%x", sum[:4])
}

// copies starts bare copies of this process, which need no memory and no file of their own.
func copies(order) string {
	runtime.GOMAXPROCS(1) // a thread of Go's own, refused in between, would end the program
	var pids []uintptr
	for len(pids) < 2000 {
		pid, _, code := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
		switch {
		case code != 0:
			for _, each := range pids { // room for the tale
				_ = unix.Kill(int(each), unix.SIGKILL)
			}
			return counted(len(pids), code)
		case pid == 0:
			for {
				_, _, _ = unix.RawSyscall(unix.SYS_PAUSE, 0, 0, 0)
			}
		}
		pids = append(pids, pid)
	}
	return counted(len(pids), nil)
}

// threads are Go's own: where one is refused the program ends by itself.
func threads(order) string {
	ready := make(chan bool)
	for range 2000 {
		go func() {
			runtime.LockOSThread()
			ready <- true
			select {}
		}()
		<-ready
	}
	return managed
}

// hoard is how much memory is asked for, in bytes: four times what a job of the tests has.
const hoard = 4 * 256 << 20

func touch(flags int) string {
	kept, err := unix.Mmap(-1, 0, hoard, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return words(err)
	}
	for i := 0; i < len(kept); i += 4096 {
		kept[i] = 1
	}
	runtime.KeepAlive(kept)
	return managed
}

// touchForEver takes most of the memory a roomy job has, gives it back and takes it again: more would end it.
func touchForEver() {
	const most = 768 << 20
	kept, err := unix.Mmap(-1, 0, most, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	for err == nil {
		for i := 0; i < len(kept); i += 4096 {
			kept[i] = 1
		}
		err = unix.Madvise(kept, unix.MADV_DONTNEED)
	}
	os.Exit(codeBound)
}

// memoryChild lets others take the memory and says nothing of it: zero and a report would be a success.
func memoryChild(n int) act {
	return func(order) string {
		var started []*os.Process
		for range n {
			p, err := start("touch")
			if err != nil {
				return words(err)
			}
			started = append(started, p)
		}
		for _, p := range started {
			_, _ = p.Wait()
		}
		return managed
	}
}

func grow(order) string {
	var kept [][]byte
	for range hoard >> 20 {
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
	}
	runtime.KeepAlive(kept)
	return managed
}

// pipes keeps bytes in the kernel rather than in the program.
func pipes(order) string {
	return hold(func() (int, int, error) {
		var ends [2]int
		err := unix.Pipe2(ends[:], unix.O_NONBLOCK)
		if err == nil {
			_, _ = unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, 64<<20)
		}
		return ends[0], ends[1], err
	})
}

func sockets(order) string {
	return hold(func() (int, int, error) {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err == nil {
			_ = unix.SetsockoptInt(ends[1], unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<30)
		}
		return ends[0], ends[1], err
	})
}

// hold fills pairs until there are no more descriptors, and tells how many bytes they held.
func hold(pair func() (int, int, error)) string {
	block, total := make([]byte, 64<<10), 0
	for range 4096 {
		_, in, err := pair()
		if err != nil {
			return counted(total>>20, err)
		}
		for range 4096 {
			n, err := unix.Write(in, block)
			if err != nil {
				break
			}
			total += n
		}
	}
	return counted(total>>20, nil)
}

// pour writes files of a size until one is refused, and takes them away.
func pour(dir string, size int) error {
	var err error
	for n := 0; err == nil && n < 1<<12; n++ {
		path := fmt.Sprintf("%s/pour-%d", dir, n)
		err = os.WriteFile(path, make([]byte, size), 0o600)
		defer func() { _ = os.Remove(path) }()
	}
	return err
}

// far asks for a file that nobody could store.
func far(path string) error {
	defer func() { _ = os.Remove(path) }()
	return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, tebibyte))
}

const tebibyte = 1 << 40

// descriptors opens until it is refused.
func descriptors() string {
	for n := 0; ; n++ {
		if _, err := unix.Open("/in/attack.json", unix.O_RDONLY, 0); err != nil || n > 1<<16 {
			for fd := range n {
				_ = unix.Close(fd + 8) // those of the try, and room for the tale
			}
			return counted(n, err)
		}
	}
}

// shout prints; with lines or without.
func shout(to *os.File, size int, lines bool) string {
	text := "loot of text that nobody may keep"
	if lines {
		text += "\n"
	}
	block := []byte(strings.Repeat(text, 4096))
	for ; size > 0; size -= len(block) {
		if _, err := to.Write(block); err != nil {
			return words(err)
		}
	}
	return managed
}

func shoutBeside() string {
	for range 4 {
		p, err := start("shout")
		if err != nil {
			return words(err)
		}
		defer func() { _, _ = p.Wait() }()
	}
	return managed
}

func ptr(s string) uintptr {
	raw := append([]byte(s), 0)
	return uintptr(unsafe.Pointer(&raw[0]))
}

// clocks are tries to outlive the time a job has. Each tells first that it began: no end is to come.
func clocks() map[string]act {
	return map[string]act{
		"spin": outlive(func() { spin() }),
		"ignore every signal": outlive(func() {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGPIPE)
			time.Sleep(time.Hour)
		}),
		"stop itself": outlive(func() { _ = unix.Kill(os.Getpid(), unix.SIGSTOP); time.Sleep(time.Hour) }),
		"daemons that spin": outlive(func() {
			for range 8 {
				_, _ = start("daemon")
				_, _ = start("spin")
			}
			time.Sleep(time.Hour)
		}),
		"fork for ever": outlive(func() {
			for {
				if p, err := start("nothing"); err == nil {
					_, _ = p.Wait()
				}
			}
		}),
		"print for ever": outlive(func() {
			for {
				shout(os.Stdout, 1<<20, true)
			}
		}),
		"touch memory for ever": outlive(touchForEver),
		"fill the output for ever": outlive(func() {
			for {
				_ = pour("/out", 1<<20)
			}
		}),
		"write for ever": outlive(func() {
			for {
				_ = os.WriteFile("/out/again", make([]byte, 1<<20), 0o600)
			}
		}),
	}
}

func outlive(f func()) act {
	return func(o order) string {
		tell([]told{{Try: o.Tries[0], Result: "begun"}})
		f()
		return managed
	}
}

// spin computes in more threads than there are processors.
func spin() {
	for range 4 {
		go func() {
			for {
			}
		}()
	}
	select {}
}
