package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
)

func grantActs() []act {
	return []act{
		{path: "/grants/new", page: "/grants/new", verb: "grant.propose", do: proposeGrant},
		{path: "/grants/{number}/approve", page: "/grants/{number}", verb: "grant.approve", do: onGrant((*catalog.Grants).Approve)},
		{path: "/grants/{number}/allow", page: "/grants/{number}/allow", verb: "grant.allow", do: allowGrant},
		{path: "/grants/{number}/refuse", page: "/grants/{number}/refuse", verb: "grant.refuse", do: refuseGrant},
		{path: "/grants/{number}/revoke", page: "/grants/{number}/revoke", verb: "grant.revoke", typed: "number", do: onGrant((*catalog.Grants).Revoke)},
	}
}

// onGrant is an act on one grant.
func onGrant(verb oneVerb[*catalog.Grants, grant.View]) func(call) (string, error) {
	return func(k call) (string, error) {
		view, err := verb(k.cat.Grants, k.ctx, k.who, k.arg("number"))
		return grantPath(view.Number), err
	}
}

func grantPath(number string) string { return Prefix + "/grants/" + number }

// grantButtons are the acts a grant waits for. They are the agency's.
func grantButtons(k call, view grant.View) ([]button, error) {
	seen, err := catalog.Tag(view)
	if err != nil {
		return nil, err
	}
	var all []button
	if allows(grant.Flow(), view.State, "approve") {
		all = append(all, button{Verb: "grant.approve", Path: grantPath(view.Number) + "/approve", Seen: seen, Main: true},
			button{Verb: "grant.allow", Path: grantPath(view.Number) + "/allow", Ask: true},
			button{Verb: "grant.refuse", Path: grantPath(view.Number) + "/refuse", Ask: true})
	} else if allows(grant.Flow(), view.State, "revoke") {
		all = append(all, button{Verb: "grant.revoke", Path: grantPath(view.Number) + "/revoke", Ask: true})
	}
	return k.offer(k.sits(org.ImplementingAgency), all...)
}

func askRefuseGrant(k call) (answer, error) {
	view, err := k.cat.Grants.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	return confirm(k, view, view.State, true, confirmPage{Verb: "grant.refuse", Life: grant.Flow(), Typed: view.Number, Until: grantPath(view.Number), Asks: true})
}

func refuseGrant(k call) (string, error) {
	view, err := k.cat.Grants.Refuse(k.ctx, k.who, k.arg("number"), flow.Opinion{Reason: k.form.Get("reason")})
	return grantPath(view.Number), err
}

func confirmRevoke(k call) (answer, error) {
	view, err := k.cat.Grants.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	stops, err := k.cat.Grants.Stops(k.ctx, k.who, view.Number)
	if err != nil {
		return answer{}, err
	}
	return confirm(k, view, view.State, true, confirmPage{Verb: "grant.revoke", Life: grant.Flow(), Typed: view.Number, Until: grantPath(view.Number), Stops: stops, Counted: true})
}

// proposalPage is where a grant is asked for: what is asked beside what the provider's terms allow at most.
type proposalPage struct {
	Choice     choice // of what can be granted
	Agreements []agreement.View
	Dataset    *dataset.View // the chosen one
	Form       filled
	Offer      button
}

// filled is what a form holds when it is shown again; of one that was not sent yet nothing.
type filled map[string][]string

// Or returns a field, and otherwise when the form was not sent yet.
func (f filled) Or(field string, otherwise any) any {
	if f == nil {
		return otherwise
	}
	if len(f[field]) == 0 {
		return ""
	}
	return f[field][0]
}

// Ticked tells whether a box is ticked; those of a form that was not sent yet are as first says.
func (f filled) Ticked(group, value string, first bool) bool {
	if f == nil {
		return first
	}
	return len(f[group+"."+value]) > 0
}

// draftGrant makes the page. A dataset is chosen first: what may be asked follows from its terms.
func draftGrant(k call) (answer, error) {
	p := proposalPage{Form: filled(k.form)}
	offered, err := k.offer(false, button{Verb: "grant.propose"})
	if err != nil {
		return answer{}, err
	}
	p.Offer = offered[0]
	slug := k.sent().Get("dataset")
	if slug == "" {
		p.Choice, err = choose(k, catalog.Page{State: string(dataset.Authorizable)})
		return answer{Body: p}, err
	}
	found, err := k.cat.Datasets.Show(k.ctx, k.who, slug)
	if err != nil {
		return answer{}, err
	}
	p.Dataset = &found
	known, err := k.cat.Agreements.List(k.ctx, k.who, catalog.Page{State: string(agreement.Effective), Limit: catalog.MaxPage})
	if err != nil {
		return answer{}, err
	}
	p.Agreements = slices.DeleteFunc(known.Items, func(a agreement.View) bool { return !slices.Contains(a.Datasets, name.Slug(slug)) })
	return answer{Body: p}, nil
}

func proposeGrant(k call) (string, error) {
	n := numbers{form: k.form}
	s := grant.Scope{
		Dataset: name.Slug(k.form.Get("dataset")), VersionFrom: int(n.of("version_from")), VersionTo: int(n.of("version_to")),
		Columns: ticked[string](k.form, "column"), Rows: grant.Rows{All: k.form.Get("filter") == ""}, Purposes: ticked[string](k.form, "purpose"),
		Operations: ticked[name.Operation](k.form, "operation"), Outputs: ticked[name.OutputKind](k.form, "output"),
		Scenario: k.form.Get("scenario"), LevelCap: int(n.of("level_cap")), From: n.day("from"), To: n.day("to"),
		Budget:   grant.Budget{Runs: n.of("runs"), Rows: n.of("rows"), Failed: n.of("failed")},
		MinUnits: int(n.of("min_units")), LawfulBasis: k.form.Get("lawful_basis"),
	}
	if !s.Rows.All {
		s.Rows.Filters = []grant.RowFilter{{Column: k.form.Get("filter"), In: listed(k.form, "values")}}
	}
	if err := n.bad.Err("request.invalid"); err != nil {
		return "", err
	}
	view, err := k.cat.Grants.Propose(k.ctx, k.who, grant.Spec{Agreement: k.form.Get("agreement"), Scope: s})
	return grantPath(view.Number), err
}
