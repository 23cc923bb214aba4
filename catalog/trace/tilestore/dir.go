package tilestore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/trace"
)

// Dir is a log in a folder, laid out so that any web server can serve it. It implements trace.Storage.
type Dir struct{ root *os.Root }

// OpenDir opens a log in a folder, which must be there. Paths cannot lead out of it.
func OpenDir(path string) (Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return Dir{}, fmt.Errorf("opening log: %w", err)
	}
	return Dir{root}, nil
}

// Close closes the folder.
func (d Dir) Close() error { return d.root.Close() }

// Get reads a file of the log.
func (d Dir) Get(_ context.Context, path string) ([]byte, error) {
	data, err := d.root.ReadFile(filepath.FromSlash(path))
	if err != nil {
		return nil, fmt.Errorf("reading log: %w", err)
	}
	return data, nil
}

// Put writes a file once.
func (d Dir) Put(_ context.Context, path string, data []byte) error {
	name := filepath.FromSlash(path)
	there, err := d.root.ReadFile(name)
	switch {
	case err == nil && bytes.Equal(there, data):
		return nil
	case err == nil:
		return trace.ErrForked
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing log: %w", err)
	}
	return d.write(name, data)
}

// Head reads the checkpoint; its tag is its digest.
func (d Dir) Head(ctx context.Context) ([]byte, string, error) {
	data, err := d.Get(ctx, trace.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	return data, tag(data), nil
}

// Swap replaces the checkpoint while holding a lock on the folder.
func (d Dir) Swap(ctx context.Context, checkpoint []byte, seen string) (string, error) {
	folder, err := d.root.Open(".")
	if err != nil {
		return "", fmt.Errorf("locking log: %w", err)
	}
	defer folder.Close() // and with it the lock
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("locking log: %w", err)
	}
	_, now, err := d.Head(ctx)
	if err != nil {
		return "", err
	}
	if now != seen {
		return "", trace.ErrStale
	}
	return tag(checkpoint), d.write(trace.CheckpointPath, checkpoint)
}

func tag(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// write puts a file in place whole and durable.
func (d Dir) write(name string, data []byte) error {
	folder := filepath.Dir(name)
	if err := d.root.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making folder: %w", err)
	}
	f, err := d.root.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("writing log: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing log: %w", err)
	}
	if err := d.root.Rename(name+".new", name); err != nil {
		return fmt.Errorf("writing log: %w", err)
	}
	return d.sync(folder)
}

func (d Dir) sync(folder string) error {
	f, err := d.root.Open(folder)
	if err != nil {
		return fmt.Errorf("syncing folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("syncing folder: %w", err)
	}
	return nil
}
