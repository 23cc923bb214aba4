package supervise

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// running is a Run in the background.
type running struct {
	stop context.CancelFunc
	up   chan struct{}
	err  chan error
}

func runParts(t *testing.T, journal string, parts ...Part) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{stop: stop, up: make(chan struct{}), err: make(chan error, 1)}
	config := Config{Parts: parts, Logs: filepath.Dir(journal), Log: slog.New(slog.DiscardHandler), Now: time.Now}
	go func() { r.err <- Run(ctx, config, func() { close(r.up) }) }()
	t.Cleanup(stop)
	return r
}

func (r *running) waitUp(t *testing.T) {
	t.Helper()
	select {
	case <-r.up:
	case err := <-r.err:
		t.Fatalf("did not come up: %v", err)
	}
}

func (r *running) wait() error {
	r.stop()
	return <-r.err
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	journal := journalIn(t)
	step := Part{Name: "step", Do: func(context.Context) error { note(journal, "step", "step"); return nil }}
	r := runParts(t, journal, part(journal, "serve", "a"), step, part(journal, "serve", "b"))
	r.waitUp(t)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	want := []string{"start a", "step step", "start b", "stop b", "stop a"}
	if diff := cmp.Diff(want, events(t, journal)); diff != "" {
		t.Error(diff)
	}
}

func TestChildSeesNothingOfItsParent(t *testing.T) {
	journal := journalIn(t)
	t.Setenv("SLUICE_TEST_SECRET", "x")
	file, err := os.Open(journal)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	// Like a descriptor our own caller left open.
	inherited, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(inherited) }()
	looker := part(journal, "look", "l")
	looker.As = &Credential{UID: 65534, GID: 65534}
	r := runParts(t, journal, looker)
	r.waitUp(t)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	want := []string{"look PATH,LANG,TZ,SLUICE_SUPERVISED uid=65534 own-group=true"}
	if diff := cmp.Diff(want, events(t, journal)); diff != "" {
		t.Error(diff)
	}
}

func TestCrashedPartIsStartedAgain(t *testing.T) {
	journal := journalIn(t)
	r := runParts(t, journal, part(journal, "serve", "a"), part(journal, "serve", "b"))
	r.waitUp(t)
	first := pids(t, journal, "a")[0]
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a second start of a", func() bool { return len(pids(t, journal, "a")) == 2 })
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if got := len(pids(t, journal, "b")); got != 1 {
		t.Errorf("b was started %d times, want 1: another's crash must not touch it", got)
	}
	if second := pids(t, journal, "a")[1]; !gone(second) {
		t.Errorf("the second a (%d) outlived its supervisor", second)
	}
}

func TestTooManyCrashesStopEverything(t *testing.T) {
	journal := journalIn(t)
	r := runParts(t, journal, part(journal, "serve", "a"), part(journal, "crash", "b"))
	err := <-r.err
	if err == nil || !strings.Contains(err.Error(), "b.log") {
		t.Fatalf("got %v, want an error naming b.log", err)
	}
	if diff := cmp.Diff([]string{"start a", "stop a"}, events(t, journal)); diff != "" {
		t.Error(diff)
	}
}

func TestPartThatDoesNotStartStopsEverything(t *testing.T) {
	journal := journalIn(t)
	r := runParts(t, journal, part(journal, "serve", "a"), part(journal, "fail", "b"), part(journal, "serve", "c"))
	err := <-r.err
	log := filepath.Join(filepath.Dir(journal), "b.log")
	if err == nil || !strings.Contains(err.Error(), log) || !strings.Contains(err.Error(), ": cannot find the thing") {
		t.Fatalf("got %v, want an error naming %s and the part's last word", err, log)
	}
	said, err := os.ReadFile(log)
	if err != nil || string(said) != "{}\nsluice: cannot find the thing\n" {
		t.Errorf("log holds %q (%v)", said, err)
	}
	if diff := cmp.Diff([]string{"start a", "stop a"}, events(t, journal)); diff != "" {
		t.Error(diff)
	}
}

func TestPartThatIsNeverReadyIsAnError(t *testing.T) {
	journal := journalIn(t)
	config := Config{
		Parts: []Part{part(journal, "mute", "a")}, Logs: filepath.Dir(journal), Log: slog.New(slog.DiscardHandler),
		Now: time.Now, StartWithin: 200 * time.Millisecond,
	}
	err := Run(t.Context(), config, func() {})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "a did not start") {
		t.Fatalf("got %v", err)
	}
}

func TestStubbornPartIsKilledInTime(t *testing.T) {
	journal := journalIn(t)
	r := runParts(t, journal, part(journal, "serve", "a"), part(journal, "stubborn", "b"))
	r.waitUp(t)
	began := time.Now()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if pid := pids(t, journal, "b")[0]; !gone(pid) {
		t.Errorf("stubborn part %d still runs", pid)
	}
	if !slices.Contains(events(t, journal), "stop a") {
		t.Error("a was not stopped politely")
	}
}

// startSupervisor runs a supervisor in a process of its own and waits until everything is up.
func startSupervisor(t *testing.T, journal string, parts ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{"child", "supervisor", journal}, parts...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "everything is up", func() bool {
		return slices.ContainsFunc(lines(t, journal), func(line string) bool { return strings.HasPrefix(line, "up all") })
	})
	return cmd
}

func TestPartsEndWithAKilledSupervisor(t *testing.T) {
	journal := journalIn(t)
	cmd := startSupervisor(t, journal, "serve=a", "guard=g", "serve=b")
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, name := range []string{"a", "b", "g", "g-program"} {
		for _, pid := range pids(t, journal, name) {
			eventually(t, name+" ends", func() bool { return gone(pid) })
		}
	}
}

// TestGuardsLeaveNothing: what a guarded program left ends with it, however it comes to its end: it crashes, the
// supervisor is killed, or it does not stop when its supervisor is gone.
func TestGuardsLeaveNothing(t *testing.T) {
	for _, tt := range []struct {
		name, mode string
		victim     func(t *testing.T, journal string, supervisor int) int
	}{
		{"the program crashes", "guard-leaving", func(t *testing.T, journal string, _ int) int { return pids(t, journal, "g-program")[0] }},
		{"the supervisor is killed", "guard-leaving", func(_ *testing.T, _ string, supervisor int) int { return supervisor }},
		{"it does not stop", "guard-stubborn", func(_ *testing.T, _ string, supervisor int) int { return supervisor }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			journal := journalIn(t)
			cmd := startSupervisor(t, journal, tt.mode+"=g")
			eventually(t, "it leaves something", func() bool { return len(pids(t, journal, "g-left")) == 1 })
			left := pids(t, journal, "g-left")[0]
			if err := syscall.Kill(tt.victim(t, journal, cmd.Process.Pid), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			eventually(t, "what it left ends", func() bool { return gone(left) })
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			for _, pid := range pids(t, journal, "g-program") {
				eventually(t, "the program ends", func() bool { return gone(pid) })
			}
		})
	}
}

func TestLockOutlivesAKilledSupervisorWithItsParts(t *testing.T) {
	journal := journalIn(t)
	cmd := startSupervisor(t, journal, "linger=a")
	var held *HeldError
	if _, err := Acquire(t.Context(), journal+".lock"); !errors.As(err, &held) {
		t.Fatalf("got %v, want the running supervisor as holder", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Acquire(short, journal+".lock"); !errors.As(err, &held) {
		t.Fatalf("got %v while a part still runs", err)
	}
	if err := os.WriteFile(journal+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := Acquire(t.Context(), journal+".lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsLeftAfterAStop(t *testing.T) {
	journal := journalIn(t)
	cmd := startSupervisor(t, journal, "guard=g", "daemon=d")
	eventually(t, "the daemon runs", func() bool { return len(pids(t, journal, "daemon")) == 1 })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"g", "g-program", "d", "daemon"} {
		for _, pid := range pids(t, journal, name) {
			if !gone(pid) {
				t.Errorf("%s (%d) still runs", name, pid)
			}
		}
	}
	if !slices.Contains(events(t, journal), "stop g") {
		t.Error("the guarded program was not stopped politely")
	}
}

func TestGuardedProgramEndsWithAKilledGuard(t *testing.T) {
	journal := journalIn(t)
	r := runParts(t, journal, part(journal, "guard", "g"))
	r.waitUp(t)
	if err := syscall.Kill(pids(t, journal, "g")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	program := pids(t, journal, "g-program")[0]
	eventually(t, "the program ends", func() bool { return gone(program) })
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}
