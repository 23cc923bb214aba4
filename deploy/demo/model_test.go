package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
)

// history is what the people of a city were told. Of what they were not told nothing is in it: a call whose answer
// did not come may have counted or not.
type history struct {
	shown    map[string][]flow.State    // job → states it was shown in, in order
	under    map[string]string          // job → grant
	of       map[string]string          // request → job
	votes    map[string][]output.Choice // request → votes that were acknowledged
	revoked  map[string]time.Time       // grant → when its end was acknowledged
	canceled map[string]bool            // jobs whose end was acknowledged
}

func newHistory() history {
	return history{
		shown: map[string][]flow.State{}, under: map[string]string{}, of: map[string]string{}, votes: map[string][]output.Choice{},
		revoked: map[string]time.Time{}, canceled: map[string]bool{},
	}
}

// show notes the state a job was shown in.
func (h history) show(number string, s flow.State) {
	if seen := h.shown[number]; len(seen) == 0 || seen[len(seen)-1] != s {
		h.shown[number] = append(seen, s)
	}
}

// left is a release as the record has it in the end.
type left struct {
	number, request, state string
	at                     time.Time // it was released
}

// record is what there is in the end.
type record struct {
	jobs     map[string]flow.State
	releases []left
}

// broken names everything in which a history and the record that it left contradict each other, or the model: jobs
// move along their table, nothing acknowledged is lost, what ended is over, and what leaves was let out once, by two,
// under a right that held.
func (h history) broken(r record) (faults []string) {
	find := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for number, states := range h.shown {
		end, there := r.jobs[number]
		if !there {
			find("%s was acknowledged and is lost", number)
			continue
		}
		for i, s := range slices.Concat(states, []flow.State{end}) {
			if i > 0 && s != states[i-1] && !follows(job.Flow(), states[i-1], s) {
				find("%s was %s and then %s", number, states[i-1], s)
			}
		}
		if h.canceled[number] && end != job.Killed {
			find("%s was canceled and is %s", number, end)
		}
	}
	seen := map[string]bool{}
	for _, l := range r.releases {
		if l.state == "stopped" {
			continue
		}
		if seen[l.request] {
			find("%s was released twice", l.request)
		}
		seen[l.request] = true
		if slices.Contains(h.votes[l.request], output.Reject) {
			find("%s was released though a seat rejected it", l.request)
		}
		if end, ended := h.revoked[h.under[h.of[l.request]]]; ended && l.at.After(end) {
			find("%s left after its grant had ended", l.number)
		}
	}
	slices.Sort(faults)
	return faults
}

// follows tells whether a state can come after another, with any number of moves in between that nobody was shown.
func follows(t flow.Table, from, to flow.State) bool {
	reached := map[flow.State]bool{}
	var walk func(flow.State)
	walk = func(s flow.State) {
		for _, m := range t.From(s) {
			if !reached[m.To] {
				reached[m.To] = true
				walk(m.To)
			}
		}
	}
	walk(from)
	return reached[to]
}

// TestModelFindsWhatIsBroken gives the model histories that must not be, one for each of its rules, and one that may.
func TestModelFindsWhatIsBroken(t *testing.T) {
	ended := time.Unix(1000, 0)
	good := func() (history, record) {
		h := newHistory()
		for _, s := range []flow.State{job.Submitted, job.Checked, job.Checked, job.Running, job.OutputQuarantined} {
			h.show("J-1", s)
		}
		h.under["J-1"], h.of["R-1"], h.revoked["G-1"] = "G-1", "J-1", ended
		h.votes["R-1"] = []output.Choice{output.Approve, output.Approve}
		return h, record{
			jobs: map[string]flow.State{"J-1": job.Closed}, releases: []left{{"L-1", "R-1", "released", ended.Add(-time.Second)}},
		}
	}
	for _, c := range []struct {
		want string
		do   func(*history, *record)
	}{
		{"", func(*history, *record) {}},
		{"lost", func(_ *history, r *record) { delete(r.jobs, "J-1") }},
		{"was output_quarantined and then running", func(_ *history, r *record) { r.jobs["J-1"] = job.Running }},
		{"was canceled and is closed", func(h *history, _ *record) { h.canceled["J-1"] = true }},
		{"released twice", func(_ *history, r *record) { r.releases = append(r.releases, r.releases[0]) }},
		{"a seat rejected it", func(h *history, _ *record) { h.votes["R-1"][1] = output.Reject }},
		{"after its grant had ended", func(_ *history, r *record) { r.releases[0].at = ended.Add(time.Second) }},
	} {
		h, r := good()
		c.do(&h, &r)
		faults := h.broken(r)
		if c.want == "" && len(faults) > 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
			t.Errorf("want %q, got %q", c.want, faults)
		}
	}
}
