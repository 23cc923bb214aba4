package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
)

func jobActs() []act {
	const asked, drafted = "/jobs/{number}", "/jobs/new"
	return []act{
		{path: "/jobs/check", page: drafted, verb: "job.check", most: maxDraft, do: checkJob},
		{path: "/jobs/debug", page: drafted, verb: "job.debug", most: maxDraft, do: debugJob},
		{path: "/jobs/submit", page: drafted, verb: "job.submit", most: maxDraft, do: submitJob},
		{path: "/jobs/{number}/approve", page: asked, verb: "job.approve", do: onJob((*catalog.Jobs).Approve)},
		{path: "/jobs/{number}/refuse", page: "/jobs/{number}/refuse", verb: "job.refuse", do: refuseJob},
		{path: "/jobs/{number}/cancel", page: "/jobs/{number}/cancel", verb: "job.cancel", typed: "number", do: onJob((*catalog.Jobs).Cancel)},
	}
}

// onJob is an act on one job.
func onJob(verb oneVerb[*catalog.Jobs, job.View]) func(call) (string, error) {
	return func(k call) (string, error) {
		view, err := verb(k.cat.Jobs, k.ctx, k.who, k.arg("number"))
		return jobPath(view.Number), err
	}
}

func jobPath(number string) string { return Prefix + "/jobs/" + number }

// jobFlow is the life of a job of a mode.
func jobFlow(mode job.Mode) flow.Table {
	switch mode {
	case job.Debug:
		return job.DebugFlow()
	case job.Check:
		return job.CheckFlow()
	case job.Production:
	}
	return job.Flow()
}

// allows tells whether a thing in a state can be moved by an act at all.
func allows(life flow.Table, state, act string) bool {
	_, err := life.Check(flow.State(state), act)
	return err == nil
}

// jobButtons are the acts a job waits for.
func jobButtons(k call, view job.View) ([]button, error) {
	var all []button
	agency, life := k.sits(org.ImplementingAgency), jobFlow(view.Mode)
	seen, err := catalog.Tag(view)
	if err != nil {
		return nil, err
	}
	if view.Mode == job.Production && allows(life, view.State, "approve") {
		b := button{Verb: "job.approve", Path: jobPath(view.Number) + "/approve", Seen: seen, Main: true}
		switch turn := len(view.Approvals); {
		case agency && turn == 0:
			b.Why = "why.operator_first"
		case !agency && turn > 0:
			b.Why = "why.agency_next"
		}
		all = append(all, b, button{Verb: "job.refuse", Path: jobPath(view.Number) + "/refuse", Ask: true})
	}
	if allows(life, view.State, "cancel") {
		all = append(all, button{Verb: "job.cancel", Path: jobPath(view.Number) + "/cancel", Ask: true})
	}
	return k.offer(agency, all...)
}

// sits tells whether the reader's organization acts in a capacity.
func (k call) sits(c org.Capacity) bool { return slices.Contains(k.who.Capacities, string(c)) }

func askRefuseJob(k call) (answer, error) {
	view, err := k.cat.Jobs.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	return confirm(k, view, view.State, k.sits(org.ImplementingAgency), confirmPage{
		Verb: "job.refuse", Typed: view.Number, Until: jobPath(view.Number), Asks: true,
		Life: jobFlow(view.Mode), Move: "approve", // workers refuse too: people do where they might have consented
	})
}

func refuseJob(k call) (string, error) {
	view, err := k.cat.Jobs.Refuse(k.ctx, k.who, k.arg("number"), flow.Opinion{Reason: k.form.Get("reason")})
	return jobPath(view.Number), err
}

func confirmCancel(k call) (answer, error) {
	view, err := k.cat.Jobs.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	return confirm(k, view, view.State, k.sits(org.ImplementingAgency), confirmPage{
		Verb: "job.cancel", Typed: view.Number, Until: jobPath(view.Number), Life: jobFlow(view.Mode),
		Stops: []job.Stop{{Number: view.Number, Mode: view.Mode, State: view.State, CreatedAt: view.CreatedAt}},
	})
}
