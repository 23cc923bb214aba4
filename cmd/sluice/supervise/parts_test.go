package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := Acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(t.Context(), path)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != strconv.Itoa(os.Getpid()) {
		t.Fatalf("got %v, want this process as the holder", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(t.Context(), path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestLogNeverGrowsPastItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	log, err := openLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 39) + "\n")
	for range 40 {
		if _, err := log.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		sizes[filepath.Base(file)] = info.Size()
	}
	want := map[string]int64{"a.log": 80, "a.log.1": 80, "a.log.2": 80, "a.log.3": 80}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Error(diff)
	}
}

// TestLogOutlivesAFullDisk: whoever logs is never told that there is no room, and the log says how much it lost.
func TestLogOutlivesAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	log, err := openLog(path, 1000)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	disk := log.file
	for i, file := range []*os.File{disk, full, full, disk} {
		log.file = file
		if n, err := fmt.Fprintf(log, "line %d\n", i); n != 7 || err != nil {
			t.Errorf("line %d: %d, %v", i, n, err)
		}
	}
	if err := errors.Join(log.Close(), full.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	want := "line 0\n" + `{"level":"WARN","msg":"log dropped, for want of room","bytes":14}` + "\nline 3\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		line string
		want entry
		ok   bool
	}{
		{"12 (sh) S 1 12 12 0", entry{pid: 12, parent: 1}, true},
		{"12 (a) Z 7) R 3 12", entry{pid: 12, parent: 3}, true},
		{"13 (x) Z 9 1", entry{pid: 13, parent: 9, ended: true}, true},
		{"13 (x) Z", entry{}, false},
		{"nonsense", entry{}, false},
	} {
		got, ok := parseStat([]byte(c.line))
		if ok != c.ok || (ok && got != c.want) {
			t.Errorf("%q: got %+v %v, want %+v %v", c.line, got, ok, c.want, c.ok)
		}
	}
}

func TestDescendants(t *testing.T) {
	all := []entry{{pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 9}, {pid: 5, parent: 3}}
	if diff := cmp.Diff([]int{3, 5}, descendants(2, all)); diff != "" {
		t.Error(diff)
	}
}
