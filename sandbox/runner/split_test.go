package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

func seed() []byte { return []byte(strings.Repeat("seed", 8)) }

// Honest statements are the same over everybody and over both halves, to the last bit.
func TestSplitHonest(t *testing.T) {
	in := stageTables(t)
	plans := planned(t, `-- relation: aggregate
SELECT resident, sum(cost) AS total, avg(cost) AS mean_cost, count(*) AS n FROM visits GROUP BY resident
-- relation: windowed
SELECT resident, cost, sum(cost) OVER (PARTITION BY resident ORDER BY seen, _ordinal) AS so_far,
  avg(cost) OVER (PARTITION BY resident) AS mean_cost,
  sum(cost) OVER (PARTITION BY resident ORDER BY _ordinal ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three,
  lag(plan) OVER (PARTITION BY resident ORDER BY _ordinal) AS before
FROM visits
-- relation: bins
SELECT resident, CASE WHEN visits < 3 THEN 'few' ELSE 'many' END AS band, cost FROM visits WHERE health = 'poor'
-- relation: cte
WITH t AS (SELECT resident, sum(cost) AS total FROM visits GROUP BY resident HAVING count(*) > 2)
SELECT resident, total, total > 90 AS dear FROM t
-- relation: joined
SELECT v.resident, v.cost, c.spent FROM visits v LEFT JOIN
  (SELECT resident, sum(amount) AS spent FROM costs WHERE kind = 'k0' GROUP BY resident) c ON v.resident = c.resident
-- relation: latest
SELECT resident, plan, cost FROM visits QUALIFY row_number() OVER (PARTITION BY resident ORDER BY seen DESC, _ordinal) = 1
-- relation: both
SELECT DISTINCT resident, plan AS grp FROM visits UNION ALL SELECT resident, kind FROM costs
`)
	l := &task.SQLLetter{Relations: plans, Tables: tables(), Threads: 1}
	made := filepath.Join(in, relationsDir)
	if err := os.Mkdir(made, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, failure, err := runSQL(t.Context(), in, made, l); err != nil || failure != nil {
		t.Fatalf("running: %v %+v", err, failure)
	}
	r, err := split(t.Context(), in, "", &task.SplitLetter{Relations: plans, Tables: tables(), Splits: 8, Seed: seed()})
	if err != nil {
		t.Fatalf("splitting: %v", err)
	}
	if diff := cmp.Diff(&task.SplitReport{Splits: 8, Failed: []string{}}, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// What the grammar refuses fails the split test as well: neither guard leans on the other.
func TestSplitForgeries(t *testing.T) {
	in := stageTables(t)
	dir := filepath.Join(in, relationsDir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	whole := &splitter{db: openTestDuck(t, duckConfig{Threads: 1, Read: in, Write: dir}), tables: tables(), in: in, splits: 8, seed: seed()}
	if err := whole.load(ctx); err != nil {
		t.Fatalf("loading: %v", err)
	}
	for name, query := range map[string]string{
		"z_score":        "SELECT resident, (cost - avg(cost) OVER ()) / stddev(cost) OVER () AS z FROM visits",
		"quartile":       "SELECT resident, ntile(4) OVER (ORDER BY cost) AS q FROM visits",
		"limited":        "SELECT resident, plan FROM visits LIMIT 100",
		"limit_by_value": "SELECT resident, plan FROM visits LIMIT (SELECT max(visits) FROM visits)",
		"global":         "SELECT sum(cost) AS s FROM visits",
		"by_plan":        "SELECT plan, sum(cost) AS s FROM visits GROUP BY plan",
		"target_value":   "SELECT v.resident, t.cost FROM visits v, (SELECT cost FROM visits ORDER BY cost DESC LIMIT 1) t",
		"others_rows":    "SELECT v.resident, w.cost FROM visits v LEFT JOIN visits w ON v.district = w.district AND w.visits = 8 AND v.visits = 0",
		"scalar":         "SELECT resident, visits, (SELECT max(cost) FROM visits) AS m FROM visits",
		"made_tokens":    "SELECT uuid() AS resident, visits FROM visits",
		"distinct":       "SELECT DISTINCT plan FROM visits",
		"above_mean":     "SELECT resident, visits FROM visits WHERE cost > (SELECT avg(cost) FROM visits)",
		"constant_row":   "SELECT 1 AS one",
	} {
		t.Run(name, func(t *testing.T) {
			if err := copyParquet(ctx, whole.db, query, filepath.Join(dir, name+".parquet")); err != nil {
				t.Fatalf("making: %v", err)
			}
			for _, table := range tables() {
				defer func() {
					if err := whole.show(ctx, table, ""); err != nil {
						t.Fatalf("showing everybody again: %v", err)
					}
				}()
			}
			failed, err := whole.run(ctx, []splitQuery{{relation: name, query: query}})
			if err != nil {
				t.Fatalf("splitting: %v", err)
			}
			if diff := cmp.Diff([]string{name}, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
}

// What runs over everybody and not over half of them depends on the other half.
func TestSplitFailsOnHalf(t *testing.T) {
	in := stageTables(t)
	dir := filepath.Join(in, relationsDir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &splitter{db: openTestDuck(t, duckConfig{Threads: 1, Read: in, Write: dir}), tables: tables(), in: in, splits: 1, seed: seed()}
	if err := s.load(t.Context()); err != nil {
		t.Fatalf("loading: %v", err)
	}
	rows, err := count(t.Context(), s.db, "SELECT count(*) FROM visits")
	if err != nil {
		t.Fatal(err)
	}
	query := fmt.Sprintf("SELECT resident, CASE WHEN (SELECT count(*) FROM visits) < %d THEN CAST('few' AS INTEGER) ELSE 1 END AS n FROM visits", rows)
	if err := copyParquet(t.Context(), s.db, query, filepath.Join(dir, "whole.parquet")); err != nil {
		t.Fatalf("making: %v", err)
	}
	failed, err := s.run(t.Context(), []splitQuery{{relation: "whole", query: query}})
	if diff := cmp.Diff([]string{"whole"}, failed); err != nil || diff != "" {
		t.Errorf("%v, failed (-want +got):\n%s", err, diff)
	}
}

// Rows are compared as multisets: to the last bit, nothing equal to nothing, whatever their columns are called.
func TestSplitEqual(t *testing.T) {
	dir := t.TempDir()
	s := &splitter{db: openTestDuck(t, duckConfig{Threads: 1, Read: dir, Write: dir})}
	for name, tt := range map[string]struct {
		halves, whole []string
		want          bool
	}{
		"other order":      {[]string{"(1, 'a')", "(2, 'b')"}, []string{"(2, 'b')", "(1, 'a')"}, true},
		"one twice":        {[]string{"(1, 'a')", "(1, 'a')"}, []string{"(1, 'a')"}, false},
		"another twice":    {[]string{"(1, 'a')", "(1, 'a')", "(2, 'b')"}, []string{"(1, 'a')", "(2, 'b')", "(2, 'b')"}, false},
		"another value":    {[]string{"(1, 'a')"}, []string{"(1, 'b')"}, false},
		"nothing is equal": {[]string{"(1, NULL)"}, []string{"(1, NULL)"}, true},
		"nothing is no 0":  {[]string{"(0, NULL)"}, []string{"(0, '')"}, false},
		"none and none":    {nil, nil, true},
		"none and one":     {nil, []string{"(1, 'a')"}, false},
		"signed zero":      {[]string{"(0.0::DOUBLE, 'a')"}, []string{"('-0.0'::DOUBLE, 'a')"}, true},
		"the last bit":     {[]string{"(0.3::DOUBLE, 'a')"}, []string{"(0.1::DOUBLE + 0.2::DOUBLE, 'a')"}, false},
		"not a number":     {[]string{"('nan'::DOUBLE, 'a')"}, []string{"('nan'::DOUBLE, 'a')"}, true},
	} {
		for _, columns := range []string{"x, y", "weight, line", "c1, c0", "rest, one"} {
			t.Run(name+"/"+columns, func(t *testing.T) {
				of := func(values []string) string {
					return "SELECT * FROM (VALUES " + strings.Join(append([]string{"(NULL, NULL)"}, values...), ", ") + ") AS t(" + columns + ") OFFSET 1"
				}
				path := filepath.Join(dir, "whole.parquet")
				if err := copyParquet(t.Context(), s.db, of(tt.whole), path); err != nil {
					t.Fatalf("making: %v", err)
				}
				if _, err := s.db.ExecContext(t.Context(), "CREATE OR REPLACE TABLE halves AS "+of(tt.halves)); err != nil {
					t.Fatalf("making: %v", err)
				}
				if got, err := s.equal(t.Context(), "halves", path); err != nil || got != tt.want {
					t.Errorf("equal: %v, %v", got, err)
				}
			})
		}
	}
}

// The halves are about halves, other in every split and under every seed.
func TestSplitHalves(t *testing.T) {
	in := stageTables(t)
	ctx := t.Context()
	seen := map[int64]bool{}
	for _, key := range []string{"a", "b"} {
		s := &splitter{db: openTestDuck(t, duckConfig{Threads: 1, Read: in}), tables: tables()[:1], in: in, splits: 4, seed: []byte(strings.Repeat(key, 32))}
		if err := s.load(ctx); err != nil {
			t.Fatalf("loading: %v", err)
		}
		for bit := range s.splits {
			if err := s.show(ctx, s.tables[0], half(s.tables[0], "resident", bit, 0)); err != nil {
				t.Fatalf("showing: %v", err)
			}
			units, err := count(ctx, s.db, "SELECT count(DISTINCT resident) FROM visits")
			if err != nil || units < 130 || units > 270 {
				t.Errorf("split %d: %d of 400 units in one half, %v", bit, units, err)
			}
			ids, err := count(ctx, s.db, "SELECT CAST(bit_xor(hash(resident)) >> 2 AS BIGINT) FROM (SELECT DISTINCT resident FROM visits)")
			if err != nil || seen[ids] {
				t.Errorf("split %d: the same half twice, %v", bit, err)
			}
			seen[ids] = true
		}
	}
}

func TestSplitLetter(t *testing.T) {
	for name, l := range map[string]*task.SplitLetter{
		"no split":     {Splits: 0, Seed: seed()},
		"too many":     {Splits: maxSplits + 1, Seed: seed()},
		"a short seed": {Splits: 8, Seed: []byte("short")},
	} {
		if _, err := split(t.Context(), t.TempDir(), "", l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
