package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/release"
)

// moment is a state on a job's way from its submit to its release, and the written answer to the death of a part in
// it: any part, before the outside effect of what is under way, and after that effect but before its commit.
type moment struct {
	noun   string
	state  flow.State // in which the part dies; None: before there is a job
	doing  string
	effect string
	before string
	after  string
}

// moments lists every state a job leaves by itself or by people's acts, in the order of its life. TestKilledInEachState
// kills every part in every one of them.
func moments() []moment {
	const (
		answered = "the act is committed; the client sends it again under its key and gets the answer that was lost"
		refused  = "nothing is on record; the client sends it again and it counts once"
		none     = "none"
		same     = "the same: there is nothing outside to be left behind"
		again    = "the lease runs out or the worker gives the work back; it is claimed again under a higher fence, at most three times in all"
	)
	return []moment{
		{"job", flow.None, "submit", "the answer to the client", refused, answered},
		{"job", job.Submitted, "check in a container", "a container", again, "the result is not sealed: " + again + "; the reaper removes the container"},
		{"job", job.Checked, "first approval", "the answer to the client", refused, answered},
		{"job", job.Approved, "second approval; the run is queued in its transaction", "the answer to the client", refused, answered},
		{"job", job.Queued, "claim and admission", "a lease", "the work waits in the queue", "the lease runs out without an admission; the next claim has a higher fence"},
		{"job", job.Running, "stage, sql, split and screen in containers", "containers; objects under the job's own key", again,
			"the result is not sealed: " + again + "; objects are found again by their digest, what nobody names is swept"},
		{"job", job.Succeeded, "the keeper settles: outputs and findings", none, "the sealed work waits; the keeper settles it when it is back", same},
		{"job", job.OutputQuarantined, "the review is opened", "the answer to the client", refused, answered},
		{"request", output.InReview, "first vote", "the answer to the client", "the vote is not counted; it is sent again", "the vote counts once, by request and seat"},
		{"request", output.InReview, "second vote", "the answer to the client", "the vote is not counted; it is sent again", "the vote counts once, by request and seat"},
		{"request", output.Approved, "the keeper verifies the votes and records the intent", none, "the votes wait; the keeper decides when it is back", same},
		{"release", release.Releasing, "the intent gets its place, bytes are copied, the certificate is signed",
			"tiles and checkpoint; a copy in the release bucket", "the intent waits for its place; nothing is visible",
			"the copy is found where the intent says and the release finished; nobody gets it before its record"},
	}
}

var update = flag.Bool("update", false, "write the generated part of deploy/docs/faults.md again")

const faultsPage = "../docs/faults.md"

// TestFaultsPage holds the page against the table, and the table against the flows: a state that something leaves has
// an answer.
func TestFaultsPage(t *testing.T) {
	const begin, end = "<!-- moments: generated -->\n", "<!-- end of moments -->\n"
	page, err := os.ReadFile(faultsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := bytes.Cut(page, []byte(begin))
	_, tail, whole := bytes.Cut(rest, []byte(end))
	if !found || !whole {
		t.Fatal("the page has no place for the moments")
	}
	want := slices.Concat(head, []byte(begin), written(), []byte(end), tail)
	if *update {
		if err := os.WriteFile(faultsPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(page, want) {
		t.Errorf("%s is stale: run this test with -update", faultsPage)
	}
	for noun, table := range map[string]flow.Table{"job": job.Flow(), "release": release.Flow()} {
		for _, s := range table.States {
			answered := slices.ContainsFunc(moments(), func(m moment) bool { return m.noun == noun && m.state == s })
			if s != release.Released && answered == table.Ended(s) {
				t.Errorf("%s %s: answered %t, ended %t", noun, s, answered, table.Ended(s))
			}
		}
	}
}

// written draws the table as the page has it.
func written() []byte {
	var b bytes.Buffer
	b.WriteString("| State | Under way | Outside effect | A part dies before it | A part dies after it, before its commit |\n|---|---|---|---|---|\n")
	for _, m := range moments() {
		name := string(m.state)
		if m.state == flow.None {
			name = "(received)"
		}
		fmt.Fprintf(&b, "| %s `%s` | %s | %s | %s | %s |\n", m.noun, name, m.doing, m.effect, m.before, m.after)
	}
	return b.Bytes()
}
