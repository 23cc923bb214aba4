package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// folders are those of the pieces under way, below the worker's own. Collected rows lie there in the open, so nothing may
// be there without a piece.
type folders struct {
	mu   sync.Mutex
	live map[string]bool // names, guarded by mu
}

// moveIn takes the worker's folder until what it returns is closed, and empties it: a worker that was killed leaves what
// it had collected, and nobody else deletes that. The kernel lets go of the folder when its holder ends, however it ends.
func (w *Worker) moveIn() (held *os.File, err error) {
	dir, err := os.Open(w.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder for collected files: %w", err)
	}
	defer func() {
		if err != nil {
			_ = dir.Close()
		}
	}()
	err = unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another worker has the folder %s", w.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("holding the folder for collected files: %w", err)
	}
	w.folders.mu.Lock()
	defer w.folders.mu.Unlock()
	return dir, w.sweep()
}

// openFolder makes the folder of a piece. Its name says which claim it is of: fsck looks for that. What an earlier piece
// could not delete is tried again.
func (w *Worker) openFolder(ctx context.Context, c postgres.Claimed) (string, error) {
	w.folders.mu.Lock()
	defer w.folders.mu.Unlock()
	if err := w.sweep(); err != nil {
		w.Log.WarnContext(ctx, "removing what earlier work left failed", "err", err)
	}
	dir, err := os.MkdirTemp(w.Dir, fmt.Sprintf("%s-%d-*", c.ID, c.Fence))
	if err != nil {
		return "", fmt.Errorf("making work folder: %w", err)
	}
	if w.folders.live == nil {
		w.folders.live = map[string]bool{}
	}
	w.folders.live[filepath.Base(dir)] = true
	return dir, nil
}

// closeFolder deletes the folder of a piece. One that fails to go is nobody's: the next piece tries again.
func (w *Worker) closeFolder(dir string) error {
	err := os.RemoveAll(dir)
	w.folders.mu.Lock()
	defer w.folders.mu.Unlock()
	delete(w.folders.live, filepath.Base(dir))
	return err
}

// sweep deletes whatever is of no piece under way. The folders are locked.
func (w *Worker) sweep() error {
	entries, err := os.ReadDir(w.Dir)
	if err != nil {
		return fmt.Errorf("reading the folder for collected files: %w", err)
	}
	var failed error
	for _, e := range entries {
		if !w.folders.live[e.Name()] {
			failed = errors.Join(failed, os.RemoveAll(filepath.Join(w.Dir, e.Name())))
		}
	}
	return failed
}
