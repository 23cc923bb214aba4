package runner

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

// stageTables writes staged tables as tables() describes them: 400 residents with one to five rows, in staged
// order, with costs that no sum holds exactly.
func stageTables(t testing.TB) string {
	t.Helper()
	in := t.TempDir()
	db := openTestDuck(t, duckConfig{Threads: 1, Read: in, Write: in})
	const people = `FROM range(400) p(i), range(5) r(j) WHERE j <= hash(i) % 5`
	const token = `CAST(concat(substr(md5('t' || i), 1, 8), '-0000-4000-8000-', substr(md5('u' || i), 1, 12)) AS UUID)`
	for name, cols := range map[string]string{
		"visits": `CASE i % 2 WHEN 0 THEN 'free' ELSE 'shared' END AS plan, CASE i % 3 WHEN 0 THEN 'good' ELSE 'poor' END AS health,
			i % 7 = 0 AS limitation, CAST(hash(i, j) % 9 AS BIGINT) AS visits, (hash(i, j, 1) % 10007) / 97.0 AS cost,
			CAST(hash(i) % 3 AS BIGINT) AS chronic, 'D' || (i % 4) AS district, DATE '1974-01-01' + CAST(hash(j, i) % 2000 AS INTEGER) AS seen,
			'1101' || i AS resident_id`,
		"costs": `'k' || (j % 2) AS kind, (hash(i, j, 2) % 10007) / 89.0 AS amount, CAST(1974 + j AS BIGINT) AS year`,
	} {
		query := `SELECT * EXCLUDE (_ordinal), row_number() OVER (ORDER BY resident, _ordinal) AS _ordinal FROM (
			SELECT ` + token + ` AS resident, ` + cols + `, i * 5 + j AS _ordinal ` + people + `) ORDER BY resident, _ordinal`
		if err := copyParquet(t.Context(), db, query, filepath.Join(in, name+".parquet")); err != nil {
			t.Fatalf("staging %s: %v", name, err)
		}
	}
	return in
}

func openTestDuck(t testing.TB, c duckConfig) *sql.DB {
	t.Helper()
	db, err := openDuck(t.Context(), c)
	if err != nil {
		t.Fatalf("opening engine: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing engine: %v", err)
		}
	})
	return db
}

// planned checks a code file and returns its plans; every relation must be verified.
func planned(t testing.TB, code string) []task.RelationPlan {
	t.Helper()
	r := checkCode(t, newChecker(t), code, nil)
	if len(r.Findings) > 0 {
		t.Fatalf("checking: %+v", r.Findings)
	}
	return r.Relations
}

func TestRunSQL(t *testing.T) {
	in, out := stageTables(t), t.TempDir()
	plans := planned(t, `-- relation: person
SELECT resident, sum(visits) AS total, avg(cost) AS mean_cost FROM visits GROUP BY resident
-- relation: years
SELECT *, 1.5 AS half, CAST(NULL AS INTEGER) AS none FROM visits
`)
	report, failure, err := runSQL(t.Context(), in, out, &task.SQLLetter{Relations: plans, Tables: tables(), Threads: 1})
	if err != nil || failure != nil {
		t.Fatalf("running: %v, failure %+v", err, failure)
	}
	db := openTestDuck(t, duckConfig{Read: out, Write: in})
	rows, err := count(t.Context(), db, "SELECT count(*) FROM read_parquet(?)", filepath.Join(in, "visits.parquet"))
	if err != nil {
		t.Fatalf("counting: %v", err)
	}
	if report.PeakMB < 1 || report.PeakMB > 1<<14 {
		t.Errorf("it held %d MiB", report.PeakMB)
	}
	want := &task.SQLReport{Relations: []task.RelationRows{{Relation: "person", Rows: 400}, {Relation: "years", Rows: rows}}, PeakMB: report.PeakMB}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	cols, err := fileColumns(t.Context(), db, filepath.Join(out, "person.parquet"))
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	wantCols := []fileColumn{{"resident", "UUID"}, {"total", "BIGINT"}, {"mean_cost", "DOUBLE"}}
	if diff := cmp.Diff(wantCols, cols, cmp.AllowUnexported(fileColumn{})); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	unsorted, err := count(t.Context(), db, `SELECT count(*) FROM (SELECT resident < lag(resident) OVER () AS back
		FROM read_parquet(?)) WHERE back`, filepath.Join(out, "person.parquet"))
	if err != nil || unsorted != 0 {
		t.Errorf("rows are not sorted: %d, %v", unsorted, err)
	}
}

func TestRunSQLFailures(t *testing.T) {
	in := stageTables(t)
	for _, c := range []struct {
		name, sql string
		want      task.Failure
	}{
		{"a cast", "SELECT resident,\n  upper(plan) AS p,\n  CAST(health\n    AS INTEGER) AS bad\nFROM visits",
			task.Failure{Class: task.FailCast, Relation: "r", Line: 4}},
		{"a cast after a star", "SELECT *,\n  health::DATE AS bad FROM visits",
			task.Failure{Class: task.FailCast, Relation: "r", Line: 3}},
		{"an overflow", "SELECT resident,\n 9223372036854775807 + visits AS bad FROM visits",
			task.Failure{Class: task.FailOverflow, Relation: "r", Line: 2}},
		{"a sum too large to leave", "SELECT resident,\n sum(9223372036854775807 - visits) AS bad FROM visits GROUP BY resident",
			task.Failure{Class: task.FailOverflow, Relation: "r", Line: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plans := planned(t, "-- relation: r\n"+c.sql)
			for _, synthetic := range []bool{false, true} {
				l := &task.SQLLetter{Relations: plans, Tables: tables(), Threads: 1, Synthetic: synthetic}
				_, failure, err := runSQL(t.Context(), in, t.TempDir(), l)
				if err != nil || failure == nil {
					t.Fatalf("running: %v, failure %+v", err, failure)
				}
				if (failure.Message != "") != synthetic {
					t.Errorf("synthetic %v: message %q", synthetic, failure.Message)
				}
				failure.Message = ""
				if diff := cmp.Diff(c.want, *failure); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Code that fails tells the sizes of the relations before the one that failed, and makes nothing of that one.
func TestRunSQLTellsWhatCameBefore(t *testing.T) {
	in, out := stageTables(t), t.TempDir()
	plans := planned(t, "-- relation: good\nSELECT resident, sum(visits) AS total FROM visits GROUP BY resident\n"+
		"-- relation: bad\nSELECT resident, CAST(health AS INTEGER) AS n FROM visits\n-- relation: later\nSELECT resident FROM visits")
	report, failure, err := runSQL(t.Context(), in, out, &task.SQLLetter{Relations: plans, Tables: tables(), Threads: 1})
	if err != nil || failure == nil || failure.Relation != "bad" || failure.Message != "" {
		t.Fatalf("running: %v, failure %+v", err, failure)
	}
	if report.PeakMB < 1 || report.PeakMB > 1<<14 {
		t.Errorf("it held %d MiB", report.PeakMB)
	}
	want := &task.SQLReport{Relations: []task.RelationRows{{Relation: "good", Rows: 400}}, PeakMB: report.PeakMB}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(out, "bad.parquet")); !os.IsNotExist(err) {
		t.Errorf("the relation that failed left a file: %v", err)
	}
}

func TestRunSQLMemory(t *testing.T) {
	plans := planned(t, "-- relation: r\nSELECT resident,\n lpad(plan, 100000000, 'x') AS p FROM visits")
	l := &task.SQLLetter{Relations: plans, Tables: tables(), Threads: 1, MemoryMB: 64}
	_, failure, err := runSQL(t.Context(), stageTables(t), t.TempDir(), l)
	if err != nil || failure == nil || failure.Class != task.FailMemory || failure.Message != "" {
		t.Fatalf("running: %v, failure %+v", err, failure)
	}
}

// Only a checked plan runs, whatever a letter says.
func TestRunSQLRefusesUnchecked(t *testing.T) {
	in := stageTables(t)
	good := planned(t, "-- relation: r\nSELECT resident, visits FROM visits")[0]
	forged := good
	forged.Columns = []task.RelationColumn{good.Columns[0], {Name: "visits", Kind: task.KindMeasure, Source: "visits.cost"}}
	other := good
	other.Inputs = []string{"costs"}
	plans := map[string]task.RelationPlan{"other columns": forged, "other inputs": other}
	for _, sql := range []string{
		"SELECT * FROM read_parquet('" + in + "/visits.parquet')", "COPY visits TO '" + in + "/x.parquet'",
		"SELECT resident, visits FROM visits LIMIT 3", "SELECT resident, visits FROM visits; SELECT 1", "",
	} {
		plans[sql] = task.RelationPlan{Statement: task.Statement{Relation: "r", Line: 2, SQL: sql}, Inputs: good.Inputs, Columns: good.Columns}
	}
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			_, failure, err := runSQL(t.Context(), in, out, &task.SQLLetter{Relations: []task.RelationPlan{p}, Tables: tables()})
			want := &task.Failure{Class: task.FailSyntax, Relation: "r", Line: 2}
			if diff := cmp.Diff(want, failure); diff != "" || err != nil {
				t.Errorf("failure (-want +got), %v:\n%s", err, diff)
			}
			if files, err := os.ReadDir(out); err != nil || len(files) > 0 {
				t.Errorf("files were written: %v %v", files, err)
			}
			_, err = split(t.Context(), in, "", &task.SplitLetter{
				Relations: []task.RelationPlan{p}, Tables: tables(), Splits: 1, Seed: []byte(strings.Repeat("s", 32)),
			})
			if err == nil {
				t.Errorf("split ran it")
			}
		})
	}
}
