package launcher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

func TestOutcomes(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	for _, c := range []struct {
		mode string
		want sandbox.Outcome
		why  string
	}{
		{"ok", sandbox.Success, "zero and a report"},
		{"silent", sandbox.Failed, "zero without a report"},
		{"fail", sandbox.Failed, "not zero"},
		{"memory", sandbox.Limit, "128 MiB"},
		{"bytes", sandbox.Limit, "1 MiB of output"},
		{"inodes", sandbox.Limit, "16 files of output"},
		{"flood", sandbox.Success, "what is printed goes nowhere"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			began := time.Now()
			r, got := b.mode(t, c.mode)
			if got != c.want {
				t.Errorf("%s: got %s, want %s (%s)", c.mode, got, c.want, c.why)
			}
			took := time.Since(began)
			t.Logf("%s in %s", got, took)
			if took > small()[task.SQL].Wall/2 {
				t.Errorf("%s: it was the wall clock that ended it", c.mode)
			}
			if err := b.Remove(t.Context(), r); err != nil {
				t.Errorf("removing: %v", err)
			}
		})
	}
	assertNothingStored(t, b)
}

// assertNothingStored looks for printed text in the engine's files.
func assertNothingStored(t *testing.T, b *bench) {
	t.Helper()
	data := filepath.Join(filepath.Dir(filepath.Dir(b.opt.Engine)), "data", "containers")
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".log") {
			t.Errorf("the engine stored a log: %s", entry.Name())
		}
		return err
	})
	if err != nil {
		t.Errorf("reading the engine's files: %v", err)
	}
}

func TestInsideIsNobodyWithNothing(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	r, _ := b.mode(t, "who")
	got := b.report(t, r)
	for _, key := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		if got.Status[key] != "0000000000000000" {
			t.Errorf("%s is %s", key, got.Status[key])
		}
	}
	if got.Status["NoNewPrivs"] != "1" || got.Status["Seccomp"] != "2" || got.Status["Groups"] != "65534" {
		t.Errorf("NoNewPrivs %s, Seccomp %s, Groups %s", got.Status["NoNewPrivs"], got.Status["Seccomp"], got.Status["Groups"])
	}
	got.Status = nil
	want := report{
		UID: docker.Nobody, GID: docker.Nobody, Host: "job", Dir: "/", Args: []string{"/sluice-runner", "sql"},
		Env:     []string{"LANG=C.UTF-8", "HOME=/"}, // HOME is the runtime's own
		Written: []string{"/tmp", "/out"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
}

func TestBoundsInside(t *testing.T) {
	limits := small()
	roomy := limits[task.SQL]
	roomy.Memory = 768 << 20
	limits[task.SQL] = roomy
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe"), Limits: limits})
	for _, c := range []struct {
		mode  string
		errno []string
		most  int // count
	}{
		{"sparse", []string{"file too large"}, 0},
		{"scratch", []string{"no space left on device"}, 64},
		// The runtime's own threads count: it is out of them before the job has 256 processes.
		{"forks", []string{"resource temporarily unavailable", "cannot allocate memory"}, 256},
	} {
		r, outcome := b.mode(t, c.mode)
		if outcome != sandbox.Success {
			t.Fatalf("%s: outcome %s", c.mode, outcome)
		}
		if got := b.report(t, r); !slices.Contains(c.errno, got.Errno) || got.Count > c.most {
			t.Errorf("%s: stopped after %d by %q, want at most %d and %q", c.mode, got.Count, got.Errno, c.most, c.errno)
		}
	}
}

func TestOddOutputIsNotCollected(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	for _, mode := range []string{"symlink", "folder", "hidden", "name", "dash", "dot"} {
		r, outcome := b.mode(t, mode)
		if outcome != sandbox.Success {
			t.Errorf("%s: outcome %s: the probe could not make it", mode, outcome)
		}
		b.refusesOutput(t, mode, r)
	}
}

// What the runtime does not let a job make, an escaped one could.
func TestOddEntriesMadeFromOutsideAreNotCollected(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	for what, put := range map[string]func(out string) error{
		"hard link": func(out string) error { return os.Link(out+"/report.json", out+"/odd") },
		"FIFO":      func(out string) error { return unix.Mkfifo(out+"/odd", 0o644) },
		"socket":    func(out string) error { return unix.Mknod(out+"/odd", unix.S_IFSOCK|0o644, 0) },
		"device":    func(out string) error { return unix.Mknod(out+"/odd", unix.S_IFCHR|0o644, 1<<8|5) },
		"absolute":  func(out string) error { return os.Symlink("/etc/passwd", out+"/odd") },
		"sparse":    func(out string) error { return sparse(out+"/odd", 2<<20) },
		"many":      many,
		"another file system": func(out string) error {
			return errors.Join(os.WriteFile(out+"/odd", nil, 0o644), unix.Mount("/etc/hostname", out+"/odd", "", unix.MS_BIND, ""))
		},
	} {
		r := newRun()
		in := b.prepare(t, r, map[string]string{"mode": "ok"})
		if outcome, err := b.Run(t.Context(), r); outcome != sandbox.Success {
			t.Fatalf("%s: outcome %s, error %v", what, outcome, err)
		}
		out := filepath.Join(filepath.Dir(in), "out")
		if err := put(out); err != nil {
			t.Fatalf("making a %s: %v", what, err)
		}
		b.refusesOutput(t, what, r)
	}
}

func (b *bench) refusesOutput(t *testing.T, what string, r sandbox.Run) {
	t.Helper()
	files, err := b.collect(t, r)
	if !errors.Is(err, launcher.BadOutput) || len(files) > 0 {
		t.Errorf("%s: collected %d files with error %v, want none and %v", what, len(files), err, launcher.BadOutput)
	}
	if err := b.Remove(t.Context(), r); err != nil {
		t.Errorf("%s: removing: %v", what, err)
	}
}

func sparse(path string, size int64) error {
	return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
}

// many makes more entries than may leave; the mount's own bound is lifted for it.
func many(out string) error {
	err := unix.Mount("", out, "", unix.MS_REMOUNT, "nr_inodes=1000")
	for n := range 16 {
		err = errors.Join(err, os.WriteFile(fmt.Sprintf("%s/f%d", out, n), nil, 0o644))
	}
	return err
}

func TestWallClockKills(t *testing.T) {
	limits := small()
	short := limits[task.SQL]
	short.Wall = time.Second
	limits[task.SQL] = short
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe"), Limits: limits})
	if _, outcome := b.mode(t, "sleep"); outcome != sandbox.Limit {
		t.Errorf("outcome %s, want %s", outcome, sandbox.Limit)
	}
}

// TestAskedSecondsKill: a run may be given less time than its template, and not more.
func TestAskedSecondsKill(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe"), Limits: small()})
	r := newRun()
	r.Seconds = 1
	b.prepare(t, r, map[string]string{"mode": "sleep"})
	ctx, cancel := context.WithTimeout(t.Context(), small()[task.SQL].Wall/2)
	defer cancel()
	if outcome, err := b.Run(ctx, r); err != nil || outcome != sandbox.Limit {
		t.Errorf("outcome %s, want %s: %v", outcome, sandbox.Limit, err)
	}
}

func TestGoingAwayKills(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	r := newRun()
	in := b.prepare(t, r, map[string]string{"mode": "sleep"})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Run(ctx, r)
		ended <- err
	}()
	started := filepath.Join(filepath.Dir(in), "out", task.ReportFile)
	wait(t, "the container's start", func() bool { _, err := os.Stat(started); return err == nil })
	leave()
	left := time.Now()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	wait(t, "the run's end", func() bool { _, err := b.collect(t, r); return errors.Is(err, launcher.Unknown) })
	t.Logf("gone after %s", time.Since(left))
	if _, err := os.Stat(filepath.Dir(in)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run's directory is still there: %v", err)
	}
}

// wait polls a condition; the limit is only for a test that hangs.
func wait(t *testing.T, what string, met func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waiting for %s took too long", what)
		}
	}
}

// The demonstration's hostile program, in the template of every job.
func TestHostileProgramGetsNothingOut(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "../../deploy/demo/hostile")})
	r := newRun()
	const secret = "person-4711-visits-23"
	b.prepare(t, r, map[string]string{"visits.csv": secret})
	outcome, err := b.Run(t.Context(), r)
	if err != nil || outcome != sandbox.Failed {
		t.Fatalf("outcome %s, error %v; want %s", outcome, err, sandbox.Failed)
	}
	files, err := b.collect(t, r)
	if err != nil {
		t.Fatalf("collecting: %v", err)
	}
	var attempts []struct{ Attempt, Outcome string }
	if err := json.Unmarshal(files["attempts.json"], &attempts); err != nil {
		t.Fatalf("reading the attempts: %v", err)
	}
	if len(attempts) < 70 {
		t.Errorf("only %d attempts were made", len(attempts))
	}
	for _, a := range attempts {
		if !strings.HasPrefix(a.Outcome, "refused: ") {
			t.Errorf("%s: %s", a.Attempt, a.Outcome)
		}
	}
	if strings.Contains(b.log.String(), secret) {
		t.Error("the launcher's log holds what the program printed")
	}
	assertNothingStored(t, b)
}
