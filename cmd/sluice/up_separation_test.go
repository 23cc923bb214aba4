package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		if holds() {
			return
		}
		<-tick.C
	}
	t.Fatalf("never: %s", what)
}

// descendants returns name by process id of everything below a process.
func descendants(root int) map[int]string {
	paths, _ := filepath.Glob("/proc/[0-9]*/status")
	parents, names := map[int]int{}, map[int]string{}
	for _, path := range paths {
		fields := statusFields(path)
		pid, _ := strconv.Atoi(fields["Pid"])
		parents[pid], _ = strconv.Atoi(fields["PPid"])
		names[pid] = fields["Name"]
	}
	found := map[int]string{}
	for pid, name := range names {
		for above := parents[pid]; above != 0; above = parents[above] {
			if above == root {
				found[pid] = name
			}
		}
	}
	return found
}

// statusFields reads a status file of proc(5).
func statusFields(path string) map[string]string {
	content, _ := os.ReadFile(path)
	fields := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// alive says whether a process runs; one that has ended and was not waited for does not.
func alive(pid int) bool {
	state := statusFields(fmt.Sprintf("/proc/%d/status", pid))["State"]
	return state != "" && !strings.HasPrefix(state, "Z")
}

func idsOf(t *testing.T, name string) (uid, gid uint32) {
	t.Helper()
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatalf("run make setup: %v", err)
	}
	u, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	g, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(u), uint32(g)
}

// groupsOf are the groups the part's process has, read from it.
func groupsOf(t *testing.T, pid int) []uint32 {
	t.Helper()
	var ids []uint32
	for field := range strings.FieldsSeq(statusFields(fmt.Sprintf("/proc/%d/status", pid))["Groups"]) {
		id, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, uint32(id))
	}
	return ids
}

// try runs a command with the very credentials of a running process.
func try(t *testing.T, name string, groups []uint32, argv ...string) error {
	t.Helper()
	uid, gid := idsOf(t, name)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	return cmd.Run()
}

func TestPartsAreKeptApart(t *testing.T) {
	data := dataFolder(t)
	s := startUp(t, data)
	checkUsers(t, s)
	layout := layoutOf(t, data)
	run := layout.Run
	owners := map[string]string{"pg": "sluice-postgres", "store": "sluice-store", "serve": "sluice-serve", "worker": "sluice-worker", "keeper": "sluice-keeper"}
	for part, name := range owners {
		groups := groupsOf(t, s.pid(t, part))
		for other := range owners {
			same := part == other
			expect(t, name, groups, same, "test", "-r", filepath.Join(data, other))
			expect(t, name, groups, false, "test", "-w", filepath.Join(data, "secret", other))
		}
		for _, secret := range secretPaths(t, data) {
			expect(t, name, groups, filepath.Base(filepath.Dir(secret)) == part, "cat", secret)
			expect(t, name, groups, false, "test", "-w", secret)
		}
		for _, closed := range []string{"docker", "root", "log"} {
			expect(t, name, groups, false, "ls", filepath.Join(data, closed))
		}
		expect(t, name, groups, false, "ls", filepath.Join(run, "docker"))
		expect(t, name, groups, false, "test", "-S", filepath.Join(run, "docker", "engine.sock"))
		expect(t, name, groups, part == "worker", "ls", filepath.Join(run, "launcher"))
		mayAsk := part != "store"
		expect(t, name, groups, mayAsk, "test", "-w", filepath.Join(run, "pg", ".s.PGSQL.5432"))
		expect(t, name, groups, false, "cat", fmt.Sprintf("/proc/%d/environ", s.pid(t, "launcher")))
	}
	expect(t, "nobody", nil, false, "test", "-w", filepath.Join(run, "pg", ".s.PGSQL.5432"))
	if !strings.Contains(s.said.String(), "Sluice serves") {
		t.Error("not up")
	}
	s.stop(t)
}

// expect tries a command as a part's user and compares whether it may.
func expect(t *testing.T, name string, groups []uint32, may bool, argv ...string) {
	t.Helper()
	err := try(t, name, groups, argv...)
	if (err == nil) != may {
		t.Errorf("%s: %s: got %v, want allowed=%v", name, strings.Join(argv, " "), err, may)
	}
}

func secretPaths(t *testing.T, data string) []string {
	t.Helper()
	var paths []string
	for path := range secrets(t, data) {
		paths = append(paths, path)
	}
	return paths
}

// pid returns the process id of a part.
func (s *started) pid(t *testing.T, part string) int {
	t.Helper()
	if part == "pg" {
		for pid, name := range descendants(s.cmd.Process.Pid) {
			if name == "postgres" {
				return pid
			}
		}
		t.Fatal("no database server")
	}
	return pidOf(t, s.data, part)
}

// checkUsers compares the user of every process of the instance with the one it must have.
func checkUsers(t *testing.T, s *started) {
	t.Helper()
	want := map[string]string{
		"postgres": "sluice-postgres", "store": "sluice-store", "keeper": "sluice-keeper", "worker": "sluice-worker",
		"serve": "sluice-serve", "launcher": "root", "dockerd": "root",
	}
	got := map[string]string{}
	for pid := range descendants(s.cmd.Process.Pid) {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		argv := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
		name := filepath.Base(argv[0])
		if name == "sluice-bare" {
			name = argv[1]
		}
		if _, known := want[name]; !known {
			continue
		}
		uid, _, _ := strings.Cut(statusFields(fmt.Sprintf("/proc/%d/status", pid))["Uid"], "\t")
		account, err := user.LookupId(uid)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = account.Username
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutRootUpAsksForSingleUser(t *testing.T) {
	data := dataFolder(t)
	s := begin(t, nobody, "--data", data)
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	for _, want := range []string{"--single-user", "engine's socket", "keeper's keys"} {
		if !strings.Contains(s.said.String(), want) {
			t.Errorf("said %q, want %q in it", s.said, want)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("it made the folder all the same")
	}
	s = begin(t, nobody, "--data", data, "--single-user")
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != exitUsage {
		t.Errorf("without an engine: exit code %d, want %d", code, exitUsage)
	}
}

func TestSingleUserRunsWithoutRoot(t *testing.T) {
	data := dataFolder(t)
	if err := os.Chown(filepath.Dir(data), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := begin(t, nobody, "--data", data, "--single-user", "--engine", noEngine)
	s.data = data
	s.waitUp(t)
	if !strings.Contains(s.said.String(), "for trying only") {
		t.Errorf("said %q, want the warning", s.said)
	}
	s.stop(t)
}

func TestUpRefusesAnotherProgramsFolder(t *testing.T) {
	data := dataFolder(t)
	if err := os.MkdirAll(filepath.Join(data, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := begin(t, 0, "--data", data)
	<-s.done
	if !strings.Contains(s.said.String(), "holds other files") || s.cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("got %v %q", s.cmd.ProcessState, s.said)
	}
}

func TestUpRefusesADatabaseOfAnotherVersion(t *testing.T) {
	data := dataFolder(t)
	startUp(t, data, "--engine", noEngine).stop(t)
	version := filepath.Join(data, "pg", "data", "PG_VERSION")
	was, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := begin(t, 0, "--data", data, "--engine", noEngine)
	<-s.done
	if !strings.Contains(s.said.String(), "apt-get install postgresql-9") || s.cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("got %v %q", s.cmd.ProcessState, s.said)
	}
	if err := os.WriteFile(version, was, 0o600); err != nil {
		t.Fatal(err)
	}
	startUp(t, data, "--engine", noEngine).stop(t)
}
