package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/task"
)

// BenchmarkJobD times job D from submit to quarantined on a running instance with the demo's data, both seats
// consenting as soon as they may, and beside it the same SQL over the same rows by DuckDB in a plain process
// (fork to exit), by turns. It reports the medians and their ratio. The clock looks five times a second, as
// everybody's `job wait` does.
func BenchmarkJobD(b *testing.B) {
	dir := b.TempDir()
	d := staged(b, dir, filepath.Join(dir, "data"))
	p, err := d.packaged("visits-by-cover")
	if err != nil {
		b.Fatal(err)
	}
	plain := newPlain(b, d.rows)
	var jobs, queries []time.Duration
	for b.Loop() {
		queries = append(queries, plain.query(b))
		jobs = append(jobs, d.timed(b, p))
	}
	own, floor := median(jobs), median(queries)
	b.ReportMetric(float64(own), "ns-job")
	b.ReportMetric(float64(floor), "ns-plain")
	b.ReportMetric(float64(own)/float64(floor), "x-plain")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// staged starts an instance in a folder and brings the demo's data to an active grant, as `make up` does.
func staged(b testing.TB, dir, data string) *demo {
	b.Helper()
	bin, err := filepath.Abs("../../build/bin")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	o := options{sluice: filepath.Join(bin, "sluice"), dir: dir, data: data, keep: true}
	if o.listen, err = freePort(ctx); err != nil {
		b.Fatal(err)
	}
	s, err := openStory(dir, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	started, err := start(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := started.stop(); err != nil {
			b.Error(err)
		}
		if err := s.close(); err != nil {
			b.Error(err)
		}
	})
	d := &demo{options: o, story: s, cast: newCast(), server: "http://" + o.listen}
	if err := d.play(ctx); err != nil {
		log, readErr := os.ReadFile(filepath.Join(dir, "up.log"))
		b.Fatalf("%v\nlog (%v): %s", err, readErr, log)
	}
	return d
}

// timed runs a job that must pass.
func (d *demo) timed(b *testing.B, p job.Package) time.Duration {
	b.Helper()
	began := time.Now()
	j, err := d.developer.Jobs.Submit(b.Context(), p)
	if err == nil {
		j, err = d.approved(b.Context(), j)
	}
	if err == nil {
		j, err = d.developer.Jobs.WaitState(b.Context(), j.Number, string(job.OutputQuarantined))
	}
	took := time.Since(began)
	if err != nil || j.State != string(job.OutputQuarantined) {
		b.Fatalf("job D ended as %q: %v", j.State, err)
	}
	return took
}

// plain is DuckDB in a process of its own: the tests' program of sandbox/runner, which alone may link it.
type plain struct{ program, dir string }

// newPlain compiles the program and has the table ingested as a publish does.
func newPlain(b *testing.B, rows []personYear) plain {
	b.Helper()
	dir := b.TempDir()
	p := plain{filepath.Join(dir, "plain"), dir}
	compile := exec.Command("go", "test", "-c", "-o", p.program, "../../sandbox/runner")
	compile.Env = append(os.Environ(), "CGO_ENABLED=1")
	if told, err := compile.CombinedOutput(); err != nil {
		b.Fatalf("compiling the plain process: %v\n%s", err, told)
	}
	var csv bytes.Buffer
	if err := writeTable(&csv, rows); err != nil {
		b.Fatal(err)
	}
	letter, err := json.Marshal(ingestLetter())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"in/raw": csv.Bytes(), "in/" + task.LetterFile: letter, "query.sql": []byte(plainSQL()),
	} {
		if err := keepFile(filepath.Join(dir, name), body); err != nil {
			b.Fatal(err)
		}
	}
	p.run(b, "ingest")
	return p
}

// ingestLetter asks for the declared table.
func ingestLetter() task.Letter {
	var l task.IngestLetter
	for _, c := range declared().Columns {
		l.Columns = append(l.Columns, task.Column{
			Name: c.Name, Type: task.Type(c.Type), Level: c.Level, Role: task.Role(c.Role), Domain: c.Domain, Min: c.Min, Max: c.Max,
		})
	}
	for _, u := range declared().Units {
		l.Units = append(l.Units, task.Unit{Kind: string(u.Kind), Column: u.Column})
	}
	return task.Letter{Verb: task.Ingest, Ingest: &l}
}

// plainSQL is job D without anything around it: its relation, its table, the granted districts.
func plainSQL() string {
	return fmt.Sprintf(`WITH person_years AS (
  SELECT resident_id, CASE WHEN plan = 'free' THEN 'free' ELSE 'shared' END AS cover, health, visits
  FROM 'out/part-0001.parquet' WHERE district IN ('%s'))
SELECT cover, health, count(DISTINCT resident_id), avg(visits) FROM person_years GROUP BY cover, health ORDER BY cover, health`,
		strings.Join(granted(), "', '"))
}

// query times the whole process. Eight cells must come out.
func (p plain) query(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	told := p.run(b, "query")
	took := time.Since(began)
	if n := strings.Count(told, "\n"); n != 8 {
		b.Fatalf("the plain process told %d cells, want 8:\n%s", n, told)
	}
	return took
}

func (p plain) run(b *testing.B, act string) string {
	b.Helper()
	var out, told bytes.Buffer
	cmd := exec.Command(p.program)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "SLUICE_PLAIN="+act)
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		b.Fatalf("running the plain process: %v\n%s", err, told.String())
	}
	return out.String()
}
