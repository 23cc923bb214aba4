package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/policy"
)

// Check tells everything a submit of the package would be refused for, and what would pass. It spends nothing and
// reads no row: scope, gates and budgets are told at once, the code is checked over empty tables, also when the
// scope is refused. Inputs whose grant is not known are left out of the code check, and named.
// Who: developer of the operator.
func (s *Jobs) Check(ctx context.Context, caller policy.Subject, p job.Package) (view job.View, err error) {
	row, err := s.c.packed(caller, job.Check, p)
	if err != nil {
		return job.View{}, err
	}
	err = s.c.change(ctx, caller, "job.check", &view, func(d *deed) error {
		d.refs["code"] = row.CodeDigest
		g, err := d.groundOf(p.Inputs, caller.Org, share)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "job", Org: caller.Org}, p.Name, policy.Facts{}); err != nil {
			return err
		}
		if err := d.freeze(&row, &p); err != nil {
			return err
		}
		answer, err := d.foretold(p, row.CodeDigest, g)
		if err != nil {
			return err
		}
		if row.Answer, err = json.Marshal(answer); err != nil {
			return fmt.Errorf("encoding answer: %w", err)
		}
		if answer.Code.State == job.CodeUnchecked {
			row.State, row.EndedAt = string(job.Refused), &d.now
		}
		if err := d.newJob(&row, p, g); err != nil {
			return err
		}
		if row.EndedAt == nil {
			if err := d.queue(row.ID, nil, d.checkLetter(known(p, g), g)); err != nil {
				return err
			}
		}
		view, err = d.jobView(row)
		return err
	})
	return view, err
}

// known is a package without the inputs whose grant is not the operator's, or not for that dataset.
func known(p job.Package, g *ground) job.Package {
	p.Inputs = slices.DeleteFunc(slices.Clone(p.Inputs), func(in job.Input) bool { return !g.knows(in) })
	return p
}

func (g *ground) knows(in job.Input) bool {
	row, ok := g.grants[string(in.Grant)]
	ds, there := g.datasetNamed(string(in.Dataset))
	return ok && there && row.Dataset == ds.ID
}

// foretold is all of an answer that needs no container.
func (d *deed) foretold(p job.Package, digest string, g *ground) (job.Answer, error) {
	a := job.Answer{
		RuleSet: d.c.Rules.Version, Revision: d.c.Policy.Revision(), Scope: []policy.Reason{}, Allowed: []job.Allowance{},
		Code:    job.CodeAnswer{State: job.CodeWaiting, Relations: []job.RelationAnswer{}, Findings: []job.Finding{}, Unchecked: []string{}},
		Outputs: []job.OutputAnswer{}, Gates: []job.Gate{}, Budgets: []budget.Left{},
	}
	for _, in := range p.Inputs {
		if !g.knows(in) {
			a.Code.Unchecked = append(a.Code.Unchecked, in.Name)
			continue
		}
		ds, _ := g.datasetNamed(string(in.Dataset))
		a.Allowed = append(a.Allowed, allowance(in, g.grants[string(in.Grant)], ds.Terms))
	}
	if len(a.Allowed) == 0 {
		a.Code.State = job.CodeUnchecked
	}
	var err error
	if a.Scope, err = d.scopeReasons(p, g); err != nil {
		return a, err
	}
	if a.Gates, err = d.gates(p, digest, g); err != nil {
		return a, err
	}
	if a.Budgets, err = d.budgetsAfter(p, g); err != nil {
		return a, err
	}
	for _, o := range p.Outputs {
		a.Outputs = append(a.Outputs, job.OutputAnswer{Name: o.Name(), Kind: string(o.Kind()), Refused: []job.Finding{}})
	}
	a.Before, err = d.tx.QueueBefore(d.ctx, d.caller.Org)
	a.Passes = passes(a)
	return a, err
}

// passes tells whether nothing in an answer refuses its package, as far as it is known.
func passes(a job.Answer) bool {
	refused := len(a.Scope) > 0 || len(a.Code.Findings) > 0
	for _, o := range a.Outputs {
		refused = refused || len(o.Refused) > 0
	}
	for _, gate := range a.Gates {
		refused = refused || !gate.Open
	}
	return !refused && (a.Code.State == job.CodeWaiting || a.Code.State == job.CodeVerified)
}

// allowance is what an input may ask for: what grant and terms both hold.
func allowance(in job.Input, g postgres.Grant, t *dataset.Terms) job.Allowance {
	s := g.Scope
	a := job.Allowance{
		Input: in.Name, Grant: g.Number, Dataset: string(in.Dataset), Columns: []string{}, Purposes: []string{},
		Operations: []string{}, Outputs: []string{}, VersionFrom: s.VersionFrom, VersionTo: s.VersionTo, LevelCap: s.LevelCap,
		From: s.From, To: s.To, Left: budget.Amount{Runs: g.RunsLeft, Rows: g.RowsLeft, Failed: g.FailedLeft},
	}
	if t != nil {
		a.Columns, a.Purposes = both(s.Columns, t.Columns), both(s.Purposes, t.Purposes)
		a.Operations, a.Outputs = both(s.Operations, t.Operations), both(s.Outputs, t.Outputs)
	}
	return a
}

// both lists the names that stand in two lists.
func both[S ~string](a, b []S) []string {
	out := []string{}
	for _, n := range a {
		if slices.Contains(b, n) {
			out = append(out, string(n))
		}
	}
	return out
}

// scopeReasons asks policy what a submit would be told now, without submitting.
func (d *deed) scopeReasons(p job.Package, g *ground) ([]policy.Reason, error) {
	scope := g.scope(p, false)
	b := billOf(p.Inputs, g)
	var err error
	if scope.Budgets, err = d.monthFacts(d.caller.Org, g, b, d.tx.Spent); err != nil {
		return nil, err
	}
	decision, err := d.c.Policy.Decide(d.ctx, policy.Request{
		Subject: d.caller, Action: "job.submit", Object: policy.Object{Kind: "job", Org: d.caller.Org},
		Facts: policy.Facts{Now: d.now.Unix(), Scope: scope},
	})
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Code: "policy.unavailable", Cause: err}
	}
	reasons := append([]policy.Reason{}, decision.Reasons...)
	spent := func(r policy.Reason) bool { return r.Code == "budget.rows" }
	if grants := overdrawn(g, b); len(grants) > 0 && !slices.ContainsFunc(reasons, spent) {
		reasons = append(reasons, overspent(grants)...)
	}
	var apart *fault.Error
	if _, err := oneAgency(g.agencies()); len(g.agreements) > 0 && errors.As(err, &apart) {
		reasons = append(reasons, apart.Reasons...)
	}
	return reasons, nil
}

func (g *ground) agencies() (list []string) {
	for _, a := range g.agreements {
		list = append(list, a.Agency)
	}
	return list
}

// budgetsAfter lists what would be left after the run. Under a budget that does not suffice it is negative.
func (d *deed) budgetsAfter(p job.Package, g *ground) ([]budget.Left, error) {
	b := billOf(p.Inputs, g)
	var grants []postgres.Grant
	taken := map[string]budget.Amount{} // by what a budget names
	for _, row := range g.grants {
		grants = append(grants, row)
		taken[string(budget.Grant)+row.Number] = b.grants[row.ID]
	}
	slices.SortFunc(grants, func(a, b postgres.Grant) int { return compare(a.Number, b.Number) })
	for id, row := range g.datasets {
		taken[string(budget.Dataset)+row.Slug] = b.datasets[id]
	}
	all, err := d.budgetsLeft(d.caller.Org, grants)
	for i, left := range all {
		if left.Scope == budget.Org {
			all[i].Left = left.Left.Minus(b.whole)
			continue
		}
		all[i].Left = left.Left.Minus(taken[string(left.Scope)+left.Subject])
	}
	return all, err
}

// gates lists the conditions outside the package, each with what it is about and how long it holds.
func (d *deed) gates(p job.Package, digest string, g *ground) ([]job.Gate, error) {
	gates := []job.Gate{}
	if d.c.Rules.Gates.Debug {
		done, err := d.tx.DebuggedCode(d.ctx, d.caller.Org, digest)
		if err != nil {
			return nil, fmt.Errorf("looking for a debug run: %w", err)
		}
		state := "needed"
		if done {
			state = "done"
		}
		gates = append(gates, job.Gate{Gate: "debug", Subject: p.Name, State: state, Open: done})
	}
	for _, in := range p.Inputs {
		if !g.knows(in) {
			continue
		}
		for _, gate := range d.inputGates(g, g.grants[string(in.Grant)]) {
			same := func(o job.Gate) bool { return o.Gate == gate.Gate && o.Subject == gate.Subject }
			if !slices.ContainsFunc(gates, same) {
				gates = append(gates, gate)
			}
		}
	}
	return gates, nil
}

// inputGates lists what a grant rests on.
func (d *deed) inputGates(g *ground, row postgres.Grant) []job.Gate {
	a, ds := g.agreements[row.Agreement], g.datasets[row.Dataset]
	from, to := row.Scope.From.Start(), row.Scope.To.End()
	begun := !d.now.Before(from) && d.now.Before(to)
	gates := []job.Gate{
		{Gate: "dataset", Subject: ds.Slug, State: ds.State, Open: ds.State == string(dataset.Authorizable)},
		{Gate: "agreement", Subject: a.Number, State: a.State, Until: &a.TermTo,
			Open: a.State == string(agreement.Effective) && !d.now.Before(a.TermFrom) && d.now.Before(a.TermTo)},
		{Gate: "grant", Subject: row.Number, State: row.State, Until: &to, Open: row.State == string(grant.Active) && begun},
	}
	if ds.Terms != nil {
		end := ds.Terms.To.End()
		gates = append(gates, job.Gate{Gate: "terms", Subject: ds.Slug, State: "declared", Until: &end, Open: d.now.Before(end)})
	}
	if r, ok := g.legal[ds.ID]; ok {
		facts := registrationFacts(r)
		gates = append(gates, job.Gate{Gate: "registration", Subject: r.Number, State: facts.State, Until: r.ValidTo,
			Open: facts.State == string(registration.Valid) && d.now.Unix() < facts.To})
	}
	return gates
}

// putAnswer keeps a check's answer.
func (d *deed) putAnswer(row postgres.Job, a job.Answer) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding answer: %w", err)
	}
	return d.tx.PutAnswer(d.ctx, row.ID, body)
}
