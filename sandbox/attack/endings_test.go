//go:build attack

package attack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// row stands in every input: nothing the launcher says or the engine keeps may hold it.
const row = "500101199003071234,visits-23"

// endings are S27 and S28: a program that says something by how it ends. Of 256 codes, whoever asked learns one of four
// words; what it printed is kept by nobody.
func endings() []family {
	return []family{
		{id: "S27", also: unsaid, vectors: join(
			each(ended, "failed", "panic with a row", "panic with a row after a report", "print a row and fail"),
		)},
		{id: "S28", also: unsaid, vectors: join(
			each(ended, "success", "exit 0"),
			each(ended, "failed", prefixed("exit ", others()...)...),
			// These are what a memory limit and a file size limit end a program with.
			each(ended, "limit", "exit 137", "exit 153"),
			each(ended, "failed", "zero without a report", "zero with half a report", "end by segmentation fault", "end by aborted"),
			// The first process of a container is not ended by its own signals unless it dies of a fault: it goes on to its end.
			each(ended, "success|failed|limit", "end by killed", "end by terminated", "end by user defined signal 1"),
		)},
	}
}

// others are all codes a program can end with but for zero and the two that a bound ends it with.
func others() (codes []string) {
	for code := 1; code <= 255; code++ {
		if code != 128+int(syscall.SIGKILL) && code != 128+int(syscall.SIGXFSZ) {
			codes = append(codes, strconv.Itoa(code))
		}
	}
	return codes
}

// unsaid is nil when the row is neither in what the launcher logged nor in a file of the engine.
func unsaid(s *site, _ result) error {
	if strings.Contains(s.log.String(), row) {
		return errors.New("the launcher's log holds the row")
	}
	root := filepath.Dir(filepath.Dir(dockertest.Socket(s.t)))
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.Contains(path, "/overlay2/") {
			return nil // what goes while it is looked at; the image is the program
		}
		raw, err := os.ReadFile(path)
		if err == nil && bytes.Contains(raw, []byte(row)) {
			return fmt.Errorf("the engine keeps the row in %s", filepath.Base(path))
		}
		return nil
	})
}
