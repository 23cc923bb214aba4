package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test program be its own children: `child MODE JOURNAL NAME …`.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "child" {
		os.Exit(child(os.Args[2], os.Args[3], os.Args[4:]))
	}
	os.Exit(m.Run())
}

// child behaves as its mode says. What it does stands in the journal, one line an event.
func child(mode, journal string, args []string) int {
	life := Inherit(os.Getenv)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := life.Context(ctx, func(code int) {
		EndBelow()
		os.Exit(code)
	})
	defer cancel()
	switch mode {
	case "serve":
		return serve(ctx, life, journal, args[0])
	case "mute":
		<-ctx.Done()
	case "fail":
		fmt.Println("{}\nsluice: cannot find the thing")
		return 1
	case "crash":
		_ = life.Ready()
		return 1
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		note(journal, "start", args[0])
		_ = life.Ready()
		time.Sleep(time.Hour)
	case "daemon":
		// A grandchild in a session of its own, whose parent ends at once.
		run := exec.Command("sh", "-c", "setsid sh -c 'echo start daemon $$ >> "+journal+"; exec sleep 1000' >/dev/null 2>&1 &")
		_ = run.Run()
		return serve(ctx, life, journal, args[0])
	case "linger":
		code := serve(ctx, life, journal, args[0])
		for _, err := os.Stat(journal + ".go"); err != nil; _, err = os.Stat(journal + ".go") {
			time.Sleep(askEvery)
		}
		return code
	case "look":
		return look(ctx, life, journal)
	case "guard":
		note(journal, "start", args[0])
		if err := Guard(ctx, syscall.SIGINT, args[1:]); err != nil {
			fmt.Println(err)
			return 1
		}
		note(journal, "stop", args[0])
	case "supervisor":
		return supervisorChild(journal, args)
	}
	return 0
}

func serve(ctx context.Context, life *Life, journal, name string) int {
	note(journal, "start", name)
	_ = life.Ready()
	<-ctx.Done()
	note(journal, "stop", name)
	return 0
}

// look writes down what a child can see of its parent.
func look(ctx context.Context, life *Life, journal string) int {
	var seen []string
	for fd := range 64 {
		// Go's own runtime opens the control group's files.
		file, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if strings.HasPrefix(file, "/") && !strings.HasPrefix(file, "/sys/") && !strings.HasPrefix(file, "/dev/") {
			seen = append(seen, file)
		}
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		seen = append(seen, name)
	}
	group, _ := syscall.Getpgid(0)
	note(journal, "look", fmt.Sprintf("%s uid=%d own-group=%v", strings.Join(seen, ","), os.Getuid(), group == os.Getpid()))
	_ = life.Ready()
	<-ctx.Done()
	return 0
}

// supervisorChild runs the parts named by its arguments (mode=name), so that a test can kill a supervisor.
func supervisorChild(journal string, args []string) int {
	var parts []Part
	for _, arg := range args {
		mode, name, _ := strings.Cut(arg, "=")
		parts = append(parts, part(journal, mode, name))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	hold, err := Acquire(ctx, journal+".lock")
	if err != nil {
		note(journal, "error", err.Error())
		return 1
	}
	config := Config{Parts: parts, Hold: hold, Logs: filepath.Dir(journal), Log: slog.Default(), Now: time.Now, Adopt: true}
	if err := Run(ctx, config, func() { note(journal, "up", "all") }); err != nil {
		note(journal, "error", err.Error())
		return 1
	}
	return 0
}

func note(journal, event, name string) {
	file, err := os.OpenFile(journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err == nil {
		_, _ = fmt.Fprintf(file, "%s %s %d\n", event, name, os.Getpid())
		_ = file.Close()
	}
}

// guarded are the programs of modes that guard one: a long sleep; one that leaves a process behind, in a session of
// its own; and one that does so and does not stop when it is told to. J is the journal, N the part's name.
func guarded() map[string]string {
	const leaves = "setsid sh -c 'echo start N-left $$ >> J; exec sleep 1000' & "
	return map[string]string{
		"guard":          "echo start N-program $$ >> J; exec sleep 1000",
		"guard-leaving":  leaves + "echo start N-program $$ >> J; exec sleep 1000",
		"guard-stubborn": "trap '' INT TERM; " + leaves + "echo start N-program $$ >> J; exec sleep 1000",
	}
}

// part is a child of a mode.
func part(journal, mode, name string) Part {
	program, guards := guarded()[mode]
	if guards {
		mode = "guard"
	}
	args := []string{"child", mode, journal, name}
	p := Part{Name: name, Command: Command{Path: "/proc/self/exe", Args: args}}
	if guards {
		p.Command.Args = append(args, "sh", "-c", strings.NewReplacer("N-", name+"-", "J", journal).Replace(program))
		p.Ready = func(context.Context) error {
			if content, _ := os.ReadFile(journal); !strings.Contains(string(content), name+"-program") {
				return os.ErrNotExist
			}
			return nil
		}
	}
	return p
}

// journalIn makes an empty journal that any user may write.
func journalIn(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "supervise")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "journal")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{folder: 0o755, path: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// events returns the journal's lines without process ids.
func events(t *testing.T, journal string) []string {
	t.Helper()
	var all []string
	for _, line := range lines(t, journal) {
		all = append(all, line[:strings.LastIndex(line, " ")])
	}
	return all
}

func lines(t *testing.T, journal string) []string {
	t.Helper()
	content, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// pids returns the process ids of every start line of a name.
func pids(t *testing.T, journal, name string) []int {
	t.Helper()
	var all []int
	for _, line := range lines(t, journal) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "start" && fields[1] == name {
			pid, err := strconv.Atoi(fields[2])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, pid)
		}
	}
	return all
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if holds() {
			return
		}
		<-tick.C
	}
	t.Fatalf("never: %s", what)
}

// gone says whether no process has that id, zombies aside.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	e, ok := parseStat(stat)
	return ok && e.ended
}
