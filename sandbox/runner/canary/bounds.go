package canary

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
)

// fill writes until there is no room, at most twice what is allowed.
func fill(dir string, allowed int64) string {
	defer remove(dir)
	var written int64
	block := make([]byte, 64<<10)
	for n := 0; written <= 2*allowed; n++ {
		err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("canary-%d", n)), block, 0o600)
		if err != nil {
			return full(err)
		}
		if written += int64(len(block)); written > allowed {
			return fmt.Sprintf("%d bytes were written where %d are allowed", written, allowed)
		}
	}
	return ""
}

// crowd makes files until there is no room for another name.
func crowd(dir string, allowed int64) string {
	defer remove(dir)
	for n := int64(0); n <= allowed; n++ {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("canary-%d", n)), nil, 0o600); err != nil {
			return full(err)
		}
	}
	return fmt.Sprintf("%d files were made where %d are allowed", allowed+1, allowed)
}

// full is "" for the error of a file system that has no room.
func full(err error) string {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EFBIG) {
		return ""
	}
	return "it ended otherwise than by its bound: " + err.Error()
}

// sparse makes a file of a size that nobody could store.
func sparse(out string) string {
	defer remove(out)
	path := filepath.Join(out, "canary-sparse")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return "no file could be made: " + err.Error()
	}
	const tebibyte = 1 << 40
	switch err := os.Truncate(path, tebibyte); {
	case err == nil:
		return "a file of one tebibyte could be made"
	case !errors.Is(err, unix.EFBIG):
		return "it ended otherwise than by its bound: " + err.Error()
	}
	return ""
}

// fork starts processes that do nothing until one is refused, or one too many is there. It ends them before it goes
// on: a program at its bound cannot start the threads it needs to tell of it. The runtime may be at its own bound
// then and end as a whole, so each process that was started leaves one byte in a file.
func fork(out string, allowed int) string {
	count, err := os.OpenFile(filepath.Join(out, task.StartedFile), os.O_WRONLY|os.O_CREATE, 0o644) // to be collected
	if err != nil {
		return "it could not be counted: " + err.Error()
	}
	defer func() { _ = count.Close() }() // it holds what it is to hold
	one := [1]byte{'.'}
	fd, at := count.Fd(), uintptr(unsafe.Pointer(&one)) //nolint:gosec // raw calls take addresses
	// With one processor Go starts no thread of its own in between, which would end the program where it is refused.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	children := make([]uintptr, 0, allowed+1)
	var refused unix.Errno
	for refused == 0 && len(children) <= allowed {
		pid, _, code := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
		switch {
		case code != 0:
			refused = code
		case pid == 0:
			for { // the copy of a program with threads may do nothing but call the kernel
				_, _, _ = unix.RawSyscall(unix.SYS_PAUSE, 0, 0, 0)
			}
		default:
			children = append(children, pid)
			_, _, _ = unix.RawSyscall(unix.SYS_WRITE, fd, at, 1)
		}
	}
	for _, pid := range children {
		_, _, _ = unix.RawSyscall(unix.SYS_KILL, pid, uintptr(unix.SIGKILL), 0)
		_, _, _ = unix.RawSyscall6(unix.SYS_WAIT4, pid, 0, 0, 0, 0, 0)
	}
	switch refused {
	case unix.EAGAIN, unix.ENOMEM:
		return ""
	case 0:
		return fmt.Sprintf("%d processes were started where %d are allowed", len(children), allowed)
	default:
		return "it ended otherwise than by its bound: " + refused.Error()
	}
}

// hog takes twice the memory that is allowed. Where the bound holds it does not return.
func hog(allowed int64) string {
	const page = 4096
	kept, err := unix.Mmap(-1, 0, int(2*allowed), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return "memory could not be asked for: " + err.Error()
	}
	for i := 0; i < len(kept); i += page {
		kept[i] = 1
	}
	runtime.KeepAlive(kept)
	return fmt.Sprintf("%d bytes of memory were taken where %d are allowed", len(kept), allowed)
}

// spinners are more than the processors any job has.
const spinners = 4

// leaders are how many threads are looked through for the program's first one.
const leaders = 16

// endLeader ends the program's first thread alone, which is what a runtime may take for the program: one that then
// thinks it has ended does not end the others.
func endLeader() {
	for range leaders {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0) // does not return
			}
			select {}
		}()
	}
}

// spin computes for ever, in other threads than the first.
func spin() string {
	runtime.GOMAXPROCS(spinners + 1)
	for range spinners {
		go func() {
			for { //nolint:revive,staticcheck // that is what it is for
			}
		}()
	}
	endLeader()
	select {}
}
