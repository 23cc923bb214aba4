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
	mu      sync.Mutex
	path    string
	max     int64
	size    int64
	file    *os.File
	dropped int // bytes since the last that were written
}

// openLog moves an earlier log aside and starts a new one.
func openLog(path string, limit int64) (*logFile, error) {
	l := &logFile{path: path, max: limit}
	if err := l.rotate(); err != nil {
		return nil, err
	}
	return l, nil
}

// Write appends p, in a new file when the present one is full. It never fails: what there is no room for is dropped, and
// what is written next says how much that was. A log that gave up would take the part that writes it along, by SIGPIPE.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.put(p) != nil {
		l.dropped += len(p)
	}
	return len(p), nil
}

func (l *logFile) put(p []byte) error {
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if l.dropped > 0 {
		if err := l.add(fmt.Appendf(nil, `{"level":"WARN","msg":"log dropped, for want of room","bytes":%d}`+"\n", l.dropped)); err != nil {
			return err
		}
		l.dropped = 0
	}
	return l.add(p)
}

// add writes all of p or nothing.
func (l *logFile) add(p []byte) error {
	n, err := l.file.Write(p)
	if err != nil {
		_ = l.file.Truncate(l.size) // a line cut short; it was not written anyway
		return err
	}
	l.size += int64(n)
	return nil
}

// Close closes the present file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// rotate starts a new file; when it cannot, the present one stays.
func (l *logFile) rotate() error {
	file, err := os.OpenFile(l.path+".new", os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o600)
	if err != nil {
		return texts.Wrong("up.writing", "path", l.path).Because(err)
	}
	if err = shift(l.path); err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		return texts.Wrong("up.writing", "path", l.path).Because(errors.Join(err, file.Close()))
	}
	if l.file != nil {
		_ = l.file.Close() // every write of it has returned
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
