package console

import (
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/grant"
)

// allowancePage is where an agency takes a request down: what was asked, and beside it what is allowed.
type allowancePage struct {
	Asked grant.Scope
	Seen  string
	Path  string
	Form  filled
	Offer button
}

func draftAllowance(k call) (answer, error) {
	view, err := k.cat.Grants.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	offered, err := k.offer(true, button{Verb: "grant.allow", Why: late(grant.Flow(), view.State, "approve")})
	if err != nil {
		return answer{}, err
	}
	p := allowancePage{Asked: view.Scope, Path: grantPath(view.Number) + "/allow", Form: filled(k.form), Offer: offered[0]}
	p.Seen, err = catalog.Tag(view)
	return answer{Object: view.Number, State: view.State, Body: p}, err
}

// Values writes the values of a filter as its field holds them.
func (allowancePage) Values(f grant.RowFilter) string { return strings.Join(f.In, ", ") }

func allowGrant(k call) (string, error) {
	view, err := k.cat.Grants.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return "", err
	}
	n := numbers{form: k.form}
	part := grant.Allowance{ // the page states all of it: an empty field allows none, and never what was asked
		Columns: append([]string{}, ticked[string](k.form, "column")...), To: new(n.day("to")),
		Runs: new(n.of("runs")), Rows: new(n.of("rows")),
	}
	if err := n.bad.Err("request.invalid"); err != nil {
		return "", err
	}
	for i, f := range view.Scope.Rows.Filters {
		part.Filters = append(part.Filters, grant.RowFilter{Column: f.Column, In: listed(k.form, "values."+strconv.Itoa(i))})
	}
	if column, in := k.form.Get("filter"), listed(k.form, "values"); column != "" || len(in) > 0 {
		part.Filters = append(part.Filters, grant.RowFilter{Column: column, In: in})
	}
	allowed, err := k.cat.Grants.Allow(k.ctx, k.who, view.Number, part)
	return grantPath(allowed.Number), err
}

// beside is one dimension in which less was allowed than was asked.
type beside struct{ Dimension, Asked, Allowed string }

// besides lists what was asked and is not allowed. "" stands for every row.
func besides(view grant.View) (all []beside) {
	if view.Asked == nil {
		return nil
	}
	for _, dimension := range view.Asked.Narrowed(view.Scope) {
		all = append(all, beside{dimension, said(*view.Asked, dimension), said(view.Scope, dimension)})
	}
	return all
}

// said writes one dimension of a scope.
func said(s grant.Scope, dimension string) string {
	switch dimension {
	case "columns":
		return strings.Join(s.Columns, ", ")
	case "to":
		return s.To.String()
	case "runs":
		return number(s.Budget.Runs)
	case "rows":
		return number(s.Budget.Rows)
	}
	var filters []string
	for _, f := range s.Rows.Filters {
		filters = append(filters, f.Column+": "+strings.Join(f.In, ", "))
	}
	return strings.Join(filters, "; ")
}
