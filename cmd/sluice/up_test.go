package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// noEngine is an engine nobody asks: the stand-in for the launcher does not.
const noEngine = "unix:///nonexistent.sock"

// nobody is a user without rights.
const nobody = 65534

// started is one `sluice up` in the background.
type started struct {
	cmd  *exec.Cmd
	said *output
	data string
	done chan struct{}
	err  error // after done
}

// output collects what a program says.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// begin starts `sluice up` and does not wait.
func begin(t *testing.T, uid uint32, args ...string) *started {
	t.Helper()
	return beginAs(t, "sluice-bare", uid, args...)
}

// beginAs is begin with another set of stand-ins.
func beginAs(t *testing.T, program string, uid uint32, args ...string) *started {
	t.Helper()
	s := &started{said: new(output), done: make(chan struct{})}
	s.cmd = exec.Command("/proc/self/exe")
	s.cmd.Args = append([]string{program, "up", "--runner", "/bin/true", "--runsc", runsc(t)}, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.said, s.said
	s.cmd.Dir = "/"
	s.cmd.WaitDelay = time.Second
	if uid != 0 {
		s.cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + os.TempDir()}
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.err = s.cmd.Wait(); close(s.done) }()
	t.Cleanup(func() { _ = s.cmd.Process.Signal(syscall.SIGTERM); <-s.done })
	return s
}

// runsc is the runtime `make setup` built.
func runsc(t *testing.T) string {
	t.Helper()
	const path = "/usr/local/lib/sluice/runsc"
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("run make setup: %v", err)
	}
	return path
}

// startUp starts `sluice up` on a folder and waits until everything serves.
func startUp(t *testing.T, data string, args ...string) *started {
	t.Helper()
	s := begin(t, 0, append([]string{"--data", data}, args...)...)
	s.data = data
	s.waitUp(t)
	return s
}

func (s *started) waitUp(t *testing.T) {
	t.Helper()
	eventually(t, "Sluice serves", func() bool {
		select {
		case <-s.done:
			t.Fatalf("up ended: %v\n%s%s", s.err, s.said, s.logs())
		default:
		}
		return strings.Contains(s.said.String(), "Sluice serves at http://")
	})
}

// logs returns what the parts said, for a failure's message.
func (s *started) logs() string {
	var all strings.Builder
	paths, _ := filepath.Glob(filepath.Join(s.data, "log", "*.log"))
	for _, path := range paths {
		content, _ := os.ReadFile(path)
		fmt.Fprintf(&all, "--- %s\n%s", path, content)
	}
	return all.String()
}

// stop ends it as Ctrl-C would, and checks that it took no longer than promised and left nothing.
func (s *started) stop(t *testing.T) {
	t.Helper()
	below := descendants(s.cmd.Process.Pid)
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if s.err != nil {
		t.Errorf("up ended with %v\n%s%s", s.err, s.said, s.logs())
	}
	for pid, name := range below {
		if alive(pid) {
			t.Errorf("%s (%d) still runs", name, pid)
		}
	}
}

// dataFolder returns a new folder that every user can reach.
func dataFolder(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "up")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "data")
}

func layoutOf(t *testing.T, data string) instance.Layout {
	t.Helper()
	layout, err := instance.NewLayout(data, "/run/sluice")
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

// psql runs one statement as the database's owner.
func psql(t *testing.T, data, statement string) string {
	t.Helper()
	layout := layoutOf(t, data)
	secret, err := instance.ReadSecret(filepath.Join(layout.Secrets("pg"), "owner"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("psql", "-AtX", "-h", layout.Socket("pg"), "-U", "sluice_owner", "-d", "sluice", "-c", statement)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+secret)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, said)
	}
	return strings.TrimSpace(string(said))
}

func TestUpFindsEverythingAsItWas(t *testing.T) {
	// A folder closed to everyone but root, as a checkout in root's home is.
	data := filepath.Join(t.TempDir(), "data")
	s := startUp(t, data)
	psql(t, data, "create table kept (n int); insert into kept values (7)")
	before := secrets(t, data)
	s.stop(t)
	if entries, err := os.ReadDir(layoutOf(t, data).Run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run folder is still there: %v", entries)
	}
	marker := filepath.Join(data, "keeper", "daemon")
	if err := errors.Join(os.WriteFile(marker, nil, 0o600), os.Chmod(marker, 0o666)); err != nil {
		t.Fatal(err)
	}
	again := startUp(t, data)
	if got := psql(t, data, "select n from kept"); got != "7" {
		t.Errorf("got %q, want 7", got)
	}
	if diff := cmp.Diff(before, secrets(t, data)); diff != "" {
		t.Error("secrets changed")
	}
	var daemon int
	eventually(t, "the keeper's orphan runs", func() bool {
		content, err := os.ReadFile(marker)
		if err != nil {
			t.Fatal(err)
		}
		daemon, _ = strconv.Atoi(strings.TrimSpace(string(content)))
		return daemon != 0 && alive(daemon)
	})
	again.stop(t)
	if alive(daemon) {
		t.Errorf("a part's own orphan still runs: %d", daemon)
	}
}

// secrets returns every secret of an instance by path.
func secrets(t *testing.T, data string) map[string]string {
	t.Helper()
	all := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(data, "secret", "*", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no secrets (%v)", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(content)
	}
	return all
}

func TestSecondUpIsRefused(t *testing.T) {
	data := dataFolder(t)
	first := startUp(t, data, "--engine", noEngine)
	second := begin(t, 0, "--data", data, "--engine", noEngine)
	<-second.done
	if code := second.cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if want := "held by process " + strconv.Itoa(first.cmd.Process.Pid); !strings.Contains(second.said.String(), want) {
		t.Errorf("said %q, want %q in it", second.said, want)
	}
	if got := psql(t, data, "select 1"); got != "1" {
		t.Error("the second start harmed the first")
	}
	first.stop(t)
}

func TestKilledUpTakesItsPartsAlong(t *testing.T) {
	data := dataFolder(t)
	s := startUp(t, data)
	psql(t, data, "create table kept (n int)")
	below := descendants(s.cmd.Process.Pid)
	if len(below) < 8 {
		t.Fatalf("only %d processes", len(below))
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	// At once, while the parts are on their way out.
	again := startUp(t, data)
	for pid, name := range below {
		if alive(pid) {
			t.Errorf("%s (%d) of the killed instance still runs", name, pid)
		}
	}
	psql(t, data, "select n from kept")
	again.stop(t)
}

func TestCrashedProcessIsBack(t *testing.T) {
	data := dataFolder(t)
	s := startUp(t, data, "--engine", noEngine)
	keeper := pidOf(t, data, "keeper")
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another keeper", func() bool { return pidOf(t, data, "keeper") != keeper })
	s.stop(t)
}

func TestCrashedDatabaseIsBack(t *testing.T) {
	data := dataFolder(t)
	s := startUp(t, data, "--engine", noEngine)
	psql(t, data, "create table kept (n int); insert into kept values (7)")
	content, err := os.ReadFile(filepath.Join(data, "pg", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another server", func() bool {
		content, err := os.ReadFile(filepath.Join(data, "pg", "data", "postmaster.pid"))
		return err == nil && !strings.HasPrefix(string(content), first+"\n") && strings.Contains(string(content), "ready")
	})
	if got := psql(t, data, "select n from kept"); got != "7" {
		t.Errorf("got %q, want 7", got)
	}
	s.stop(t)
}

func pidOf(t *testing.T, data, process string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, process, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(string(content))
	return pid
}
