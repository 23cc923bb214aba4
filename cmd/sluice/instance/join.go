package instance

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Join moves this process into the mount namespace of the running instance of the data folder, where its
// engine sees the same mounts. Like Enter it executes the program again and returns only inside.
func (l Layout) Join(args, env []string) (Layout, error) {
	inside := l.Inside()
	if os.Getenv(envInside) == l.Run {
		return inside, nil
	}
	pid, err := os.ReadFile(l.Lock())
	if err != nil {
		return Layout{}, texts.Wrong("up.not_running", "path", l.Data).Because(err)
	}
	spaces, err := os.Open(filepath.Join("/proc", strings.TrimSpace(string(pid)), "ns", "mnt"))
	if err != nil {
		return Layout{}, texts.Wrong("up.not_running", "path", l.Data).Because(err)
	}
	runtime.LockOSThread()
	if err := errors.Join(unix.Unshare(unix.CLONE_FS), unix.Setns(int(spaces.Fd()), unix.CLONE_NEWNS)); err != nil {
		return Layout{}, texts.Wrong("up.mounting", "path", l.Data).Because(err)
	}
	err = unix.Exec("/proc/self/exe", args, append(env, envInside+"="+l.Run))
	return Layout{}, texts.Wrong("up.executing").Because(err)
}
