package launcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/sandbox"
)

// Remove implements sandbox.Engine. It goes on when ctx ends: half a removal is worth nothing.
func (l *Launcher) Remove(ctx context.Context, key sandbox.Run) error {
	r, err := l.find(key)
	if errors.Is(err, Unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.remove(ctx, r)
}

// remove stops a run and deletes all of it. A run that fails to go stays known, so that it can be tried again.
func (l *Launcher) remove(ctx context.Context, r *run) error {
	r.retire()
	r.files.Lock()
	defer r.files.Unlock()
	if !l.knows(r) {
		return nil // another call removed it, and its name may be in use again
	}
	if err := l.engine.Discard(ctx, l.spec(r)); err != nil {
		return errors.Join(Unavailable, err)
	}
	if err := dropDir(l.base, l.opt.Base, name(r.key)); err != nil {
		return errors.Join(Unavailable, err)
	}
	l.forget(r)
	return nil
}

// knows tells whether this very run is still registered.
func (l *Launcher) knows(r *run) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[r.key] == r
}

// removeAll removes runs at the same time: each kill costs a tenth of a second.
func (l *Launcher) removeAll(ctx context.Context, all []*run) error {
	results := make(chan error)
	for _, r := range all {
		go func() { results <- l.remove(ctx, r) }()
	}
	var err error
	for range all {
		err = errors.Join(err, <-results)
	}
	return err
}

// dropDir unmounts and deletes one run's directory. What is not there is well.
func dropDir(base *os.Root, path, dir string) error {
	if err := unmount(filepath.Join(path, dir, "out")); err != nil {
		return err
	}
	if err := base.RemoveAll(dir); err != nil {
		return fmt.Errorf("deleting a run's directory: %w", err)
	}
	return nil
}

// unmount takes a mount away; one the runtime still holds goes when it lets go of it.
func unmount(at string) error {
	err := unix.Unmount(at, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(at, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unmounting an output directory: %w", err)
	}
	return nil
}

// sweepBase removes everything below the directory of runs: mounts first, deepest first.
func sweepBase(base *os.Root, path string) error {
	mounts, err := mountsBelow(path)
	if err != nil {
		return err
	}
	for _, at := range mounts {
		if err := unmount(at); err != nil {
			return err
		}
	}
	dir, err := base.Open(".")
	if err != nil {
		return fmt.Errorf("reading the directory of runs: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("reading the directory of runs: %w", err)
	}
	for _, each := range names {
		if err := base.RemoveAll(each); err != nil {
			return fmt.Errorf("deleting a run's directory: %w", err)
		}
	}
	return nil
}

// mountsBelow lists mount points under a path, deepest first.
func mountsBelow(path string) ([]string, error) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading mounts: %w", err)
	}
	const mountPoint = 4 // proc_pid_mountinfo(5)
	var found []string
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) > mountPoint && strings.HasPrefix(fields[mountPoint], path+"/") {
			found = append(found, fields[mountPoint])
		}
	}
	slices.Sort(found)
	slices.Reverse(found)
	return found, nil
}
