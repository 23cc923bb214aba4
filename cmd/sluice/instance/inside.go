package instance

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// envInside tells a process that it has entered already, so that a failure cannot become a loop.
const envInside = "SLUICE_INSIDE"

// Enter moves this process into a mount namespace of its own, in which the data folder also stands in the run
// folder: the parts' users then reach it even below a folder that is closed to them (a checkout in root's
// home), and every mount of the instance goes when its last process does. It needs root and executes the
// program again under the same process id: it returns only inside, or with an error.
func (l Layout) Enter(args, env []string) (Layout, error) {
	inside := l.Inside()
	if same(l.Data, inside.Dir) {
		return inside, nil
	}
	if os.Getenv(envInside) == l.Run {
		return Layout{}, texts.Wrong("up.mounting", "path", l.Data)
	}
	if err := errors.Join(os.MkdirAll(inside.Dir, 0o711), os.MkdirAll(l.Data, 0o711)); err != nil {
		return Layout{}, texts.Wrong("up.making", "path", inside.Dir).Because(err)
	}
	// The program executed from this thread keeps the thread's namespaces.
	runtime.LockOSThread()
	if err := bind(l.Data, inside.Dir); err != nil {
		return Layout{}, err
	}
	err := unix.Exec("/proc/self/exe", args, append(env, envInside+"="+l.Run))
	return Layout{}, texts.Wrong("up.executing").Because(err)
}

// Inside is the layout as the parts of an instance see it whose supervisor has entered.
func (l Layout) Inside() Layout {
	l.Dir = filepath.Join(l.Run, "data")
	return l
}

// bind leaves the machine's mounts to themselves and shows from at to.
func bind(from, to string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return texts.Wrong("up.mounting", "path", from).Because(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return texts.Wrong("up.mounting", "path", from).Because(err)
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return texts.Wrong("up.mounting", "path", from).Because(err)
	}
	return nil
}

func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
