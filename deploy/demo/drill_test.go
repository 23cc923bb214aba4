//go:build faults

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/release"
)

// drill is a city at work, on real parts, in which something breaks: the people of the story, a small table of theirs,
// and a hand on every process. Whatever breaks, endsWell must hold afterwards.
type drill struct {
	*demo
	t       *testing.T
	ctx     context.Context
	up      *instance
	crashes []time.Time // of parts we killed, newest last
	jobs    []string    // every submit that was acknowledged
	asking  *session    // nil: not yet, or the database went away
	told    *bytes.Buffer
}

// recovery is how long an instance may take until what broke is mended: leases run out, parts start again. It is only a
// limit on waiting, for a machine that does much else.
const recovery = 6 * time.Minute

// newDrill founds a city in a new data folder.
func newDrill(t *testing.T, data string) *drill {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	must(t, err)
	dir := t.TempDir()
	o := options{dir: dir, data: data, sluice: filepath.Join(bin, "sluice"), freeze: "small table"}
	o.listen, err = freePort(t.Context())
	must(t, err)
	told := new(bytes.Buffer)
	s, err := openStory(dir, told)
	must(t, err)
	d := &drill{
		t: t, ctx: t.Context(), told: told,
		demo: &demo{options: o, story: s, cast: newCast(), server: "http://" + o.listen},
	}
	d.start()
	t.Cleanup(func() { d.stop(t) })
	for _, step := range []func(context.Context) error{d.found, d.publish, d.register, d.agree} {
		must(t, step(d.ctx))
	}
	return d
}

func (d *drill) start() {
	d.t.Helper()
	up, err := start(context.Background(), d.options)
	must(d.t, err)
	d.up = up
}

// stop ends the instance, and shows its log where a drill failed.
func (d *drill) stop(t *testing.T) {
	d.hangUp()
	if err := d.up.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if t.Failed() {
		log, err := os.ReadFile(d.up.log.Name())
		t.Logf("%s\nlog (%v):\n%s", d.told, err, log[max(0, len(log)-20<<10):])
	}
}

// pid waits for a part of the instance and returns its process.
func (d *drill) pid(part string) (pid int) {
	d.t.Helper()
	d.await(part, func() (bool, error) {
		var err error
		pid, err = findPart(d.up.cmd.Process.Pid, part)
		return pid != 0, err
	})
	return pid
}

func (d *drill) signal(part string, s syscall.Signal) {
	d.t.Helper()
	pid := d.pid(part)
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		d.t.Fatalf("%s to %s: %v", s, part, err)
	}
	if s == syscall.SIGSTOP { // a drill that failed must not stop the next one
		d.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
}

// kill ends a part without a word, and returns when what it had started is gone too: a database whose first process has
// been killed goes on to answer for a moment.
func (d *drill) kill(part string) {
	d.t.Helper()
	d.breathe(1)
	pid := d.pid(part)
	below, err := childrenOf(pid)
	must(d.t, err)
	since := map[int]string{}
	for _, each := range append(below, pid) {
		since[each] = born(each)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		d.t.Fatalf("killing %s: %v", part, err)
	}
	d.crash()
	d.await("the end of "+part, func() (bool, error) {
		for each, at := range since {
			if at != "" && born(each) == at {
				return false, nil
			}
		}
		return true, nil
	})
}

// born tells when a process was started, "" of one that has ended: process ids are used again. proc_pid_stat(5) has the
// time as the 20th field behind the name, which may hold anything.
func born(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const state, since = 0, 19
	if err != nil || len(fields) <= since || fields[state] == "Z" {
		return ""
	}
	return fields[since]
}

func (d *drill) crash() { d.crashes = append(d.crashes, time.Now()) }

// breathe waits until some more parts may crash, four at most: the supervisor forgives five crashes a minute, and one
// more may follow from another. What must not wait in between breathes for all of its crashes beforehand.
func (d *drill) breathe(crashes int) {
	d.t.Helper()
	const forgiven = 4
	if last := len(d.crashes) - forgiven + crashes - 1; last >= 0 {
		must(d.t, pause(d.ctx, time.Until(d.crashes[min(last, len(d.crashes)-1)].Add(time.Minute))))
	}
}

// await polls until something is so.
func (d *drill) await(what string, met func() (bool, error)) {
	d.t.Helper()
	limit := time.Now().Add(recovery)
	for {
		ok, err := met()
		if ok && err == nil {
			return
		}
		if time.Now().After(limit) {
			d.t.Fatalf("waiting for %s took too long: %v", what, err)
		}
		must(d.t, pause(d.ctx, 20*time.Millisecond))
	}
}

// submit submits the story's job D.
func (d *drill) submit() job.View {
	d.t.Helper()
	p, err := d.packaged("visits-by-cover")
	must(d.t, err)
	j, err := d.developer.Jobs.Submit(d.ctx, p)
	must(d.t, err)
	d.jobs = append(d.jobs, j.Number)
	return j
}

// reaches waits until a job is in a state, and fails when it ends in another.
func (d *drill) reaches(number string, state flow.State) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, recovery)
	defer cancel()
	j, err := d.developer.Jobs.WaitState(ctx, number, string(state))
	must(d.t, err)
	if j.State != string(state) {
		d.t.Fatalf("%s is %s (%s %s), want %s", number, j.State, j.Stopped, j.Failure, state)
	}
}

// runs submits a job and takes it to its quarantined output.
func (d *drill) runs() (number string) {
	d.t.Helper()
	j := d.submit()
	d.consent(j.Number)
	d.reaches(j.Number, job.OutputQuarantined)
	return j.Number
}

// consent has both seats agree to a job's run.
func (d *drill) consent(number string) {
	d.t.Helper()
	d.reaches(number, job.Checked)
	for _, seat := range []*persona{d.officer, d.chief} {
		_, err := seat.Jobs.Approve(d.ctx, number)
		must(d.t, err)
	}
}

// released waits until a request's output is out.
func (d *drill) released(request string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, recovery)
	defer cancel()
	l, err := d.developer.Releases.WaitFor(ctx, request)
	must(d.t, err)
	if l.State != string(release.Released) {
		d.t.Fatalf("the release of %s is %s", request, l.State)
	}
}

// endsWell checks what must hold after every drill: each acknowledged submit is there, ended and not by the platform's
// fault unless it may have; no request was released twice; the log verifies; fsck finds nothing.
func (d *drill) endsWell(mayEnd ...flow.State) {
	d.t.Helper()
	for _, number := range d.jobs {
		j, err := d.developer.Jobs.Show(d.ctx, number)
		must(d.t, err)
		if s := flow.State(j.State); s != job.OutputQuarantined && s != job.Closed && !slices.Contains(mayEnd, s) {
			d.t.Errorf("%s is %s (%s %s)", number, j.State, j.Stopped, j.Failure)
		}
	}
	releases, err := d.reviewer.Releases.List(d.ctx)
	must(d.t, err)
	seen := map[string]bool{}
	for _, l := range releases {
		if seen[l.Request] {
			d.t.Errorf("%s was released twice", l.Request)
		}
		seen[l.Request] = true
	}
	d.fsck()
}

// fsck has the program check the running instance. What was interrupted may lie there for a minute (I5).
func (d *drill) fsck() {
	d.t.Helper()
	var said []byte
	d.await("a clean fsck", func() (bool, error) {
		var err error
		said, err = exec.CommandContext(d.ctx, d.sluice, "fsck", "--data", d.data).CombinedOutput()
		if err != nil {
			return false, fmt.Errorf("%w:\n%s", err, said)
		}
		return true, nil
	})
}

// answers tells whether the API answers, however it does: 503 counts.
func (d *drill) answers() error {
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, d.server+"/api/v1/jobs", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(asked)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// session is one connection to the instance's database as its owner, by PostgreSQL's own program.
type session struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *lineReader
}

// sql opens a session. It is one of the machine's administrator: no part may do this.
func (d *drill) sql() *session {
	d.t.Helper()
	sum := sha256.Sum256([]byte(d.data))
	secret, err := os.ReadFile(filepath.Join(d.data, "secret", "pg", "owner"))
	must(d.t, err)
	s := &session{cmd: exec.Command("psql", "-AtXq", "-h", "/run/sluice/"+hex.EncodeToString(sum[:4])+"/pg", "-U", "sluice_owner", "-d", "sluice")}
	s.cmd.Env = append(os.Environ(), "PGPASSWORD="+strings.TrimSpace(string(secret)))
	s.in, err = s.cmd.StdinPipe()
	must(d.t, err)
	out, err := s.cmd.StdoutPipe()
	must(d.t, err)
	s.cmd.Stderr = s.cmd.Stdout
	s.out = newLineReader(out)
	must(d.t, s.cmd.Start())
	return s
}

// ask runs one statement and returns what it said; the session is over when it fails.
func (s *session) ask(statement string) (string, error) {
	const end = "--end--"
	if _, err := fmt.Fprintf(s.in, "%s;\n\\echo %s\n", statement, end); err != nil {
		return "", fmt.Errorf("asking the database: %w", err)
	}
	var said []string
	for {
		line, err := s.out.read()
		if err != nil {
			return "", fmt.Errorf("asking the database: %w: %s", err, strings.Join(said, " "))
		}
		if line == end {
			return strings.Join(said, "\n"), nil
		}
		said = append(said, line)
	}
}

// close ends a session, and with it what it holds.
func (s *session) close() {
	_ = s.in.Close()
	_ = s.cmd.Wait() // its server may be gone
}

// asked asks the database once, again while it is away.
func (d *drill) asked(statement string) (said string) {
	d.t.Helper()
	d.await("the database", func() (bool, error) {
		if d.asking == nil {
			d.asking = d.sql()
		}
		var err error
		said, err = d.asking.ask(statement)
		if err != nil || strings.Contains(said, "FATAL") || strings.Contains(said, "ERROR") {
			d.hangUp()
			return false, err
		}
		return true, nil
	})
	return said
}

// hangUp ends the session of asked.
func (d *drill) hangUp() {
	if d.asking != nil {
		d.asking.close()
		d.asking = nil
	}
}

// lineReader reads lines with their ends cut off.
type lineReader struct{ *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReader(r)} }

func (r *lineReader) read() (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}
