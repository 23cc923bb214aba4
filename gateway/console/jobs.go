package console

import (
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/task"
)

// jobPage is what the page of a job shows.
type jobPage struct {
	live
	tabbed
	Left  []result     // outputs, in the tab of results
	Asked *job.Package // what it was handed in as, in the tabs of code and inputs: who consents sees what for
	Again bool         // the reader may begin another from it

	Follow bool // digests lead to their lineage
}

// live is the part of a job's page that changes by itself.
type live struct {
	job.View
	Tag      string // of the view: a stream goes on from it
	Steps    []stage
	Waits    string // seat whose consent comes next; "" for none
	Findings []task.CheckFinding
	Failure  *task.Failure
	Usage    *job.Usage
	Buttons  []button
}

func showJob(c call) (answer, error) {
	view, err := c.cat.Jobs.Show(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := jobPage{Follow: c.may[readLineage]}
	if p.live, err = liveOf(view); err != nil {
		return answer{}, err
	}
	if again, err := c.offer(false, button{Verb: "job.check"}); err != nil {
		return answer{}, err
	} else if c.sits(org.Operator) {
		p.Again = again[0].Why == ""
	}
	if p.Buttons, err = jobButtons(c, view); err != nil {
		return answer{}, err
	}
	if p.tabbed, err = openTabs(c, view.Number, tab{Name: "progress"}, tab{Name: "inputs"}, tab{Name: "code"}, resultsTab(c)); err != nil {
		return answer{}, err
	}
	switch p.Tab {
	case "results":
		p.Left, err = resultsOf(c, view.Number)
	case "inputs", "code":
		var asked job.Package
		asked, err = c.cat.Jobs.Package(c.ctx, c.who, view.Number)
		p.Asked = &asked
	}
	a := answer{Object: view.Number, Body: p}
	if p.Tab != "progress" || view.Over() { // else it stands where it changes
		a.State = view.State
	}
	return a, err
}

// resultsTab is the tab of what a run left.
func resultsTab(c call) tab {
	if !c.may[listOutputs] {
		return tab{Name: "results", Why: "results.why"}
	}
	return tab{Name: "results"}
}

func liveOf(view job.View) (live, error) {
	l := live{View: view, Steps: stagesOf(view)}
	var err error
	if l.Tag, err = catalog.Tag(view); err != nil {
		return live{}, err
	}
	if view.Mode == job.Production && view.State == string(job.Checked) {
		l.Waits = waitsFor(view)
	}
	for _, member := range []struct {
		raw  json.RawMessage
		into any
	}{{view.Findings, &l.Findings}, {view.Failure, &l.Failure}, {view.Usage, &l.Usage}} {
		if member.raw == nil {
			continue
		}
		if err := json.Unmarshal(member.raw, member.into); err != nil {
			return live{}, fmt.Errorf("reading job %s: %w", view.Number, err)
		}
	}
	return l, nil
}

// waitsFor is the seat whose consent a checked job waits for.
func waitsFor(view job.View) string {
	return []string{"operator", "agency"}[min(len(view.Approvals), 1)]
}

// stage is one of the five steps of a job: done, current, failed, or later.
type stage struct{ Name, Standing string }

// stages are the five steps. A debug run ends with its third, a check with its second.
func stages(mode job.Mode, state flow.State) []string {
	all := []string{"submit", "check", "run", "review", "release"}
	switch {
	case mode == job.Debug:
		return all[:3]
	case mode != job.Production && state != "":
		return all[:2]
	}
	return all
}

// reached is the step a state belongs to, counted from 0.
func reached() map[flow.State]int {
	return map[flow.State]int{
		job.Submitted: 1, job.Checked: 1, job.Refused: 1, job.Approved: 2, job.Queued: 2, job.Running: 2, job.Succeeded: 2,
		job.Failed: 2, job.TimedOut: 2, job.Killed: 2, job.OutputQuarantined: 3, job.Closed: 4,
	}
}

// stagesOf tells how far a job is. What ended without its result, or with none that went out, has failed in the step it
// reached; one that was stopped before both seats consented never ran.
func stagesOf(view job.View) []stage {
	state := flow.State(view.State)
	names := stages(view.Mode, state)
	at := min(reached()[state], len(names)-1)
	if state == job.Killed && view.Mode == job.Production && len(view.Approvals) < 2 {
		at = 1
	}
	standing := "current"
	switch {
	case state == job.Refused || state == job.Failed || state == job.TimedOut || state == job.Killed,
		state == job.Closed && len(view.Released) == 0:
		standing = "failed"
	case view.EndedAt != nil:
		standing = "done"
	}
	all := make([]stage, 0, len(names))
	for i, name := range names {
		s := stage{Name: name, Standing: "later"}
		switch {
		case i < at:
			s.Standing = "done"
		case i == at:
			s.Standing = standing
		}
		all = append(all, s)
	}
	return all
}
