package launcher

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// Exit codes of a program that a signal ended.
const (
	codeKilled   = 128 + int(syscall.SIGKILL)
	codeTooLarge = 128 + int(syscall.SIGXFSZ)
)

// ending is all that is known about how a container ended.
type ending struct {
	docker.Exit
	late    bool // the wall clock ran out
	remains remains
}

// remains is what the output directory shows afterwards.
type remains struct {
	reported bool // there is a report
	full     bool // bytes or inodes are used up, or a file has the largest size
}

// judge classes an ending. Success needs a zero code, no memory kill and a report: a program whose child was
// killed for memory still ends with zero, and an engine that lost its mounts shows an empty directory. A
// SIGKILL nobody here sent is the kernel's, for memory.
func judge(e ending) sandbox.Outcome {
	switch {
	case e.Lost, e.Killed && !e.late:
		return sandbox.Interrupted
	case e.late, e.Memory, e.Code == codeKilled, e.Code == codeTooLarge:
		return sandbox.Limit
	case e.Code == 0 && e.remains.reported:
		return sandbox.Success
	case e.Code != 0 && e.remains.full:
		return sandbox.Limit
	default:
		return sandbox.Failed
	}
}

// look reads the output directory's state. What cannot be read is not there.
func look(base *os.Root, r *run) remains {
	out, err := openBeneath(base, filepath.Join(name(r.key), "out"), unix.O_DIRECTORY)
	if err != nil {
		return remains{}
	}
	defer out.Close()
	seen := remains{full: exhausted(out)}
	names, err := out.Readdirnames(int(r.limits.OutFiles) + 1)
	if err != nil {
		return seen
	}
	for _, each := range names {
		size, err := measure(out, each)
		seen.reported = seen.reported || err == nil && each == task.ReportFile && size > 0
		seen.full = seen.full || err == nil && size >= r.limits.OutBytes
	}
	return seen
}

// exhausted tells whether a file system has no room for one more page or one more name.
func exhausted(dir *os.File) bool {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &fs); err != nil {
		return false
	}
	return fs.Bavail == 0 || fs.Ffree == 0
}
