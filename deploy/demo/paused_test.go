//go:build faults

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/job"
)

// TestHangs stops what must not stop: the engine in each step of a run, and a worker past the end of its lease.
func TestHangs(t *testing.T) {
	d := newDrill(t, filepath.Join(t.TempDir(), "data"))
	for step, verb := range []string{"stage", "sql", "split", "screen"} {
		t.Run("engine in "+verb, func(t *testing.T) {
			defer d.in(t)()
			d.engineHangs(step + 1)
			d.endsWell()
			tell(t, "engine stopped (SIGSTOP) in "+verb, "done again, ended as its own")
		})
	}
	t.Run("engine for ever", func(t *testing.T) {
		defer d.in(t)()
		d.engineHangsForEver()
		d.endsWell()
		tell(t, "engine stopped (SIGSTOP) for ever", "ended by its supervisor, started again, ended as its own")
	})
	t.Run("worker past its lease", func(t *testing.T) {
		defer d.in(t)()
		d.workerIsLate()
		d.endsWell()
		tell(t, "two workers on one work, one stopped past its lease", "the late one is refused")
	})
}

// engineHangs stops the engine once a run's container of a step is made, until the work was given back.
func (d *drill) engineHangs(step int) {
	d.t.Helper()
	j := d.submit()
	d.consent(j.Number)
	d.await(fmt.Sprint("step ", step), func() (bool, error) {
		found, err := filepath.Glob(filepath.Join(d.data, "launcher", "runs", fmt.Sprintf("*-%d", step)))
		return len(found) > 0 && d.claim(j.Number, "kind") == "run", err
	})
	before := d.claim(j.Number, "fence")
	d.signal("dockerd", syscall.SIGSTOP)
	d.await("the work to be given back", func() (bool, error) { return d.claim(j.Number, "fence") != before, nil })
	if err := d.answers(); err != nil {
		d.t.Errorf("the API beside an engine that hangs: %v", err)
	}
	d.signal("dockerd", syscall.SIGCONT)
	d.reaches(j.Number, job.OutputQuarantined)
}

// engineHangsForEver stops the engine in the middle of a run and never lets it go on: the instance must help itself.
func (d *drill) engineHangsForEver() {
	d.t.Helper()
	j := d.submit()
	d.consent(j.Number)
	d.await("the run", func() (bool, error) { return d.claim(j.Number, "kind || ' ' || w.admitted") == "run true", nil })
	hung := d.pid("dockerd")
	must(d.t, syscall.Kill(hung, syscall.SIGSTOP))
	d.await("another engine", func() (bool, error) {
		now, err := findPart(d.up.cmd.Process.Pid, "dockerd")
		return now != 0 && now != hung, err
	})
	d.crash()
	d.reaches(j.Number, job.OutputQuarantined)
}

// claim reads a column of a job's newest work.
func (d *drill) claim(number, column string) string {
	d.t.Helper()
	return d.asked(fmt.Sprintf("select w.%s from work w join job j on j.id = w.subject where j.number = '%s' order by w.queued_at desc limit 1", column, number))
}

// workerIsLate stops the worker in the middle of a run, lets another take the work over, and then lets the first go on
// beside it.
func (d *drill) workerIsLate() {
	d.t.Helper()
	first := d.pid("worker")
	j := d.submit()
	d.consent(j.Number)
	d.await("the run", func() (bool, error) { return d.claim(j.Number, "kind || ' ' || w.admitted") == "run true", nil })
	must(d.t, syscall.Kill(first, syscall.SIGSTOP))
	late := d.claim(j.Number, "fence")
	second := d.secondWorker(first)
	defer second()
	// The lease is the database's: it is over when its row says so.
	d.asked("update work set lease_until = now() - interval '1 second' where state = 'claimed'")
	d.await("the second worker's claim", func() (bool, error) { return d.claim(j.Number, "fence") != late, nil })
	must(d.t, syscall.Kill(first, syscall.SIGCONT))
	d.reaches(j.Number, job.OutputQuarantined)
	if got := d.claim(j.Number, "fence || ' ' || w.attempts || ' ' || w.outcome"); got != "2 2 success" {
		d.t.Errorf("fence, attempts and outcome: %s", got)
	}
	d.newest(j.Number)
}

// newest checks that an output's object says it was put under the second claim: the store keeps metadata beside the
// file, as an attribute.
func (d *drill) newest(number string) {
	d.t.Helper()
	path := d.asked(fmt.Sprintf(`select o.object ->> 'key' || '/' || right(o.object ->> 'digest', 64)
		from output o join job j on j.id = o.job where j.number = '%s' limit 1`, number))
	path = filepath.Join(d.data, "store", "output", path)
	value := make([]byte, 4<<10)
	n, err := unix.Getxattr(path, "user.metadata", value)
	must(d.t, err)
	if said := strings.ToLower(string(value[:n])); !strings.Contains(said, `"sluice-fence":"2"`) {
		d.t.Errorf("the output was put under another fence than 2: %s", said)
	}
}

// secondWorker starts another worker beside a running one: its uid, its mounts and what it is told, but folders of its
// own. What is returned ends it.
func (d *drill) secondWorker(first int) (end func()) {
	d.t.Helper()
	home := filepath.Join(d.data, "worker")
	info, err := os.Stat(home)
	must(d.t, err)
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		d.t.Fatal("no owner")
	}
	dir, err := os.MkdirTemp("", "sluice-second-")
	must(d.t, err)
	must(d.t, os.Chmod(dir, 0o755))
	own := filepath.Join(dir, "home")
	must(d.t, os.Mkdir(own, 0o700))
	must(d.t, os.Chown(own, int(owner.Uid), int(owner.Gid)))
	program := filepath.Join(dir, "sluice")
	must(d.t, copyFile(program, d.sluice))
	args := argsOf(first)[1:]
	for i, arg := range args {
		if arg == "--home" || arg == "--run" {
			args[i+1] = own
		}
	}
	uid, gid := strconv.Itoa(int(owner.Uid)), strconv.Itoa(int(owner.Gid))
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(first), "-m", "--",
		"setpriv", "--reuid", uid, "--regid", gid, "--groups", strings.Join(groupsOf(first), ","), program}, args...)...)
	log, err := os.Create(filepath.Join(dir, "log"))
	must(d.t, err)
	cmd.Stdout, cmd.Stderr = log, log
	must(d.t, cmd.Start())
	return func() {
		must(d.t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait() // told to end
		if said, err := os.ReadFile(log.Name()); d.t.Failed() {
			d.t.Logf("second worker (%v):\n%s", err, said)
		}
		must(d.t, log.Close())
		must(d.t, os.RemoveAll(dir))
	}
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// groupsOf reads a process's groups: proc_pid_status(5).
func groupsOf(pid int) []string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // it has ended
	for line := range strings.Lines(string(status)) {
		if groups, ok := strings.CutPrefix(line, "Groups:"); ok {
			return strings.Fields(groups)
		}
	}
	return nil
}
