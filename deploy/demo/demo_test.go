package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestDemo is the end-to-end test: the whole story on real parts, from a fresh instance to a product verified
// offline. What it leaves is then checked against a computation that shares no code with the product.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	play(t, options{dir: dir})
	checkStory(t, filepath.Join(dir, "story.jsonl"))
	checkFigures(t, filepath.Join(dir, "release", "product.csv"), filepath.Join(dir, "input", slug+".csv"))
	checkNoLeak(t, filepath.Join(dir, "story.jsonl"))
	checkStill(t, dir, "self-test")
	checkStill(t, dir, "fsck")
	t.Run("killed at ten moments", func(t *testing.T) { survives(t, dir) })
}

// checkStill has the program check the instance that a story left: the bounds of its runtime, or what must hold
// whatever happened.
func checkStill(t *testing.T, dir, command string) {
	t.Helper()
	said, err := exec.Command("../../build/bin/sluice", command, "--data", filepath.Join(dir, "data")).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, said)
	}
}

// checkStory holds the story's form: every step is there and nothing differs.
func checkStory(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	steps := map[int]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("story line: %v", err)
		}
		if l.Result == "differs" || l.Actor == "" || l.Action == "" {
			t.Errorf("story line %+v", l)
		}
		steps[l.Step]++
	}
	for step, least := range map[int]int{0: 10, 1: 1, 2: 1, 3: 6, 4: 17, 5: 7, 6: 2, 7: 5, 8: 3} {
		if steps[step] < least {
			t.Errorf("step %d has %d lines, want at least %d", step, steps[step], least)
		}
	}
}

// cell is one cell of job D, computed independently.
type cell struct {
	people map[string]bool
	rows   int
	visits float64
}

// checkFigures recomputes the released table from the published file under the published rules: residents
// counted and rounded to the nearest five; the mean with as many digits as the published count allows.
func checkFigures(t *testing.T, product, input string) {
	t.Helper()
	got, want := readCSV(t, product), expected(t, readCSV(t, input))
	if !slices.EqualFunc(got, want, equalFigures) {
		t.Errorf("released figures\n got %v\nwant %v", got, want)
	}
}

// expected is the table that job D must release of the published rows.
func expected(t *testing.T, rows [][]string) [][]string {
	t.Helper()
	want := [][]string{{"cover", "health", "people", "visits_mean"}}
	cells := recompute(t, rows)
	for _, cover := range []string{"free", "shared"} {
		for _, health := range []string{"excellent", "good", "fair", "poor"} {
			c := cells[cover+"|"+health]
			people, mean := published(t, len(c.people), c.visits/float64(c.rows))
			want = append(want, []string{cover, health, people, mean})
		}
	}
	return want
}

// published rounds a count of units to the nearest five, and a mean to as many digits as that count allows.
func published(t *testing.T, units int, mean float64) (count, average string) {
	t.Helper()
	rounded := int(math.RoundToEven(float64(units)/5)) * 5
	digits := max(1, int(math.Floor(math.Log10(float64(rounded)))))
	figure, err := strconv.ParseFloat(strconv.FormatFloat(mean, 'e', digits-1, 64), 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(rounded), strconv.FormatFloat(figure, 'f', -1, 64)
}

// equalFigures compares rows; a figure is the same however it is written.
func equalFigures(a, b []string) bool {
	return slices.EqualFunc(a, b, func(x, y string) bool {
		p, errX := strconv.ParseFloat(x, 64)
		q, errY := strconv.ParseFloat(y, 64)
		return x == y || errX == nil && errY == nil && p == q
	})
}

func recompute(t *testing.T, rows [][]string) map[string]*cell {
	t.Helper()
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	cells := map[string]*cell{}
	for _, r := range rows[1:] {
		if !slices.Contains(granted(), r[column["district"]]) {
			continue
		}
		cover := "shared"
		if r[column["plan"]] == "free" {
			cover = "free"
		}
		key := cover + "|" + r[column["health"]]
		if cells[key] == nil {
			cells[key] = &cell{people: map[string]bool{}}
		}
		visits, err := strconv.ParseFloat(r[column["visits"]], 64)
		if err != nil {
			t.Fatal(err)
		}
		cells[key].people[r[column["resident_id"]]] = true
		cells[key].rows++
		cells[key].visits += visits
	}
	return cells
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// checkNoLeak looks for any resident's identifier in everything the story tells.
func checkNoLeak(t *testing.T, path string) {
	t.Helper()
	told, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := table()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		for _, secret := range []string{r.resident, r.phone} {
			if bytes.Contains(told, []byte(secret)) {
				t.Fatalf("the story tells a resident's identifier (row of %s)", r.district)
			}
		}
	}
}
