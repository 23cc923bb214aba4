package launcher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// Prepare implements sandbox.Engine. Preparing the same run again begins it anew unless it is running; a
// higher fence removes every run of the same work under lower ones. A runtime that is not
// offered or not proved takes no runs.
func (l *Launcher) Prepare(ctx context.Context, key sandbox.Run) (in string, err error) {
	if key.Verb == task.TryBounds {
		return "", Invalid // the launcher's own
	}
	limits, err := l.valid(key)
	if err != nil {
		return "", err
	}
	if err := l.unproved(key.Runtime.Or()); err != nil {
		return "", err
	}
	return l.make(ctx, key, limits)
}

// make makes a run under limits.
func (l *Launcher) make(ctx context.Context, key sandbox.Run, limits docker.Limits) (in string, err error) {
	older, err := l.admit(key)
	if err != nil {
		return "", err
	}
	if err := l.removeAll(ctx, older); err != nil {
		return "", errors.Join(Unavailable, err)
	}
	r := &run{key: key, limits: limits, holder: holderOf(ctx)}
	r.files.Lock()
	defer r.files.Unlock()
	if err := l.register(r); err != nil {
		return "", err
	}
	if err := l.makeDirs(r); err != nil {
		l.forget(r)
		return "", errors.Join(Unavailable, err, dropDir(l.base, l.opt.Base, name(key)))
	}
	r.made()
	return filepath.Join(l.opt.Base, name(key), "in"), nil
}

// admit checks the fence and returns the runs that must go first: older ones of this work, and an earlier
// attempt at this very step.
func (l *Launcher) admit(key sandbox.Run) ([]*run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fences.admit(key.Work, key.Fence) {
		return nil, Fenced
	}
	var older []*run
	for other, r := range l.runs {
		same := other.Work == key.Work
		if same && other.Fence == key.Fence && other.Step == key.Step && r.is(running) {
			return nil, Busy
		}
		if same && (other.Fence < key.Fence || other.Step == key.Step) {
			older = append(older, r)
		}
	}
	return older, nil
}

// register makes a run known. Two prepares of one step at once: one of them is refused, as is one that a
// newer fence overtook.
func (l *Launcher) register(r *run) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fences.admit(r.key.Work, r.key.Fence) {
		return Fenced
	}
	for other := range l.runs {
		if name(other) == name(r.key) {
			return Busy
		}
	}
	l.runs[r.key] = r
	return nil
}

func (l *Launcher) forget(r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs[r.key] == r {
		delete(l.runs, r.key)
	}
}

// makeDirs makes a run's directories and mounts its output. Only root can rename in the run's directory, so
// the worker cannot put something else in the place of its input.
func (l *Launcher) makeDirs(r *run) error {
	dir := name(r.key)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	err := errors.Join(
		l.base.Mkdir(dir, 0o710), l.base.Chown(dir, 0, l.opt.WorkerGID), l.base.Chmod(dir, 0o710),
		l.base.Mkdir(in, 0o755), l.base.Chown(in, l.opt.WorkerUID, l.opt.WorkerGID), l.base.Chmod(in, 0o755),
		l.base.Mkdir(out, 0o700),
	)
	if err != nil {
		return fmt.Errorf("making a run's directories: %w", err)
	}
	return mountOut(filepath.Join(l.opt.Base, out), r.limits)
}

// mountOut bounds bytes and inodes by a file system of its own: the runtime ignores inode limits of its own
// tmpfs. One inode is the directory itself.
func mountOut(dir string, limits docker.Limits) error {
	bounds := fmt.Sprintf("size=%d,nr_inodes=%d,mode=0700,uid=%d,gid=%d",
		limits.OutBytes, limits.OutFiles+1, docker.Nobody, docker.Nobody)
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("sluice-out", dir, "tmpfs", flags, bounds); err != nil {
		return fmt.Errorf("mounting an output directory: %w", err)
	}
	return nil
}
