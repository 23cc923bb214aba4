package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Join moves this process into the mount namespace of the running instance of the data folder, where its
// engine sees the same mounts. Like Enter it executes the program again and returns only inside.
func (l Layout) Join(args, env []string) (Layout, error) {
	inside := l
	inside.Dir = filepath.Join(l.Run, "data")
	if os.Getenv(envInside) == l.Run {
		return inside, nil
	}
	pid, err := os.ReadFile(l.Lock())
	if err != nil {
		return Layout{}, fmt.Errorf("finding the running instance: %w", err)
	}
	spaces, err := os.Open(filepath.Join("/proc", strings.TrimSpace(string(pid)), "ns", "mnt"))
	if err != nil {
		return Layout{}, fmt.Errorf("finding the running instance: %w", err)
	}
	runtime.LockOSThread()
	if err := errors.Join(unix.Unshare(unix.CLONE_FS), unix.Setns(int(spaces.Fd()), unix.CLONE_NEWNS)); err != nil {
		return Layout{}, fmt.Errorf("joining the instance's mount namespace: %w", err)
	}
	err = unix.Exec("/proc/self/exe", args, append(env, envInside+"="+l.Run))
	return Layout{}, fmt.Errorf("executing the program again: %w", err)
}
