package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

const (
	logBytes = 16 << 20 // of one file
	logKept  = 3        // older files beside it: name.1 is the newest
)

// logFile is a file that never grows past a bound: it moves aside and starts anew. Safe for concurrent use.
type logFile struct {
	mu   sync.Mutex
	path string
	max  int64
	size int64
	file *os.File
}

// openLog moves an earlier log aside and starts a new one.
func openLog(path string, limit int64) (*logFile, error) {
	l := &logFile{path: path, max: limit}
	if err := l.rotate(); err != nil {
		return nil, err
	}
	return l, nil
}

// Write appends p, in a new file when the present one is full.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

// Close closes the present file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

func (l *logFile) rotate() error {
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return texts.Wrong("up.writing", "path", l.path).Because(err)
		}
	}
	if err := shift(l.path); err != nil {
		return texts.Wrong("up.writing", "path", l.path).Because(err)
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_EXCL, 0o600)
	if err != nil {
		return texts.Wrong("up.writing", "path", l.path).Because(err)
	}
	l.file, l.size = file, 0
	return nil
}

// shift renames path to path.1, path.1 to path.2 and so on; the oldest is overwritten.
func shift(path string) error {
	for i := logKept; i > 0; i-- {
		from := path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", path, i-1)
		}
		err := os.Rename(from, fmt.Sprintf("%s.%d", path, i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
