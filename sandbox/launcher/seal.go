package launcher

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Bounds of an input directory.
const (
	maxInputDepth   = 4
	maxInputEntries = 4096
)

// openBeneath opens a name below a directory and nowhere else: no link, no other mount on the way unless the
// name itself begins there. Opening never blocks.
func openBeneath(base *os.Root, path string, flags int) (*os.File, error) {
	dir, err := base.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return openAt(dir, path, flags, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
}

// openEntry opens one entry of a directory, on the same mount.
func openEntry(dir *os.File, entry string) (*os.File, error) {
	return openAt(dir, entry, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_XDEV)
}

func openAt(dir *os.File, path string, flags int, resolve uint64) (*os.File, error) {
	fd, err := unix.Openat2(int(dir.Fd()), path, &unix.OpenHow{
		Flags:   uint64(unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC | flags),
		Resolve: resolve,
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// seal takes the input away from the worker before the container starts: every folder and file becomes root's
// and read-only, and there is nothing but folders and plain files, none with a second name, none still open
// for writing.
func seal(base *os.Root, in string) error {
	dir, err := openBeneath(base, in, unix.O_DIRECTORY)
	if err != nil {
		return errors.Join(BadInput, err)
	}
	defer dir.Close()
	left := maxInputEntries
	return sealDir(dir, maxInputDepth, &left)
}

// sealDir seals one folder. It is taken over before it is read, so that no name can appear afterwards.
func sealDir(dir *os.File, depth int, left *int) error {
	if err := errors.Join(dir.Chown(0, 0), dir.Chmod(0o755)); err != nil {
		return fmt.Errorf("taking over an input folder: %w", err)
	}
	names, err := dir.Readdirnames(maxInputEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading an input folder: %w", err)
	}
	if *left -= len(names); *left < 0 || depth == 0 {
		return BadInput
	}
	for _, each := range names {
		if err := sealEntry(dir, each, depth, left); err != nil {
			return err
		}
	}
	return nil
}

func sealEntry(dir *os.File, entry string, depth int, left *int) error {
	file, err := openEntry(dir, entry)
	if err != nil {
		return errors.Join(BadInput, err)
	}
	defer file.Close()
	var info unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &info); err != nil {
		return fmt.Errorf("reading an input entry: %w", err)
	}
	switch kind := info.Mode & unix.S_IFMT; {
	case kind == unix.S_IFDIR:
		return sealDir(file, depth-1, left)
	case kind == unix.S_IFREG && info.Nlink == 1:
		return sealFile(file)
	default:
		return BadInput
	}
}

// sealFile takes a file over and makes sure nobody has it open for writing: the kernel gives a read lease only
// on such a file.
func sealFile(file *os.File) error {
	if err := errors.Join(file.Chown(0, 0), file.Chmod(0o444)); err != nil {
		return fmt.Errorf("taking over an input file: %w", err)
	}
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return errors.Join(BadInput, err)
	}
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		return fmt.Errorf("releasing a lease: %w", err)
	}
	return nil
}
