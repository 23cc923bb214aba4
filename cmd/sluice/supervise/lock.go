package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Lock holds a folder for one supervisor. The kernel lets go of it when the holder ends, however it ends.
type Lock struct{ file *os.File }

// HeldError says that another process has the folder.
type HeldError struct {
	Path string
	PID  string // of the holder, "" when it has not written it yet
}

// Error implements error in English.
func (e *HeldError) Error() string { return e.Unwrap().Error() }

// Unwrap says who holds it.
func (e *HeldError) Unwrap() error {
	if e.PID == "" {
		return texts.Wrong("up.held_by_some", "path", e.Path)
	}
	return texts.Wrong("up.held", "path", e.Path, "pid", e.PID)
}

// Acquire takes the lock file at path and writes the caller's process id into it. A lock held by a running
// process is a *HeldError at once. When the holder is dead, its children are on their way out and hold the
// lock still: Acquire waits for them until ctx ends.
func Acquire(ctx context.Context, path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, texts.Wrong("up.writing", "path", path).Because(err)
	}
	err = take(ctx, file)
	if err == nil {
		err = writePID(file)
	}
	if err != nil {
		return nil, errors.Join(texts.Wrong("up.locking", "path", path).Because(err), file.Close())
	}
	return &Lock{file: file}, nil
}

func take(ctx context.Context, file *os.File) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		held := &HeldError{Path: file.Name(), PID: holder(file.Name())}
		if held.alive() {
			return held
		}
		select {
		case <-ctx.Done():
			return held
		case <-tick.C:
		}
	}
}

// holder returns the process id in the lock file, "" when none was written yet.
func holder(path string) string {
	pid, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(pid))
}

// alive says whether the holder runs. One that has not written its number yet does.
func (e *HeldError) alive() bool {
	pid, err := strconv.Atoi(e.PID)
	return err != nil || !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(file, os.Getpid())
	return err
}

// Release lets go. The file stays: removing it would let two holders lock two files of one name.
func (l *Lock) Release() error { return l.file.Close() }
