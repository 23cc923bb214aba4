//go:build attack

package attack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// family is one case of the threat model.
type family struct {
	id      string
	verb    task.Verb // "" for the author's code; its limits are the job's
	vectors []vector
	// also is looked at after every container of the family: what must hold on the machine. nil for nothing.
	also func(*site, result) error
}

// vector is one way to attack.
type vector struct {
	try   string // of the hostile program
	title string // "" for the try's own name
	see   judge
	want  string // an expression what is seen must match as a whole
	most  int    // of what was counted; 0 for what was not
	// alone: the container is not shared with the family's other vectors.
	alone bool
	// short says how the product falls short of the threat model, which wants another thing. It is printed, and what is
	// seen must match want all the same: a shortfall that is gone or has grown is a difference.
	short string
	// outside puts what no runtime lets a job make into the output, as one that escaped could.
	outside func(out string) error
}

// judge reads what is compared out of what a container came to.
type judge func(r result, try string) string

// saw is what the program told; where it came to no tale, how it ended.
func saw(r result, try string) string {
	if got, told := r.told[try]; told {
		return got.Result
	}
	return "container: " + string(r.outcome)
}

// ended is how the container ended.
func ended(r result, _ string) string { return string(r.outcome) }

// left is what became of the output: refused as a whole, whatever the program told; or what it told and the names that
// were collected beside its tale.
func left(r result, try string) string {
	var refusal launcher.Refusal
	if errors.As(r.refused, &refusal) {
		return "output: " + string(refusal)
	}
	names := slices.Sorted(maps.Keys(r.files))
	names = slices.DeleteFunc(names, func(name string) bool { return name == task.ReportFile })
	return strings.TrimSpace(saw(r, try) + ", collected " + strings.Join(names, " "))
}

func (v vector) name() string { return cmp.Or(v.title, v.try) }

// differs compares what was seen with what must be.
func (v vector) differs(got string) bool {
	count, _, _ := strings.Cut(got, ":")
	if n, err := strconv.Atoi(count); v.most > 0 && err == nil && n > v.most {
		return true
	}
	return !regexp.MustCompile(`^(?:` + v.want + `)$`).MatchString(got)
}

// Refusals in the kernel's words.
const (
	denied    = `operation not permitted|permission denied|function not implemented`
	noPlace   = `read-only file system|no such file or directory|permission denied|operation not permitted|not a directory|no such device or address`
	noRoom    = `no space left on device|disk quota exceeded`
	tooLarge  = `file too large`
	noProcess = `resource temporarily unavailable|cannot allocate memory`
)

// table is what came of everything.
type table struct{ lines []string }

func (all *table) add(id, try, runtime, got, verdict string) {
	if len(got) > 100 {
		got = got[:100] + "…"
	}
	all.lines = append(all.lines, strings.Join([]string{id, clean(try), runtime, clean(got), verdict}, "\t"))
}

// clean keeps a line one line.
func clean(s string) string { return strings.NewReplacer("\t", " ", "\n", " ").Replace(s) }

func (all *table) print(t *testing.T) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tvector\truntime\toutcome\tverdict")
	for _, line := range all.lines {
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	t.Logf("%d vectors\n%s", len(all.lines), text.String())
}

// check enters one vector's outcome into the table.
func (all *table) check(t *testing.T, id, runtime string, v vector, got string) {
	t.Helper()
	verdict := "held"
	switch {
	case v.differs(got):
		verdict = "DIFFERS: want " + v.want
		t.Errorf("%s %s: got %q, want %s (at most %d)", id, v.name(), got, v.want, v.most)
	case v.short != "":
		verdict = "short: " + v.short
	}
	all.add(id, v.name(), runtime, got, verdict)
}
