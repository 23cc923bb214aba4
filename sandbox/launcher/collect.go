package launcher

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// maxName is the longest file name that leaves an output directory.
const maxName = 128

// item is one output file.
type item struct {
	name string
	size int64
}

// Collect implements sandbox.Engine. Everything is checked before the first byte is handed out; the container
// has ended and is gone, so nothing changes in between.
func (l *Launcher) Collect(ctx context.Context, key sandbox.Run, fn func(string, int64, io.Reader) error) error {
	r, err := l.find(key)
	if err != nil {
		return err
	}
	r.files.Lock()
	defer r.files.Unlock()
	if !r.is(ended) {
		return Busy
	}
	out, err := openBeneath(l.base, filepath.Join(name(key), "out"), unix.O_DIRECTORY)
	if err != nil {
		return errors.Join(Unavailable, err)
	}
	defer out.Close()
	items, err := inventory(out, r.limits)
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := hand(out, it, fn); err != nil {
			return err
		}
	}
	return nil
}

// inventory lists an output directory in name order, and refuses the whole of it for one entry that is not a
// plain file, or for too many names or bytes. Sizes are apparent ones: a sparse file counts in full.
func inventory(out *os.File, limits docker.Limits) ([]item, error) {
	names, err := out.Readdirnames(int(limits.OutFiles) + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(Unavailable, err)
	}
	if int64(len(names)) > limits.OutFiles {
		return nil, BadOutput
	}
	var total int64
	items := make([]item, 0, len(names))
	for _, each := range names {
		size, err := measure(out, each)
		if err != nil {
			return nil, err
		}
		if total += size; total > limits.OutBytes {
			return nil, BadOutput
		}
		items = append(items, item{each, size})
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return items, nil
}

// measure checks one entry and returns its size.
func measure(out *os.File, entry string) (int64, error) {
	file, size, err := openPlain(out, entry)
	if err != nil {
		return 0, err
	}
	return size, file.Close()
}

// openPlain opens one entry if it is a plain file with one name of the allowed syntax.
func openPlain(out *os.File, entry string) (*os.File, int64, error) {
	if !plainName(entry) {
		return nil, 0, BadOutput
	}
	file, err := openEntry(out, entry)
	if err != nil {
		return nil, 0, errors.Join(BadOutput, err)
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &info); err != nil {
		return nil, 0, errors.Join(Unavailable, err, file.Close())
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG || info.Nlink != 1 {
		return nil, 0, errors.Join(BadOutput, file.Close())
	}
	return file, info.Size, nil
}

// plainName is lower-case letters, digits, dot, dash and underscore: not beginning with a dot, which hides, nor with a
// dash, which programs take for an option, and not ending with a dot, which some systems leave off.
func plainName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789._-"
	return s != "" && len(s) <= maxName && !strings.ContainsRune(".-", rune(s[0])) && !strings.HasSuffix(s, ".") &&
		strings.Trim(s, letters) == ""
}

// hand gives one file to fn.
func hand(out *os.File, it item, fn func(string, int64, io.Reader) error) error {
	file, size, err := openPlain(out, it.name)
	if err != nil {
		return err
	}
	defer file.Close()
	if size != it.size {
		return BadOutput
	}
	return fn(it.name, size, io.LimitReader(file, size))
}
