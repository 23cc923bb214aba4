package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy/screen"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// imagesDir is where `make setup-test` puts the image of deploy/images/python.
const imagesDir = "/usr/local/lib/sluice/images"

// secretValue stands in the data: no answer to an author may hold it.
const secretValue = 4711

// shop is a worker with everything real about it but the record: engine, launcher, store, runner, image.
type shop struct {
	t      *testing.T
	worker *sandbox.Worker
	queue  *oneLetter
	keys   work.Keys
	image  string
	runner string // program
	tables []task.TableSpec
	input  work.Input
}

// oneLetter is a queue with one piece of work that the keeper has admitted.
type oneLetter struct {
	letter  []byte
	keys    []byte
	claimed postgres.Claimed
	public  keyring.PublicKey
	outcome string
	result  json.RawMessage
}

func (q *oneLetter) Claim(_ context.Context, _ string, public []byte, _ time.Duration, _ []task.Runtime) (c postgres.Claimed, ok bool, err error) {
	q.claimed = postgres.Claimed{ID: uuid.NewString(), Kind: "run", Fence: 1, Letter: q.letter}
	q.public, err = keyring.ParsePublicKey(public)
	return q.claimed, err == nil, err
}

func (q *oneLetter) Append(_ context.Context, c postgres.Claimed, _ string, _ json.RawMessage, _ time.Duration) (postgres.Standing, error) {
	sealed, err := keyring.Seal(q.public, work.SealInfo(c.ID, c.Fence), q.keys)
	return postgres.Standing{Admitted: true, Keys: sealed}, err
}

func (q *oneLetter) Seal(_ context.Context, _ postgres.Claimed, outcome string, result json.RawMessage) error {
	q.outcome, q.result = outcome, result
	return nil
}

func (q *oneLetter) Tell(context.Context, postgres.SelfTest) error { return nil }

// runnerProgram links the runner as `make build` does.
func runnerProgram(t *testing.T) string {
	t.Helper()
	out := filepath.Join(dockertest.Dir(t), "sluice-runner")
	build := exec.Command("go", "build", "-trimpath", "-tags", "osusergo,netgo", "-ldflags",
		`-s -w -linkmode external -extldflags "-static -Wl,--no-warnings"`, "-o", out, "../cmd/sluice-runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if told, err := build.CombinedOutput(); err != nil {
		t.Fatalf("linking the runner: %v\n%s", err, told)
	}
	return out
}

// pinned is the image the repository builds.
func pinned(t *testing.T) string {
	t.Helper()
	digest, err := os.ReadFile("../deploy/images/python/digest")
	if err != nil {
		t.Fatal(err)
	}
	return "sha256:" + strings.TrimSpace(string(digest))
}

// testLog is where the worker tells how each step ended.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

func openShop(t *testing.T) *shop {
	t.Helper()
	limits := docker.DefaultLimits()
	bound := limits[task.Python]
	bound.Wall, bound.OutBytes = time.Minute, 8<<20
	limits[task.Python] = bound
	program := runnerProgram(t)
	l, err := launcher.New(t.Context(), launcher.Options{
		Engine: dockertest.Private(t).Socket(), Base: filepath.Join(dockertest.Dir(t), "runs"), Runner: program,
		Images: imagesDir, Foreign: true, Limits: limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the launcher: %v", err)
		}
	})
	key := bytes.Repeat([]byte{7}, 32)
	id, other := uuid.NewString(), uuid.NewString()
	s := &shop{
		t: t, image: pinned(t), runner: program, queue: &oneLetter{},
		keys: work.Keys{
			Data: map[string][]byte{id: key}, Write: &work.WriteKey{ID: other, Secret: key}, Units: map[string][]byte{"visits": key},
			Digest: map[string][]byte{"visits": key}, Token: bytes.Repeat([]byte{8}, 32), Seed: bytes.Repeat([]byte{9}, 32),
		},
	}
	s.worker = &sandbox.Worker{
		Queue: s.queue, Engine: l, Store: objecttest.Start(t).Open(t, object.Worker), Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
		Dir: t.TempDir(), Lease: time.Minute, Beat: time.Second, Pause: time.Second, Now: time.Now,
	}
	columns := []task.Column{
		{Name: "id", Type: task.Text, Level: 3, Role: task.Identifier},
		{Name: "plan", Type: task.Text, Level: 1, Role: task.Other},
		{Name: "visits", Type: task.Integer, Level: 2, Role: task.Other},
	}
	units := []task.Unit{{Kind: "resident", Column: "id"}}
	part := s.part(columns, units)
	data, err := object.NewDataKey(id, key)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := s.worker.Store.Put(t.Context(), object.Data, data, bytes.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	shown := columns[1:]
	s.tables = []task.TableSpec{{Input: "visits", Columns: shown, Units: units}}
	s.input = work.Input{Scope: task.Scope{Input: "visits", Columns: shown, Units: units}, Dataset: "visits", Parts: []object.Ref{ref}}
	return s
}

// part makes the rows: 240 residents of two plans, one to three rows each, one value nobody else has.
func (s *shop) part(columns []task.Column, units []task.Unit) []byte {
	s.t.Helper()
	root := filepath.Join(filepath.Dir(s.runner), "ingest")
	in, out := filepath.Join(root, task.In), filepath.Join(root, task.Out)
	var text strings.Builder
	text.WriteString("id,plan,visits\n")
	for who := range 240 {
		for row := range who%3 + 1 {
			visits := (who*7 + row*3) % 12
			if who == 17 && row == 0 {
				visits = secretValue
			}
			fmt.Fprintf(&text, "R%04d,%s,%d\n", who, []string{"free", "shared"}[who/3%2], visits)
		}
	}
	letter, err := json.Marshal(task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Columns: columns, Units: units, MaxErrors: 1}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, dir := range []string{root, in, out, filepath.Join(root, "tmp")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	err = errors.Join(os.WriteFile(filepath.Join(in, "raw"), []byte(text.String()), 0o600),
		os.WriteFile(filepath.Join(in, task.LetterFile), letter, 0o600), os.Link(s.runner, filepath.Join(root, "runner")))
	if err != nil {
		s.t.Fatal(err)
	}
	ingest := exec.CommandContext(s.t.Context(), "/runner", string(task.Ingest))
	ingest.Dir, ingest.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root} // its folders are those of a container
	if err := ingest.Run(); err != nil {
		s.t.Fatalf("reading the rows: %v", err)
	}
	body, err := os.ReadFile(filepath.Join(out, "part-0001.parquet"))
	if err != nil {
		s.t.Fatal(err)
	}
	return body
}

// do has the worker do one letter.
func (s *shop) do(letter work.Letter) (string, work.Result) {
	s.t.Helper()
	var err error
	if s.queue.letter, err = json.Marshal(letter); err != nil {
		s.t.Fatal(err)
	}
	if s.queue.keys, err = json.Marshal(s.keys); err != nil {
		s.t.Fatal(err)
	}
	if worked, err := s.worker.Once(s.t.Context()); err != nil || !worked {
		s.t.Fatalf("working: %v %v", worked, err)
	}
	var result work.Result
	if err := json.Unmarshal(s.queue.result, &result); err != nil {
		s.t.Fatal(err)
	}
	return s.queue.outcome, result
}

// declared are the tables a job asks for, one a relation.
func declared(relations ...string) (tables []task.Table) {
	for _, r := range relations {
		tables = append(tables, task.Table{
			Name: r + "_by_band", From: r,
			By:       []task.Dimension{{Column: "plan", Values: []string{"free", "shared"}}, {Column: "band", Values: []string{"few", "many"}}},
			Measures: []task.Measure{{Name: "people", Stat: task.StatUnits}, {Name: "mean", Stat: task.StatMean, Of: "visits"}},
		})
	}
	return tables
}

func labelled(relations ...string) (declared []task.Labelled) {
	for _, r := range relations {
		declared = append(declared, task.Labelled{Name: r, Of: "visits", Labels: []string{"band"}})
	}
	return declared
}

// python is a folder with one file.
func (s *shop) python(code string, relations ...string) *work.PythonCode {
	return &work.PythonCode{Image: s.image, Files: []task.SourceFile{{Name: "main.py", Text: code}}, Relations: labelled(relations...)}
}

// check has code checked, and returns its verdict.
func (s *shop) check(l work.CheckLetter, relations ...string) task.CheckReport {
	s.t.Helper()
	l.Tables, l.Output = s.tables, declared(relations...)
	outcome, result := s.do(work.Letter{Kind: work.Check, Check: &l})
	if outcome != "success" || result.Check == nil {
		s.t.Fatalf("checking: %s %+v", outcome, result.Failure)
	}
	return *result.Check
}

// plan is the plan of code that passes its check.
func (s *shop) plan(l work.CheckLetter, relations ...string) []task.RelationPlan {
	s.t.Helper()
	r := s.check(l, relations...)
	if len(r.Findings) > 0 {
		s.t.Fatalf("findings: %+v", r.Findings)
	}
	return r.Relations
}

// run runs checked code on the real rows.
func (s *shop) run(plan []task.RelationPlan, python *work.PythonCode, splits int) (string, work.Result) {
	s.t.Helper()
	return s.do(work.Letter{Kind: work.Run, Run: &work.RunLetter{Inputs: []work.Input{s.input}, Code: work.Code{
		Relations: plan, Tables: s.tables, Output: outputs(plan), RoundTo: 5, MemoryMB: 512, Threads: 1, Splits: splits, Near: 9,
		DigestBy: "visits", Python: python,
	}}})
}

// outputs are the declared tables of a plan.
func outputs(plan []task.RelationPlan) (tables []task.Table) {
	for _, r := range plan {
		tables = append(tables, declared(r.Relation)...)
	}
	return tables
}

// findings are what the evidence of a run comes to under the city's rules, an output each.
func (s *shop) findings(r work.Result) map[string][]string {
	s.t.Helper()
	if r.Evidence == nil {
		s.t.Fatalf("no evidence: %+v", r.Failure)
	}
	key, err := object.NewDataKey(s.keys.Write.ID, s.keys.Write.Secret)
	if err != nil {
		s.t.Fatal(err)
	}
	var body bytes.Buffer
	if err := s.worker.Store.Get(s.t.Context(), *r.Evidence, key, &body); err != nil {
		s.t.Fatal(err)
	}
	var found task.ScreenEvidence
	if err := json.Unmarshal(body.Bytes(), &found); err != nil {
		s.t.Fatal(err)
	}
	rules := screen.Rules{MinUnits: 10, DominanceShare: 0.9, PPercent: 0.1, MinVarying: 10, MinDifference: 10, RoundTo: 5}
	codes := map[string][]string{}
	for _, fact := range found.Facts {
		for _, f := range screen.Judge(fact, rules) {
			codes[fact.Output] = append(codes[fact.Output], f.Code)
		}
	}
	return codes
}

const honest = `
import sluice
visits = sluice.table("visits")
visits["band"] = (visits.visits < 5).map({True: "few", False: "many"})
sluice.relation("people", visits)
`

const sameInSQL = `-- relation: people
SELECT resident, plan, visits, CASE WHEN visits < 5 THEN 'few' ELSE 'many' END AS band FROM visits
`

// An honest job comes to the very bytes the same job in SQL comes to, and nothing blocks it. What is built in hostile
// code comes to a refusal or a failure of its own name, without a value. What the runner can be shown without a
// container is in its own tests.
func TestPython(t *testing.T) {
	s := openShop(t)
	plan := s.plan(work.CheckLetter{CheckLetter: task.CheckLetter{Relations: labelled("people")}, Python: s.python(honest)}, "people")
	t.Run("honest", func(t *testing.T) { s.honest(t, plan) })
	t.Run("blocked", s.blocked)
	t.Run("failed", func(t *testing.T) { s.failed(t, plan) })
	t.Run("checked", s.unreadable)
}

func (s *shop) honest(t *testing.T, plan []task.RelationPlan) {
	outcome, python := s.run(plan, s.python(honest, "people"), 2)
	if outcome != "success" || len(python.Outputs) != 1 {
		t.Fatalf("outcome %s: %+v", outcome, python.Failure)
	}
	if codes := s.findings(python); len(codes) > 0 {
		t.Errorf("an honest job is blocked: %v", codes)
	}
	sql := s.plan(work.CheckLetter{CheckLetter: task.CheckLetter{Code: sameInSQL}}, "people")
	outcome, same := s.run(sql, nil, 2)
	if outcome != "success" || len(same.Outputs) != 1 {
		t.Fatalf("in SQL: outcome %s: %+v", outcome, same.Failure)
	}
	if d := cmp.Diff(same.Outputs[0].Object.Digest, python.Outputs[0].Object.Digest); d != "" {
		t.Errorf("figures (-SQL +Python):\n%s", d)
	}
}

// Every relation of this code is not what it says, but for the last.
const forged = `
import pandas, sluice
visits = sluice.table("visits")
visits["band"] = "few"
sluice.relation("mean", visits.assign(band=(visits.visits < visits.visits.mean()).map({True: "few", False: "many"})))
sluice.relation("target", visits.assign(band="few" if visits.visits.max() > 4000 else "many"))
sluice.relation("tokens", visits.assign(resident=visits.resident.iloc[::-1].values))
sluice.relation("rows", visits.assign(_row=["%032x" % i for i in range(len(visits))]))
sluice.relation("twice", pandas.concat([visits, visits]))
sluice.relation("people", visits.assign(band=(visits.visits < 5).map({True: "few", False: "many"}), visits=0))
`

// blocked plays code whose relations are not what they say: nothing of them can leave. A measure of its own is not
// even looked at.
func (s *shop) blocked(t *testing.T) {
	wants := map[string]string{
		"mean": screen.CodeDepends, "target": screen.CodeDepends, "tokens": screen.CodeForged, "rows": screen.CodeForged,
		"twice": screen.CodeRepeated, "people": "",
	}
	names := slices.Sorted(maps.Keys(wants))
	plan := s.plan(work.CheckLetter{CheckLetter: task.CheckLetter{Relations: labelled(names...)}, Python: s.python(forged)}, names...)
	outcome, r := s.run(plan, s.python(forged, names...), 2)
	if outcome != "success" {
		t.Fatalf("outcome %s: %+v", outcome, r.Failure)
	}
	found := s.findings(r)
	for name, want := range wants {
		if codes := found[name+"_by_band"]; want != "" && !slices.Contains(codes, want) {
			t.Errorf("%s: found %v, want %s among it", name, codes, want)
		}
	}
	for _, code := range found["people_by_band"] {
		if code != screen.CodeDiffUnits && code != screen.CodeDiffRows { // it stands beside the forged ones
			t.Errorf("the honest relation is blocked: %s", code)
		}
	}
}

// failed plays code that ends without a relation. What its author learns holds no value.
func (s *shop) failed(t *testing.T, plan []task.RelationPlan) {
	const load = "import sluice\nvisits = sluice.table('visits')\nvisits['band'] = 'few'\n"
	const done = "sluice.relation('people', visits)\n"
	for name, c := range map[string]struct {
		code, outcome string
		want          *task.Failure
	}{
		"a value in its words": {load + "raise type('V%d' % visits.visits.max(), (ValueError,), {})(visits.visits.max())\n", "failed",
			&task.Failure{Class: task.FailCast, File: "main.py", Line: 4}},
		"a model and a link": {load + done + "import joblib, os\nos.symlink('/in/task.json', '/tmp/link')\njoblib.dump(visits, '/out/model.joblib')\n",
			"failed", &task.Failure{Class: task.FailModel}},
		"a link":        {load + done + "import os\nos.symlink('/in/task.json', '/out/link.csv')\n", "failed", &task.Failure{Class: task.FailOutput}},
		"huge output":   {load + done + "f = open('/out/rows.csv', 'wb')\nwhile True: f.write(b'x' * 1048576)\n", "limit", nil},
		"without end":   {"while True: pass\n", "limit", nil},
		"ended by hand": {"import os\nos._exit(3)\n", "failed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, r := s.run(plan, s.python(c.code, "people"), 1)
			if outcome != c.outcome || r.Evidence != nil {
				t.Fatalf("outcome %s, want %s (%+v)", outcome, c.outcome, r.Failure)
			}
			if d := cmp.Diff(c.want, r.Failure); d != "" {
				t.Errorf("failure (-want +got):\n%s", d)
			}
			if bytes.Contains(s.queue.result, []byte(fmt.Sprint(secretValue))) {
				t.Errorf("a value is in the answer: %s", s.queue.result)
			}
		})
	}
}

// unreadable plays code its check refuses: none of it runs.
func (s *shop) unreadable(t *testing.T) {
	r := s.check(work.CheckLetter{CheckLetter: task.CheckLetter{Relations: labelled("people")}, Python: s.python("import sluice\nif True\n")}, "people")
	want := []task.CheckFinding{{Code: "python.syntax", File: "main.py", Line: 2, Remedy: "remedy.python.syntax"}}
	if d := cmp.Diff(want, r.Findings); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// An image runs only where the administrator has put it, and only for the verb that has one.
func TestImagesOfTheListOnly(t *testing.T) {
	s := openShop(t)
	for what, run := range map[string]sandbox.Run{
		"an image nobody gave":    {Verb: task.Python, Image: "sha256:" + strings.Repeat("0", 64)},
		"a path for a digest":     {Verb: task.Python, Image: "sha256:../../../" + strings.Repeat("0", 55)},
		"no image":                {Verb: task.Python},
		"an image for the runner": {Verb: task.SQL, Image: s.image},
	} {
		run.Work, run.Fence, run.Step = uuid.NewString(), 1, 1
		if _, err := s.worker.Engine.Prepare(t.Context(), run); !errors.Is(err, launcher.Invalid) {
			t.Errorf("%s: %v, want %v", what, err, launcher.Invalid)
		}
	}
}
