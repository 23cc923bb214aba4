package runner

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

// folder plays a Python job without Python: a function stands for the author's code, everything of ours is real.
type folder struct {
	t      *testing.T
	in     string
	splits int
	wants  []task.Labelled
}

func newFolder(t *testing.T, splits int) *folder {
	t.Helper()
	return &folder{t: t, in: stageTables(t), splits: splits, wants: []task.Labelled{{Name: "people", Of: "visits", Labels: []string{"band"}}}}
}

// dealt is one table of one run as its code reads it.
type dealt struct {
	header []string
	rows   [][]string
}

// of is a row's field by its column.
func (d dealt) of(row []string, column string) string { return row[slices.Index(d.header, column)] }

// code is what an author's code leaves of a table: files by their names. Without report.json it died.
type code func(d dealt) map[string]string

// labels is honest code: a label a row.
func labels(label func(d dealt, row []string) string) code {
	return func(d dealt) map[string]string {
		lines := []string{"_row,resident,band"}
		for _, row := range d.rows {
			lines = append(lines, strings.Join([]string{d.of(row, "_row"), d.of(row, "resident"), label(d, row)}, ","))
		}
		return map[string]string{task.ReportFile: "{}", "people.csv": strings.Join(lines, "\n") + "\n"}
	}
}

// deal lays the runs out and returns where they lie, and how many there are.
func (f *folder) deal() (string, int) {
	f.t.Helper()
	out := f.t.TempDir()
	r, err := deal(f.t.Context(), f.in, out, &task.DealLetter{Tables: tables(), Splits: f.splits, Seed: seed()})
	if err != nil {
		f.t.Fatalf("dealing: %v", err)
	}
	return out, r.Runs
}

func (f *folder) read(path string) (d dealt) {
	f.t.Helper()
	file, err := os.Open(path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		f.t.Fatal(err)
	}
	all, err := csv.NewReader(plain).ReadAll()
	if err != nil {
		f.t.Fatal(err)
	}
	return dealt{all[0], all[1:]}
}

// play runs code over every run and normalizes what it left.
func (f *folder) play(c code) (out string, r *task.NormalizeReport, failure *task.Failure) {
	f.t.Helper()
	from, runs := f.deal()
	in, out := f.t.TempDir(), f.t.TempDir()
	for run := range runs {
		dir := filepath.Join(in, task.RunsDir, fmt.Sprintf("%02d", run))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			f.t.Fatal(err)
		}
		for name, text := range c(f.read(filepath.Join(from, runFile(run, "visits.csv.gz")))) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	r, failure, err := normalize(f.t.Context(), in, out, &task.NormalizeLetter{
		Runs: runs, Tables: tables(), Relations: f.wants, Files: []task.CodeFile{{Name: "main.py", Lines: 9}},
	})
	if err != nil {
		f.t.Fatalf("normalizing: %v", err)
	}
	return out, r, failure
}

// attached plays code to its end: which relations depend on others, and where they lie.
func (f *folder) attached(c code) ([]string, string) {
	f.t.Helper()
	normal, r, failure := f.play(c)
	if failure != nil {
		f.t.Fatalf("failed: %+v", failure)
	}
	if err := os.RemoveAll(filepath.Join(f.in, relationsDir)); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(normal, filepath.Join(f.in, relationsDir)); err != nil {
		f.t.Fatal(err)
	}
	verdict, findings := labelled(f.wants[0], tables())
	if len(findings) > 0 {
		f.t.Fatalf("findings: %+v", findings)
	}
	out := f.t.TempDir()
	a, err := attach(f.t.Context(), f.in, out, &task.AttachLetter{
		Tables: tables(), Relations: []task.RelationPlan{labelledPlan(f.wants[0], verdict)}, Splits: f.splits, Seed: seed(), Broken: r.Broken,
	})
	if err != nil {
		f.t.Fatalf("attaching: %v", err)
	}
	return a.Failed, filepath.Join(out, "people.parquet")
}

func band(d dealt, row []string) string {
	if d.of(row, "visits") < "5" {
		return "few"
	}
	return "many"
}

// Measures come from the staged rows, whatever the code writes: an honest labelling equals the same in SQL.
func TestLabelledRelation(t *testing.T) {
	f := newFolder(t, 8)
	failed, path := f.attached(labels(band))
	if len(failed) > 0 {
		t.Errorf("honest labels depend on others: %v", failed)
	}
	db := openTestDuck(t, duckConfig{Threads: 1, Read: filepath.Dir(path)})
	staged := openTestDuck(t, duckConfig{Threads: 1, Read: f.in})
	const sums = "SELECT count(*), count(DISTINCT resident), sum(visits), sum(cost), min(seen) FROM "
	b := &box{t: t}
	got := b.table(db, sums+"read_parquet(?) WHERE band = 'few' AND plan = 'free'", path)
	want := b.table(staged, sums+"read_parquet(?) WHERE visits < 5 AND plan = 'free'", filepath.Join(f.in, "visits.parquet"))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("labelled rows (-SQL +labelled):\n%s", d)
	}
	if cols := b.table(db, "DESCRIBE SELECT * FROM read_parquet(?)", path); slices.ContainsFunc(cols, func(l string) bool { return strings.HasPrefix(l, "resident_id") }) {
		t.Errorf("an identifier is among the columns: %v", cols)
	}
}

// What a run is dealt is each unit's rows in staged order, under names that tell no number and do not change.
func TestDealtRuns(t *testing.T) {
	f := newFolder(t, 3)
	dir, runs := f.deal()
	if runs != 7 {
		t.Fatalf("%d runs, want everybody and three times two halves", runs)
	}
	whole := f.read(filepath.Join(dir, runFile(0, "visits.csv.gz")))
	if slices.Contains(whole.header, ordinalColumn) || whole.header[0] != task.RowColumn {
		t.Errorf("columns %v", whole.header)
	}
	for run := 1; run < runs; run += 2 {
		a, b := f.read(filepath.Join(dir, runFile(run, "visits.csv.gz"))), f.read(filepath.Join(dir, runFile(run+1, "visits.csv.gz")))
		if len(a.rows) == 0 || len(b.rows) == 0 || len(a.rows)+len(b.rows) != len(whole.rows) {
			t.Errorf("split %d: %d and %d rows of %d", run/2, len(a.rows), len(b.rows), len(whole.rows))
		}
		in := map[string]bool{}
		for _, row := range a.rows {
			in[a.of(row, "resident")] = true
		}
		if slices.ContainsFunc(b.rows, func(row []string) bool { return in[b.of(row, "resident")] }) {
			t.Errorf("split %d parts the rows of one unit", run/2)
		}
		kept := slices.DeleteFunc(slices.Clone(whole.rows), func(row []string) bool { return !in[whole.of(row, "resident")] })
		if d := cmp.Diff(kept, a.rows); d != "" {
			t.Errorf("split %d is not the whole without the others (-want +got):\n%s", run/2, d)
		}
	}
}

// A relation for whose rows other people's rows matter is found, in whatever way they do.
func TestLabelsThatDependOnOthers(t *testing.T) {
	for name, c := range map[string]code{
		"how many there are": labels(func(d dealt, _ []string) string { return fmt.Sprint(len(d.rows) > 600) }),
		"the row before": func(d dealt) map[string]string {
			before := "few"
			return labels(func(d dealt, row []string) string {
				defer func() { before = band(d, row) }()
				return before
			})(d)
		},
		"one person's value": labels(func(d dealt, _ []string) string { return d.of(d.rows[0], "cost") }),
		"a half without it":  func(d dealt) map[string]string { return only(len(d.rows) > 600, labels(band)(d)) },
		"a half that fails": func(d dealt) map[string]string {
			if len(d.rows) > 600 {
				return labels(band)(d)
			}
			return map[string]string{task.ReportFile: `{"failure": {"class": "cast"}}`}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if failed, _ := newFolder(t, 8).attached(c); !slices.Equal(failed, []string{"people"}) {
				t.Errorf("failed: %v", failed)
			}
		})
	}
}

func only(keep bool, files map[string]string) map[string]string {
	if !keep {
		return nil
	}
	return files
}

// A row nobody staged, and one under another's token, count as foreign: they have no token.
func TestForgedRowsHaveNoToken(t *testing.T) {
	for name, line := range map[string]func(d dealt, row []string) string{
		"another's token": func(d dealt, row []string) string {
			other := d.rows[0]
			if d.of(row, "resident") == d.of(other, "resident") {
				other = d.rows[len(d.rows)-1]
			}
			return d.of(row, "_row") + "," + d.of(other, "resident") + ",few"
		},
		"a token made up": func(d dealt, row []string) string {
			return d.of(row, "_row") + ",00000000-0000-4000-8000-000000000000,few"
		},
		"a row made up": func(d dealt, row []string) string {
			return "00" + d.of(row, "_row")[2:] + "x," + d.of(row, "resident") + ",few"
		},
		"no row": func(d dealt, row []string) string { return "," + d.of(row, "resident") + ",few" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, 0)
			_, path := f.attached(func(d dealt) map[string]string {
				lines := []string{"_row,resident,band"}
				for _, row := range d.rows {
					lines = append(lines, line(d, row))
				}
				return map[string]string{task.ReportFile: "{}", "people.csv": strings.Join(lines, "\n")}
			})
			db := openTestDuck(t, duckConfig{Threads: 1, Read: filepath.Dir(path)})
			got := (&box{t: t}).table(db, "SELECT count(resident) FROM read_parquet(?)", path)
			if d := cmp.Diff([]string{"count(resident)", "0"}, got); d != "" {
				t.Errorf("rows with a token (-want +got):\n%s", d)
			}
		})
	}
}

// What is no relation as declared fails, and says no more than its kind.
func TestWhatIsLeftIsForeign(t *testing.T) {
	good := labels(band)
	with := func(files map[string]string) code {
		return func(d dealt) map[string]string {
			all := good(d)
			for name, text := range files {
				all[name] = text
			}
			return all
		}
	}
	report := func(f task.Failure) code {
		body, err := json.Marshal(map[string]task.Failure{"failure": f})
		if err != nil {
			t.Fatal(err)
		}
		return with(map[string]string{task.ReportFile: string(body)})
	}
	const head = "_row,resident,band\n"
	for name, c := range map[string]struct {
		code code
		want task.Failure
	}{
		"a model by its name":    {with(map[string]string{"model.joblib": "x"}), task.Failure{Class: task.FailModel}},
		"compressed":             {with(map[string]string{"model.pkl.gz": "x"}), task.Failure{Class: task.FailModel}},
		"a model by its bytes":   {with(map[string]string{"notes.csv": "\x80\x04\x95"}), task.Failure{Class: task.FailModel}},
		"a file":                 {with(map[string]string{"rows.csv": "1"}), task.Failure{Class: task.FailOutput}},
		"columns of its own":     {with(map[string]string{"people.csv": "_row,resident,band,visits\n"}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"nothing in it":          {with(map[string]string{"people.csv": ""}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"an open quote":          {with(map[string]string{"people.csv": head + `"1,2,3`}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"fields missing":         {with(map[string]string{"people.csv": head + "1,2"}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"no text":                {with(map[string]string{"people.csv": head + "1,2,\xff"}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"a NUL":                  {with(map[string]string{"people.csv": head + "1,2,\x00"}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"a label without end":    {with(map[string]string{"people.csv": head + "1,2," + strings.Repeat("x", 500)}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"a record without end":   {with(map[string]string{"people.csv": head + "1,2," + strings.Repeat("x", 2<<20)}), task.Failure{Class: task.FailOutput, Relation: "people"}},
		"no report":              {func(d dealt) map[string]string { return nil }, task.Failure{Class: task.FailOther}},
		"a report that is none":  {with(map[string]string{task.ReportFile: "4711"}), task.Failure{Class: task.FailOutput}},
		"more members":           {with(map[string]string{task.ReportFile: `{"v": 4711}`}), task.Failure{Class: task.FailOutput}},
		"a class of its own":     {report(task.Failure{Class: "V4711"}), task.Failure{Class: task.FailOther}},
		"a file there is not":    {report(task.Failure{Class: task.FailCast, File: "4711", Line: 3}), task.Failure{Class: task.FailCast}},
		"a line there is not":    {report(task.Failure{Class: task.FailCast, File: "main.py", Line: 4711}), task.Failure{Class: task.FailCast, File: "main.py"}},
		"words":                  {report(task.Failure{Class: task.FailCast, File: "main.py", Line: 9, Message: "4711"}), task.Failure{Class: task.FailCast, File: "main.py", Line: 9}},
		"a relation as a secret": {report(task.Failure{Class: task.FailCast, Relation: "v4711"}), task.Failure{Class: task.FailCast}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, failure := newFolder(t, 0).play(c.code)
			if failure == nil {
				t.Fatal("it counts as a relation")
			}
			if d := cmp.Diff(c.want, *failure); d != "" {
				t.Errorf("failure (-want +got):\n%s", d)
			}
		})
	}
}

// A label with the name of what the platform attaches would be the code's own.
func TestLabelsTakeNoName(t *testing.T) {
	for _, label := range []string{"resident", "visits"} {
		_, findings := labelled(task.Labelled{Name: "people", Of: "visits", Labels: []string{label}}, tables())
		if len(findings) != 1 || findings[0].Code != "label.shadows" || findings[0].What != label {
			t.Errorf("%s: %+v", label, findings)
		}
	}
}
