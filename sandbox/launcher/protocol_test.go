package launcher_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// idle is a launcher whose containers a test never starts: any file will do as its runner.
func idle(t *testing.T) *bench {
	t.Helper()
	program := filepath.Join(dockertest.Dir(t), "program")
	if err := os.WriteFile(program, []byte("never run"), 0o755); err != nil {
		t.Fatal(err)
	}
	return serve(t, launcher.Options{Runner: program})
}

// post sends a raw request, past the client.
func post(t *testing.T, b *bench, method, path, body string) (int, string) {
	t.Helper()
	conn, err := net.Dial("unix", b.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		method, path, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	var code int
	if _, err := fmt.Sscanf(string(raw), "HTTP/1.1 %d", &code); err != nil {
		t.Fatalf("reading the answer %q: %v", raw, err)
	}
	return code, string(raw)
}

func TestOnlyTheFourCallsExist(t *testing.T) {
	b := idle(t)
	body := `{"work":"0198c0de-0000-7000-8000-000000000001","fence":1,"step":1,"verb":"sql"}`
	for _, c := range []struct{ method, path string }{
		{"GET", "/prepare"}, {"PUT", "/run"}, {"POST", "/"}, {"POST", "/create"}, {"POST", "/prepare/"},
		{"POST", "/prepare/../run"}, {"POST", "//run"}, {"POST", "/run?image=alpine"}, {"POST", "/containers/create"},
		{"POST", "http://l/run"}, {"POST", "/RUN"}, {"DELETE", "/remove"},
	} {
		if code, _ := post(t, b, c.method, c.path, body); code != http.StatusNotFound {
			t.Errorf("%s %s: status %d, want 404", c.method, c.path, code)
		}
	}
}

func TestMalformedRunsAreRefused(t *testing.T) {
	b := idle(t)
	const work = "0198c0de-0000-7000-8000-000000000001"
	run := func(work, fence, step, verb string) string {
		return fmt.Sprintf(`{"work":%q,"fence":%s,"step":%s,"verb":%q}`, work, fence, step, verb)
	}
	for what, body := range map[string]string{
		"nothing":             ``,
		"not an object":       `[]`,
		"unknown verb":        run(work, "1", "1", "bash"),
		"no verb":             run(work, "1", "1", ""),
		"verb with arguments": run(work, "1", "1", "sql --memory 1"),
		"climbing path":       run("../../etc", "1", "1", "sql"),
		"absolute path":       run("/etc", "1", "1", "sql"),
		"UUID with a path":    run(work+"/..", "1", "1", "sql"),
		"UUID in braces":      run("{"+work+"}", "1", "1", "sql"),
		"UUID as a URN":       run("urn:uuid:"+work, "1", "1", "sql"),
		"UUID in capitals":    run(strings.ToUpper(work), "1", "1", "sql"),
		"UUID with a NUL":     run(work+"\x00", "1", "1", "sql"),
		"fence zero":          run(work, "0", "1", "sql"),
		"negative fence":      run(work, "-1", "1", "sql"),
		"broken fence":        run(work, "1.5", "1", "sql"),
		"step zero":           run(work, "1", "0", "sql"),
		"step 65":             run(work, "1", "65", "sql"),
		"an image":            `{"image":"alpine",` + run(work, "1", "1", "sql")[1:],
		"limits":              `{"limits":{"memory":1},` + run(work, "1", "1", "sql")[1:],
		"negative seconds":    `{"seconds":-1,` + run(work, "1", "1", "sql")[1:],
		"twelve days":         `{"seconds":1048577,` + run(work, "1", "1", "sql")[1:],
		"a second object":     run(work, "1", "1", "sql") + run(work, "1", "2", "sql"),
		"too long":            `{"work":"` + strings.Repeat("0", 4096) + `"}`,
	} {
		for _, path := range []string{"/prepare", "/run", "/remove", "/collect"} {
			if _, raw := post(t, b, "POST", path, body); !strings.Contains(raw, string(launcher.Invalid)) {
				t.Errorf("%s with %s: %q", path, what, raw)
			}
		}
	}
	entries, err := os.ReadDir(b.opt.Base)
	if err != nil || len(entries) > 0 {
		t.Errorf("%d directories were made (error %v)", len(entries), err)
	}
}

func TestFencesOnlyRise(t *testing.T) {
	b := idle(t)
	old, late := newRun(), newRun()
	old.Fence, late.Work, late.Fence = 4, old.Work, 3
	in := b.prepare(t, old, nil)
	if _, err := b.Prepare(t.Context(), late); !errors.Is(err, launcher.Fenced) {
		t.Errorf("a lower fence: %v, want %v", err, launcher.Fenced)
	}
	next := old
	next.Fence, next.Step = 5, 2
	b.prepare(t, next, nil)
	if _, err := os.Stat(in); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the older run's input is still there: %v", err)
	}
	if _, err := b.Run(t.Context(), old); !errors.Is(err, launcher.Unknown) {
		t.Errorf("running under the older fence: %v, want %v", err, launcher.Unknown)
	}
	if _, err := b.Prepare(t.Context(), old); !errors.Is(err, launcher.Fenced) {
		t.Errorf("preparing under the older fence: %v, want %v", err, launcher.Fenced)
	}
}

func TestCallsOutOfOrderAreRefused(t *testing.T) {
	b := idle(t)
	r := newRun()
	if _, err := b.Run(t.Context(), r); !errors.Is(err, launcher.Unknown) {
		t.Errorf("running what was not prepared: %v", err)
	}
	b.prepare(t, r, nil)
	if _, err := b.collect(t, r); !errors.Is(err, launcher.Busy) {
		t.Errorf("collecting before the run: %v", err)
	}
	other := r
	other.Verb = task.Stage
	if _, err := b.Run(t.Context(), other); !errors.Is(err, launcher.Unknown) {
		t.Errorf("running under another verb: %v", err)
	}
	for range 2 {
		if err := b.Remove(t.Context(), r); err != nil {
			t.Errorf("removing: %v", err)
		}
	}
	if entries, err := os.ReadDir(b.opt.Base); err != nil || len(entries) > 0 {
		t.Errorf("%d directories are left (error %v)", len(entries), err)
	}
}

func TestPreparingAgainBeginsAnew(t *testing.T) {
	b := idle(t)
	r := newRun()
	b.prepare(t, r, map[string]string{"old": "x"})
	in := b.prepare(t, r, nil)
	if entries, err := os.ReadDir(in); err != nil || len(entries) > 0 {
		t.Errorf("%d entries are left (error %v)", len(entries), err)
	}
}

// The output is bounded by its own mount, whatever the runtime thinks of limits.
func TestOutputMountIsBounded(t *testing.T) {
	b := idle(t)
	out := filepath.Join(filepath.Dir(b.prepare(t, newRun(), nil)), "out")
	var bounds unix.Statfs_t
	if err := unix.Statfs(out, &bounds); err != nil {
		t.Fatal(err)
	}
	const flags = unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC
	if bounds.Type != unix.TMPFS_MAGIC || bounds.Flags&flags != flags {
		t.Errorf("type %x, flags %x", bounds.Type, bounds.Flags)
	}
	if bytes := int64(bounds.Blocks) * bounds.Bsize; bytes != 1<<20 || bounds.Files != 17 {
		t.Errorf("%d bytes and %d inodes, want %d and 17", bytes, bounds.Files, 1<<20)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != docker.Nobody || info.Mode().Perm() != 0o700 {
		t.Errorf("owner %d, mode %s", owner, info.Mode())
	}
}

func TestInputIsSealed(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	r := newRun()
	in := b.prepare(t, r, map[string]string{"mode": "ok"})
	if err := os.MkdirAll(filepath.Join(in, "part", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if outcome, err := b.Run(t.Context(), r); outcome != sandbox.Success {
		t.Fatalf("outcome %s, error %v", outcome, err)
	}
	for path, mode := range map[string]fs.FileMode{"": 0o755, "mode": 0o444, "part": 0o755, "part/deep": 0o755} {
		info, err := os.Stat(filepath.Join(in, path))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 || info.Mode().Perm() != mode {
			t.Errorf("input %q: owner %d, mode %s", path, owner, info.Mode())
		}
	}
}

func TestOddInputIsRefused(t *testing.T) {
	b := idle(t)
	held := map[string]*os.File{}
	for what, put := range map[string]func(in string) error{
		"symbolic link": func(in string) error { return os.Symlink("/etc/shadow", in+"/odd") },
		"hard link": func(in string) error {
			return errors.Join(os.WriteFile(in+"/one", nil, 0o644), os.Link(in+"/one", in+"/two"))
		},
		"FIFO":   func(in string) error { return unix.Mkfifo(in+"/odd", 0o644) },
		"device": func(in string) error { return unix.Mknod(in+"/odd", unix.S_IFCHR|0o644, 1<<8|5) },
		"deep":   func(in string) error { return os.MkdirAll(in+"/a/b/c/d/e", 0o755) },
		"file still written": func(in string) (err error) {
			held["file"], err = os.Create(in + "/odd")
			return err
		},
		"link for the folder": func(in string) error {
			return errors.Join(os.RemoveAll(in), os.Symlink("/etc", in)) // only root could
		},
	} {
		r := newRun()
		if err := put(b.prepare(t, r, nil)); err != nil {
			t.Fatalf("making a %s: %v", what, err)
		}
		if _, err := b.Run(t.Context(), r); !errors.Is(err, launcher.BadInput) {
			t.Errorf("%s: %v, want %v", what, err, launcher.BadInput)
		}
		if _, err := b.collect(t, r); !errors.Is(err, launcher.Busy) {
			t.Errorf("%s: collecting: %v", what, err)
		}
	}
	if err := held["file"].Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStartingAgainSweeps(t *testing.T) {
	engine := dockertest.Socket(t)
	program := dockertest.Program(t, "./testdata/probe")
	dir := dockertest.Dir(t)
	// Named through a link, under which the kernel lists no mount.
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o711), os.Symlink("real", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "link", "runs")
	opt := launcher.Options{Foreign: true, Engine: engine, Base: base, Runner: program, Limits: small(), Log: slog.New(slog.DiscardHandler)}
	first, err := launcher.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ended := startSleeping(t, first)

	// The first launcher is as good as killed: nobody tells it anything. The second one finds what it left.
	second, err := launcher.New(t.Context(), opt)
	if err != nil {
		t.Fatalf("starting over a mess: %v", err)
	}
	select {
	case got := <-ended:
		if got == sandbox.Success {
			t.Errorf("the swept run ended as %s", got)
		}
	case <-time.After(30 * time.Second): // half its wall clock
		t.Error("the swept run goes on")
	}
	if entries, err := os.ReadDir(base); err != nil || len(entries) > 0 {
		t.Errorf("%d directories are left (error %v)", len(entries), err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir+"/") {
		t.Errorf("mounts are left (error %v)", err)
	}
	if err := errors.Join(second.Close(), first.Close()); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func TestStoppingEndsRuns(t *testing.T) {
	b := serve(t, launcher.Options{Runner: dockertest.Program(t, "./testdata/probe")})
	r := newRun()
	in := b.prepare(t, r, map[string]string{"mode": "sleep"})
	type end struct {
		outcome sandbox.Outcome
		err     error
	}
	ended := make(chan end, 1)
	go func() {
		outcome, err := b.Run(t.Context(), r)
		ended <- end{outcome, err}
	}()
	started := filepath.Join(filepath.Dir(in), "out", task.ReportFile)
	wait(t, "the container's start", func() bool { _, err := os.Stat(started); return err == nil })
	began := time.Now()
	if err := b.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if got := <-ended; got.outcome != sandbox.Interrupted {
		t.Errorf("the run ended as %s with %v", got.outcome, got.err)
	}
	if entries, err := os.ReadDir(b.opt.Base); err != nil || len(entries) > 0 {
		t.Errorf("%d directories are left (error %v)", len(entries), err)
	}
}

func TestBrokenStreamIsNoOutput(t *testing.T) {
	socket := filepath.Join(dockertest.Dir(t), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for what, c := range map[string]struct {
		stream string
		whole  bool // the file itself arrived
	}{
		"no end":     {frameLine(t, "a", 3) + "abc", true},
		"short file": {frameLine(t, "a", 30) + "abc", false},
		"nothing":    {"", true},
		"no frame":   {strings.Repeat("x", 1<<17), true},
	} {
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			buffer := make([]byte, 4096)
			conn.Read(buffer)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", c.stream)
		}()
		var read error
		err := launcher.Dial(socket).Collect(t.Context(), newRun(), func(_ string, _ int64, body io.Reader) error {
			_, read = io.Copy(io.Discard, body)
			return read
		})
		if err == nil || (read == nil) != c.whole {
			t.Errorf("%s: collected with error %v, the file read with %v", what, err, read)
		}
	}
}

func frameLine(t *testing.T, name string, size int) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"name": name, "size": size})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}
