package console

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/policy/screen"
)

func outputActs() []act {
	const page = "/jobs/{number}/outputs/{output}/review"
	const review, again = "/reviews/{number}", "/reviews/{number}/resubmit"
	const end = "/jobs/{number}/outputs/{output}/destroy"
	return []act{
		{path: end, page: end, verb: "output.destroy", typed: "output", do: destroyOutput},
		{path: page, page: page, verb: "review.open", do: openReview},
		{path: review + "/withdraw", page: review, verb: "review.withdraw", do: withdrawReview},
		{path: again, page: again, verb: "review.resubmit", do: resubmitReview},
	}
}

// result is one output of a job as its operator and its agency may know it: what the rules found, never a value.
type result struct {
	output.View
	Found   []screen.Finding
	Path    string // where its review is asked for
	CanOpen bool   // nothing on record speaks against asking
	End     string // where its end is asked for; "" when it cannot end, or not by the reader
}

// outputPath is where something is asked about one output of a job.
func outputPath(number, name, what string) string {
	return jobPath(number) + "/outputs/" + name + "/" + what
}

// resultsOf lists what a run left.
func resultsOf(k call, number string) ([]result, error) {
	found, err := k.cat.Outputs.List(k.ctx, k.who, number)
	if err != nil {
		return nil, err
	}
	end, err := k.offer(k.sits(org.ImplementingAgency), button{Verb: "output.destroy"})
	if err != nil {
		return nil, err
	}
	all := make([]result, 0, len(found))
	for _, o := range found {
		r := result{View: o, Path: outputPath(number, o.Name, "review"), CanOpen: o.Request == "" && allows(output.Flow(), o.State, "open")}
		if end[0].Why == "" && canEnd(o) {
			r.End = outputPath(number, o.Name, "destroy")
		}
		if o.Findings != nil {
			if err := json.Unmarshal(o.Findings, &r.Found); err != nil {
				return nil, fmt.Errorf("reading findings: %w", err)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// canEnd tells whether people can end an output: what was rejected, the system ends.
func canEnd(o output.View) bool {
	return allows(output.Flow(), o.State, "destroy") && o.State != string(output.Rejected)
}

// outputOf reads one output of the job of the address.
func outputOf(k call) (result, error) {
	all, err := resultsOf(k, k.arg("number"))
	if err != nil {
		return result{}, err
	}
	at := slices.IndexFunc(all, func(r result) bool { return r.Name == k.arg("output") })
	if at < 0 {
		return result{}, fault.NotFound()
	}
	return all[at], nil
}

func confirmDestroy(k call) (answer, error) {
	o, err := outputOf(k)
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, o.State, k.sits(org.ImplementingAgency), confirmPage{
		Verb: "output.destroy", Typed: o.Name, Until: jobPath(o.Job) + "?tab=results", Life: output.Flow(),
	})
}

func destroyOutput(k call) (string, error) {
	view, err := k.cat.Outputs.Destroy(k.ctx, k.who, k.arg("number"), k.arg("output"))
	return jobPath(view.Job) + "?tab=results", err
}

// reviewAsk is where the review of one output is asked for, in its author's words.
type reviewAsk struct {
	result
	Said  string // typed before
	Offer button
}

func askReview(k call) (answer, error) {
	o, err := outputOf(k)
	if err != nil {
		return answer{}, err
	}
	p := reviewAsk{result: o, Said: k.form.Get("context")}
	offered, err := k.offer(false, button{Verb: "review.open"})
	if err != nil {
		return answer{}, err
	}
	if p.Offer = offered[0]; !p.CanOpen && p.Offer.Why == "" {
		p.Offer.Why = "why.not_open"
	}
	return answer{Object: p.Name, State: p.State, Body: p}, nil
}

func reviewPath(number string) string { return Prefix + "/reviews/" + number }

// authorButtons are what the operator's side can do with its own request.
func authorButtons(k call, view output.RequestView) ([]button, error) {
	if !k.sits(org.Operator) {
		return nil, nil
	}
	path := reviewPath(view.Number)
	var all []button
	switch {
	case allows(output.RequestFlow(), view.State, "withdraw"):
		all = append(all, button{Verb: "review.withdraw", Path: path + "/withdraw"})
	case view.FollowedBy == "" && allows(output.RequestFlow(), view.State, "resubmit"):
		all = append(all, button{Verb: "review.resubmit", Path: path + "/resubmit", Ask: true})
	}
	return k.offer(false, all...)
}

func withdrawReview(k call) (string, error) {
	view, err := k.cat.Requests.Withdraw(k.ctx, k.who, k.arg("number"))
	return reviewPath(view.Number), err
}

// resubmission is where a request that was sent or taken back is handed in anew, over the same output or a mended one.
type resubmission struct {
	output.RequestView
	Path  string
	Form  filled
	Offer button
}

func askResubmit(k call) (answer, error) {
	view, err := k.cat.Requests.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	offered, err := k.offer(false, button{Verb: "review.resubmit", Why: late(output.RequestFlow(), view.State, "resubmit")})
	if err != nil {
		return answer{}, err
	}
	p := resubmission{RequestView: view, Path: reviewPath(view.Number) + "/resubmit", Form: filled(k.form), Offer: offered[0]}
	return answer{Object: view.Number, State: view.State, Body: p}, nil
}

func resubmitReview(k call) (string, error) {
	spec := output.ResubmitSpec{Job: k.form.Get("job"), Output: k.form.Get("output"), Context: k.form.Get("context")}
	view, err := k.cat.Requests.Resubmit(k.ctx, k.who, k.arg("number"), spec)
	return reviewPath(view.Number), err
}

func openReview(k call) (string, error) {
	view, err := k.cat.Requests.Open(k.ctx, k.who, output.RequestSpec{Job: k.arg("number"), Output: k.arg("output"), Context: k.form.Get("context")})
	return reviewPath(view.Number), err
}
