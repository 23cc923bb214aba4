package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// termsPage is where a provider sets its ceiling over every grant: what holds now, to be changed.
type termsPage struct {
	dataset.View
	Now        dataset.Terms
	Operations []name.Operation
	Outputs    []name.OutputKind
	Approvals  []dataset.Approval
	Seen       string
	Form       filled
	Offer      button
}

// Runs tells whether the terms allow an operation, Leaves whether an output.
func (p termsPage) Runs(o name.Operation) bool { return slices.Contains(p.Now.Operations, o) }

// Leaves is Runs of outputs.
func (p termsPage) Leaves(o name.OutputKind) bool { return slices.Contains(p.Now.Outputs, o) }

func draftTerms(k call) (answer, error) {
	view, err := ownDataset(k)
	if err != nil {
		return answer{}, err
	}
	offered, err := k.offer(false, button{Verb: "dataset.terms", Why: late(dataset.Flow(), view.State, "terms")})
	if err != nil {
		return answer{}, err
	}
	p := termsPage{
		View: view, Operations: name.Operations(), Outputs: name.OutputKinds(), Approvals: []dataset.Approval{dataset.Manual, dataset.Automatic},
		Form: filled(k.form), Offer: offered[0],
	}
	if view.Terms != nil {
		p.Now = *view.Terms
	}
	p.Seen, err = catalog.Tag(view)
	return answer{Object: view.Slug, State: view.State, Body: p}, err
}

// ownDataset reads a dataset of the reader's own organization; there is no other on a page that is the provider's.
func ownDataset(k call) (dataset.View, error) {
	view, err := k.cat.Datasets.Show(k.ctx, k.who, k.arg("slug"))
	if err != nil {
		return view, err
	}
	me, err := k.cat.Sessions.Whoami(k.ctx, k.who)
	if err == nil && me.Org != view.Provider {
		err = fault.NotFound()
	}
	return view, err
}

func setTerms(k call) (string, error) {
	n := numbers{form: k.form}
	t := dataset.Terms{
		Purposes: listed(k.form, "purposes"), Columns: ticked[string](k.form, "column"), Operations: ticked[name.Operation](k.form, "operation"),
		Outputs: ticked[name.OutputKind](k.form, "output"), MinUnits: int(n.of("min_units")), Approval: dataset.Approval(k.form.Get("approval")), To: n.day("to"),
	}
	if kept := n.of("retention"); k.form.Get("retention") != "" {
		t.Retention = &dataset.Retention{Versions: int(kept)}
	}
	if err := n.bad.Err("request.invalid"); err != nil {
		return "", err
	}
	view, err := k.cat.Datasets.SetTerms(k.ctx, k.who, k.arg("slug"), t)
	return datasetPath(view.Slug) + "?tab=terms", err
}
