package docker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// BenchmarkJob times the container of an author's statements from its creation to its removal, under gVisor and, by turns,
// under runc with the same bounds: what the stronger wall costs a cold job that does the work of the demo's job D, over as
// many rows. The containers before it, which are not timed, are those of every job: ingest, check, stage.
func BenchmarkJob(b *testing.B) {
	w := newWorkshop(b)
	w.prepare(b)
	took := map[task.Runtime][]time.Duration{}
	for b.Loop() {
		for _, runtime := range []task.Runtime{task.GVisor, task.Runc} {
			w.runtime = runtime
			began := time.Now()
			w.do(b, task.SQL)
			took[runtime] = append(took[runtime], time.Since(began))
			if got := w.report.SQL; got == nil || len(got.Relations) != 1 || got.Relations[0].Rows != jobRows {
				b.Fatalf("under %s it made %+v, %+v", runtime, got, w.report.Failure)
			}
			w.empty(b)
		}
	}
	own, floor := median(took[task.GVisor]), median(took[task.Runc])
	b.ReportMetric(float64(own), "ns-gvisor")
	b.ReportMetric(float64(floor), "ns-runc")
	b.ReportMetric(float64(own)/float64(floor), "x-runc")
}

// jobRows is how many person-years the demo publishes.
const jobRows = 20190

// workshop runs the containers of one job after another, each with a directory to read and one to write.
type workshop struct {
	engine  *docker.Engine
	image   string
	dir     string
	runtime task.Runtime
	round   int64
	report  task.Report
}

func newWorkshop(b *testing.B) *workshop {
	b.Helper()
	w := &workshop{engine: dockertest.Open(b), dir: dockertest.Dir(b), runtime: task.GVisor}
	var err error
	if w.image, err = w.engine.Import(b.Context(), "../../build/bin/sluice-runner"); err != nil {
		b.Fatalf("importing the runner: %v", err)
	}
	return w
}

// prepare leaves the staged table and the letter of the statements where the timed containers read them.
func (w *workshop) prepare(b *testing.B) {
	b.Helper()
	columns := []task.Column{
		{Name: "resident_id", Type: "text", Level: 4, Role: task.Identifier}, {Name: "plan", Type: "text", Level: 1, Role: task.Other},
		{Name: "health", Type: "text", Level: 2, Role: task.Sensitive}, {Name: "visits", Type: "integer", Level: 2, Role: task.Sensitive},
	}
	units := []task.Unit{{Kind: "resident", Column: "resident_id"}}
	var raw bytes.Buffer
	raw.WriteString("resident_id,plan,health,visits\n")
	for n := range jobRows {
		fmt.Fprintf(&raw, "r%05d,%s,%s,%d\n", n/5, []string{"free", "pays25", "pays50"}[n%3], []string{"good", "fair", "poor"}[n%7%3], n%41%9)
	}
	w.lay(b, task.Ingest, "raw", raw.Bytes())
	w.tell(b, task.Letter{Verb: task.Ingest, Ingest: &task.IngestLetter{Columns: columns, Units: units, MaxErrors: 1}})
	w.do(b, task.Ingest)
	part := w.left(b, task.Ingest, w.report.Ingest.Parts[0])

	granted := columns[1:]
	tables := []task.TableSpec{{Input: "visits", Columns: granted, Units: units}}
	w.tell(b, task.Letter{Verb: task.Check, Check: &task.CheckLetter{
		Code:   "-- relation: person_years\nSELECT resident,\n  CASE WHEN plan = 'free' THEN 'free' ELSE 'shared' END AS cover,\n  health,\n  visits\nFROM visits",
		Tables: tables, Output: []task.Table{},
	}})
	w.do(b, task.Check)
	if w.report.Check == nil || len(w.report.Check.Findings) > 0 {
		b.Fatalf("the statements are refused: %+v", w.report)
	}
	plan := w.report.Check.Relations

	w.lay(b, task.Stage, "visits/part-0001.parquet", part)
	w.tell(b, task.Letter{Verb: task.Stage, Stage: &task.StageLetter{TokenKey: make([]byte, 32), Inputs: []task.StageInput{{
		Scope: task.Scope{Input: "visits", Columns: granted, Units: units}, UnitKey: make([]byte, 32), Parts: []string{"visits/part-0001.parquet"},
	}}}})
	w.do(b, task.Stage)
	w.lay(b, task.SQL, "visits.parquet", w.left(b, task.Stage, "visits.parquet"))
	w.tell(b, task.Letter{Verb: task.SQL, SQL: &task.SQLLetter{Relations: plan, Tables: tables, MemoryMB: 512, Threads: 1}})
}

// lay puts a file where the container of a verb reads.
func (w *workshop) lay(b *testing.B, verb task.Verb, name string, body []byte) {
	b.Helper()
	path := filepath.Join(w.dir, string(verb), "in", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		b.Fatal(err)
	}
}

// tell leaves a letter for the container of its verb.
func (w *workshop) tell(b *testing.B, letter task.Letter) {
	b.Helper()
	body, err := json.Marshal(letter)
	if err != nil {
		b.Fatal(err)
	}
	w.lay(b, letter.Verb, task.LetterFile, body)
	out := filepath.Join(w.dir, string(letter.Verb), "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.Chown(out, docker.Nobody, docker.Nobody); err != nil {
		b.Fatal(err)
	}
}

// do runs the container of a verb and reads its report.
func (w *workshop) do(b *testing.B, verb task.Verb) {
	b.Helper()
	w.round++
	room := filepath.Join(w.dir, string(verb))
	exit, err := w.engine.RunBare(b.Context(), docker.Spec{
		Work: "0198c0de-0000-7000-8000-000000000003", Step: 1, Verb: verb, Fence: w.round, Image: w.image,
		In: filepath.Join(room, "in"), Out: filepath.Join(room, "out"), Limits: docker.DefaultLimits()[verb],
	}, docker.Bare{Runtime: string(w.runtime)})
	if err != nil || exit != (docker.Exit{}) {
		b.Fatalf("%s ended with %+v: %v", verb, exit, err)
	}
	w.report = task.Report{}
	if err := json.Unmarshal(w.left(b, verb, task.ReportFile), &w.report); err != nil {
		b.Fatal(err)
	}
}

// left reads what the container of a verb wrote.
func (w *workshop) left(b *testing.B, verb task.Verb, name string) []byte {
	b.Helper()
	body, err := os.ReadFile(filepath.Join(w.dir, string(verb), "out", name))
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// empty takes away what the statements wrote, for the next round.
func (w *workshop) empty(b *testing.B) {
	b.Helper()
	written, err := filepath.Glob(filepath.Join(w.dir, string(task.SQL), "out", "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range written {
		if err := os.Remove(path); err != nil {
			b.Fatal(err)
		}
	}
}
