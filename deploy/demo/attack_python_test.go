//go:build attack

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// python has Python jobs run through the whole instance: an honest one to its product, one that tries to get out, and
// those that flood, beside which the API must go on answering.
func (s *siege) python(t *testing.T) {
	s.allowPython(t)
	g, err := s.developer.Grants.Propose(t.Context(), s.pythonGrant())
	must(t, err)
	_, err = s.chief.Grants.Approve(t.Context(), g.Number)
	must(t, err)
	s.labels(t, g.Number)
	s.escapes(t, g.Number)
	s.exits(t, g.Number)
	s.depends(t, g.Number)
	for _, flood := range floods() {
		s.flood(t, g.Number, flood)
	}
}

// allowPython has two people of the platform approve the image that lies where the launcher looks, and the provider's
// terms allow Python.
func (s *siege) allowPython(t *testing.T) {
	archives, err := filepath.Glob("/usr/local/lib/sluice/images/sha256-*.tar")
	must(t, err)
	if len(archives) != 1 {
		t.Fatalf("run make setup-test: %d images", len(archives))
	}
	base := strings.TrimSuffix(archives[0], ".tar")
	sbom, err := os.ReadFile(base + ".spdx.json")
	must(t, err)
	second := &persona{login: "anquan-pt", name: "平台安全", roles: []org.Role{org.SecurityAdmin}}
	must(t, second.enter(t.Context(), s.server, s.admin.home, s.admin))
	digest := strings.Replace(filepath.Base(base), "sha256-", "sha256:", 1)
	made, err := s.admin.Images.Propose(t.Context(), wire.ImageSpec{Name: "python-test", Digest: digest, SBOM: string(name.DigestOf(sbom))})
	must(t, err)
	_, err = second.Images.Approve(t.Context(), made.Name)
	must(t, err)
	terms := declared().Terms
	terms.Operations = append(terms.Operations, name.OpPython)
	_, err = s.steward.Datasets.SetTerms(t.Context(), slug, terms)
	must(t, err)
}

func (s *siege) pythonGrant() (spec wire.GrantSpec) {
	spec = s.grantSpec("plan", "health", "visits")
	spec.Scope.Operations = []name.Operation{name.OpSQL, name.OpPython}
	return spec
}

// folder is a Python job of one file over the granted visits: people by cover and health.
func folder(grant, code string) job.Package {
	p := covered(grant)
	p.Engine, p.Files = job.EnginePython, []job.SourceFile{{Name: "main.py", Text: code}}
	p.Relations = []job.Relation{{Name: "people", Of: "visits", Labels: []string{"cover"}}}
	return p
}

// covered is what the Python job and its twin in SQL have alike.
func covered(grant string) job.Package {
	return job.Package{
		Format: job.PackageFormat, Name: "visits-by-cover", Purpose: purpose, Inputs: []job.Input{input("visits", grant, []string{"plan", "health", "visits"})},
		Outputs: []job.Output{{Table: &job.Table{
			Name: "by_cover", From: "people",
			By:       []job.Dimension{{Column: "cover", Values: []string{"free", "shared"}}, {Column: "health", Values: healths()}},
			Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}, {Name: "visits_mean", Stat: job.StatMean, Of: "visits"}},
		}}},
	}
}

const covers = `import sluice

visits = sluice.table("visits")
visits["cover"] = (visits.plan == "free").map({True: "free", False: "shared"})
sluice.relation("people", visits)
`

// labels holds the whole way of a Python job: its output is byte for byte that of the same question in SQL, and leaves as
// a product that verifies offline.
func (s *siege) labels(t *testing.T, grant string) {
	sql := covered(grant)
	sql.Engine = job.EngineSQL
	sql.Code = "-- relation: people\nSELECT resident, health, visits, CASE WHEN plan = 'free' THEN 'free' ELSE 'shared' END AS cover\nFROM visits"
	var outs []output.View
	for _, p := range []job.Package{sql, folder(grant, covers)} {
		j, found, err := s.runJob(t.Context(), p)
		must(t, err)
		if j.State != string(job.OutputQuarantined) || len(found) > 0 {
			t.Fatalf("%s ended %s %s %s: %+v", p.Engine, j.State, j.Failure, j.Findings, found)
		}
		all, err := s.developer.Outputs.List(t.Context(), j.Number)
		must(t, err)
		outs = append(outs, all...)
	}
	same := "differs from SQL's"
	if len(outs) == 2 && outs[0].Digest == outs[1].Digest {
		same = "that of SQL"
	}
	s.enter(t, "Python", "an honest job's output", same, "that of SQL")
	s.enter(t, "Python", "its product, offline", s.leaves(t, outs[1]), "verified")
}

// leaves has both seats vote for an output, and verifies what is handed out.
func (s *siege) leaves(t *testing.T, o output.View) string {
	t.Helper()
	r, err := s.developer.Requests.Open(t.Context(), output.RequestSpec{Job: o.Job, Output: o.Name, Context: "Visits by cover and health, for the yearly report."})
	must(t, err)
	_, err = s.officer.Requests.Vote(t.Context(), r.Number, output.OperatorSeat, output.Approve)
	must(t, err)
	_, err = s.reviewer.Requests.Vote(t.Context(), r.Number, output.AgencySeat, output.Approve)
	must(t, err)
	l, err := s.developer.Releases.WaitFor(t.Context(), r.Number)
	must(t, err)
	pkg, err := s.developer.Releases.Get(t.Context(), l.Number)
	must(t, err)
	root, err := client.ReadRoot(filepath.Join(s.data, "root", "root.pub"))
	must(t, err)
	if err := client.VerifyRelease(pkg, root); err != nil {
		return err.Error()
	}
	return "verified"
}

// escapes tries every way out in one run. A way that is open divides by zero on its own line; at the end a cast fails.
func (s *siege) escapes(t *testing.T, grant string) {
	ways := []string{
		"dial('1.1.1.1', 53)", "dial('127.0.0.1', 5432)", "dial('169.254.169.254', 80)", "sends('1.1.1.1', 53)", "raw()", "family(40)",
		"family(17)", "writes('/sluice')", "writes('/etc/passwd')", "writes('/in/left')", "writes('/proc/sysrq-trigger')", "writes('/sys/kernel/x')",
		"reads('/proc/1/root/etc/shadow')", "reads('/dev/mem')", "reads('/dev/kmsg')", "exists('/var/run/docker.sock')", "exists('/run/docker.sock')",
		"calls(101, 0, 0, 0, 0)", "calls(425, 8, 0)", "calls(321, 0, 0, 0)", "calls(323, 0)", "calls(250, 0, 0, 0)", "calls(165, 0, 0, 0, 0)",
		"calls(272, 0x10000000)", "calls(155, 0, 0)", "calls(161, 0)", "calls(175, 0, 0)", "pipe('/out/fifo')", "node('/tmp/null')", "root()", "told()",
	}
	code := `import ctypes, os, socket, stat
libc = ctypes.CDLL(None, use_errno=True)
def open_(act):
    try:
        return act() is not False
    except (OSError, PermissionError):
        return False
def dial(host, port): return open_(lambda: socket.create_connection((host, port), 2))
def sends(host, port): return open_(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (host, port)))
def raw(): return open_(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
def family(n): return open_(lambda: socket.socket(n, socket.SOCK_STREAM))
def writes(path): return open_(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)))
def reads(path): return open_(lambda: open(path, 'rb').read(1))
def exists(path): return os.path.exists(path)
def calls(n, *with_): return libc.syscall(n, *with_) >= 0
def pipe(path): return open_(lambda: os.mkfifo(path))
def node(path): return open_(lambda: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3)))
def root(): return open_(lambda: os.setuid(0)) or os.getuid() == 0
def told(): return any(w in k + v for k, v in os.environ.items() for w in ('KEY', 'TOKEN', 'SECRET', 'SLUICE', 'J-20', 'G-20'))
`
	first := strings.Count(code, "\n") + 1
	for _, way := range ways {
		code += "if " + way + ": 1 / 0\n"
	}
	j, _, err := s.runJob(t.Context(), folder(grant, code+"int('x')\n"))
	must(t, err)
	got := told(t, j)
	s.enter(t, "S01 S02 S03", fmt.Sprintf("%d ways out, line %d on", len(ways), first), j.State+" "+got, "failed cast")
}

// killed is how a process ends that SIGKILL ends: 128 and the signal's number.
const killed = 137

// exits ends the interpreter with numbers that mean something elsewhere: each is the one failure, with nothing told by it.
func (s *siege) exits(t *testing.T, grant string) {
	for _, n := range []int{0, 1, 2, 42, 126, killed, 143, 255} {
		j, _, err := s.runJob(t.Context(), folder(grant, fmt.Sprintf("import os\nos._exit(%d)\n", n)))
		must(t, err)
		want := "failed "
		if n == killed { // as the kernel's own kill over a bound: the one number that cannot be told from it
			want = "timed_out "
		}
		s.enter(t, "S28", fmt.Sprintf("os._exit(%d)", n), j.State+" "+told(t, j), want)
	}
}

// depends labels by everybody: the split test finds it. What is held against the mean is finer than a whole number of visits,
// whose label is the same under every mean between two of them, and depends on nobody then.
func (s *siege) depends(t *testing.T, grant string) {
	const code = `import sluice

visits = sluice.table("visits")
exact = visits.visits + visits.index / len(visits)
visits["cover"] = (exact < exact.mean()).map({True: "free", False: "shared"})
sluice.relation("people", visits)
`
	j, found, err := s.runJob(t.Context(), folder(grant, code))
	must(t, err)
	s.enter(t, "S26", "a label by everybody's mean", j.State+" "+codesOf(found)+" "+told(t, j), "relation.depends_on_others")
}

// flooder is a job that floods until it is stopped.
type flooder struct{ what, code string }

func floods() []flooder {
	return []flooder{
		{"processes", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"},
		{"memory", "held = []\nwhile True:\n    held.append(bytearray(b'x' * (1 << 24)))\n"},
		{"disk", "n = 0\nwhile True:\n    n += 1\n    try:\n        open('/tmp/%d' % n, 'wb').write(b'x' * (1 << 20)); open('/out/%d' % n, 'wb').write(b'x' * (1 << 20))\n    except OSError: pass\n"},
		{"log", "while True: print('x' * 4096)\n"},
	}
}

// asks is how often the API is asked beside a flood, and patient how long one answer may take.
const (
	asks    = 300
	patient = 5 * time.Second
)

// flood runs one beside the API. Each answer of it counts, from a good one to a record that is read.
func (s *siege) flood(t *testing.T, grant string, f flooder) {
	j, err := s.developer.Jobs.Submit(t.Context(), folder(grant, f.code))
	must(t, err)
	_, err = s.approved(t.Context(), j)
	must(t, err)
	_, err = s.developer.Jobs.WaitState(t.Context(), j.Number, string(job.Running))
	must(t, err)
	bad, worst := s.asked(t)
	if now, err := s.developer.Jobs.Show(t.Context(), j.Number); err == nil && now.EndedAt == nil {
		_, err = s.developer.Jobs.Cancel(t.Context(), j.Number)
		must(t, err)
	}
	j, err = s.developer.Jobs.Wait(t.Context(), j.Number)
	must(t, err)
	t.Logf("S04  a flood of %-9s ended %s; the slowest of %d answers took %v", f.what, j.State, asks, worst.Round(time.Millisecond))
	s.enter(t, "S04", "a flood of "+f.what+", beside it the API", fmt.Sprintf("%s; %d of %d answers failed", j.State, bad, asks),
		string(job.Killed)+"; 0 of", string(job.Failed)+"; 0 of", string(job.TimedOut)+"; 0 of")
	if j, _, err = s.runJob(t.Context(), folder(grant, covers)); err != nil || j.State != string(job.OutputQuarantined) {
		t.Errorf("after a flood of %s an honest job ends %s: %v", f.what, j.State, err)
	}
}

// asked asks the API for its health and for a job list by turns.
func (s *siege) asked(t *testing.T) (bad int, worst time.Duration) {
	t.Helper()
	for i := range asks {
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		began := time.Now()
		err := s.asksOnce(ctx, i%2 == 0)
		worst = max(worst, time.Since(began))
		cancel()
		if err != nil {
			bad++
			t.Logf("answer %d: %v", i, err)
		}
	}
	return bad, worst
}

func (s *siege) asksOnce(ctx context.Context, health bool) error {
	if !health {
		_, err := s.developer.Jobs.List(ctx)
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d: %w", answer.StatusCode, err)
	}
	return nil
}
