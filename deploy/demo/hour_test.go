package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hourPage is the page whose commands are run.
const hourPage = "../docs/first-hour.md"

// hourPatience bounds one walk through the page on a busy machine.
const hourPatience = 10 * time.Minute

// TestFirstHour runs the commands of the page against an instance as `make up` leaves it: once as they stand, and once
// for each table nobody prepared, with only the lines marked as the reader's own in place of the page's. What a block
// should show must be shown, and the product must hold what a computation finds that shares no code with Sluice.
func TestFirstHour(t *testing.T) {
	page := readBlocks(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "up")
	staged(t, dir, data)
	for _, table := range strangers() {
		t.Run(table.slug, func(t *testing.T) {
			t.Parallel()
			table.walk(t, data, page)
		})
	}
}

// block is a block of commands of the page, with the lines that stand under it.
type block struct {
	mark  string // "", start, yours or fails
	text  string
	shows []string
}

// readBlocks reads the page. Its first block starts the instance, which the test has done.
func readBlocks(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile(hourPage)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, m := range regexp.MustCompile("(?ms)^```(sh|text) ?(\\w*)\n(.*?)\n```$").FindAllStringSubmatch(string(page), -1) {
		if m[1] == "text" {
			all[len(all)-1].shows = strings.Split(m[3], "\n")
			continue
		}
		all = append(all, block{mark: m[2], text: m[3]})
	}
	marked := func(mark string) bool { return slices.ContainsFunc(all, func(b block) bool { return b.mark == mark }) }
	if len(all) < 10 || all[0].mark != "start" || all[0].text != "make up" || !marked("yours") || !marked("fails") {
		t.Fatalf("the page has %d blocks; it begins with `make up`, and has one of the reader's own and one that fails", len(all))
	}
	return all[1:]
}

// walk goes through the page in a checkout of its own, with this table.
func (s stranger) walk(t *testing.T, data string, page []block) {
	dir := t.TempDir()
	checkout(t, dir, data)
	if s.write != nil {
		if err := s.write(filepath.Join(dir, s.file)); err != nil {
			t.Fatal(err)
		}
	}
	told := runScript(t, dir, s.script(dir, page))
	for i, b := range page {
		if missing, ok := shown(b.shows, told[i]); !ok {
			t.Errorf("block %d does not show %q where the page says so:\n%s\n\n%s", i+1, missing, b.text, told[i])
		}
	}
	got := readCSV(t, filepath.Join(dir, "build/hour", s.slug, "product/product.csv"))
	if want := s.figures(t, dir); !slices.EqualFunc(got, want, equalFigures) {
		t.Errorf("released figures\n got %v\nwant %v", got, want)
	}
}

// checkout lays the programs and the instance where a checkout has them after `make up`.
func checkout(t *testing.T, dir, data string) {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"bin": bin, "up": data} {
		if err := os.Symlink(target, filepath.Join(dir, "build", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// boundary is told after each block.
const boundary = "=== end of block ==="

// script is the page as one program. Of a block that must fail, the last command is meant.
func (s stranger) script(dir string, page []block) string {
	var b strings.Builder
	b.WriteString("set -o pipefail\nexec 2>&1\n")
	for _, block := range page {
		text := block.text
		switch {
		case block.mark == "yours" && s.write != nil:
			text = s.lines(dir)
		case block.mark == "fails":
			text = "if {\n" + text + "\n}; then echo 'this should have failed'; exit 1; fi"
		}
		b.WriteString(text + "\necho '" + boundary + "'\n")
	}
	return b.String()
}

// runScript runs a program as a reader's shell does, but ends at the first failure, and returns what each block told.
func runScript(t *testing.T, dir, script string) []string {
	t.Helper()
	path := filepath.Join(dir, "page.sh")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hourPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-eu", path)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8", "LANG=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(string(out), boundary+"\n")
}

// shown looks for lines in their order among what was told, and names the first that is not there. "…" stands for
// anything, a gap for any gap.
func shown(lines []string, told string) (missing string, ok bool) {
	left := strings.Split(told, "\n")
	for _, line := range lines {
		form := regexp.QuoteMeta(strings.Join(strings.Fields(line), " "))
		form = strings.NewReplacer(" ", `\s+`, "…", ".*").Replace(form)
		at := slices.IndexFunc(left, regexp.MustCompile(`^\s*`+form+`\s*$`).MatchString)
		if at < 0 {
			return line, false
		}
		left = left[at+1:]
	}
	return "", true
}

// TestShown: a line counts only whole, once, and in its place.
func TestShown(t *testing.T) {
	const told = "state   signed\nnumber  A-2026-0001\nstate   effective"
	for want, lines := range map[bool][][]string{
		true:  {nil, {"state signed", "state  effective"}, {"number A-…", "state …"}},
		false: {{"state sign"}, {"state effective", "state signed"}, {"state …", "state …", "state …"}, {"number A-"}},
	} {
		for _, l := range lines {
			if _, ok := shown(l, told); ok != want {
				t.Errorf("%q among %q: got %v, want %v", l, told, ok, want)
			}
		}
	}
}

// figures computes the table the page's job declares, from what the file holds.
func (s stranger) figures(t *testing.T, dir string) [][]string {
	t.Helper()
	facts := s.facts
	if facts == nil {
		facts = readFacts(t, filepath.Join(dir, "build/hour", s.file))
	}
	units, rows, sums := map[string]map[string]bool{}, map[string]int{}, map[string]int{}
	for _, f := range facts {
		if units[f.group] == nil {
			units[f.group] = map[string]bool{}
		}
		units[f.group][f.unit] = true
		rows[f.group]++
		sums[f.group] += f.figure
	}
	want := [][]string{{s.by, "units", "average"}}
	for _, g := range s.values {
		count, mean := published(t, len(units[g]), float64(sums[g])/float64(rows[g]))
		want = append(want, []string{g, count, mean})
	}
	return want
}

// readFacts reads a file of three columns: unit, group, figure.
func readFacts(t *testing.T, path string) []fact {
	t.Helper()
	var all []fact
	for _, r := range readCSV(t, path)[1:] {
		figure, err := strconv.Atoi(r[2])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fact{r[0], r[1], figure})
	}
	return all
}
