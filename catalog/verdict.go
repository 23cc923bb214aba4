package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
)

// answerOf reads what a check tells; nil for any other job.
func answerOf(row postgres.Job) (*job.Answer, error) {
	if row.Answer == nil {
		return nil, nil
	}
	a := new(job.Answer)
	if err := json.Unmarshal(row.Answer, a); err != nil {
		return nil, fmt.Errorf("reading answer: %w", err)
	}
	return a, nil
}

// completed adds to a check's answer what its container found.
func (d *deed) completed(row postgres.Job, g *ground, p job.Package, r task.CheckReport) (job.Answer, error) {
	before, err := answerOf(row)
	if err != nil {
		return job.Answer{}, err
	}
	if before == nil {
		return job.Answer{}, errors.New("a check without an answer")
	}
	a := *before
	unread := unread(r.Findings, a.Code.Unchecked)
	a.Code.Relations = relationAnswers(r, unread)
	for _, f := range r.Findings {
		if slices.Contains(unread, f.Relation) {
			continue // it, or what follows from it, is about an input nobody knows
		}
		if !refuseOutputs(&a, p, f) {
			a.Code.Findings = append(a.Code.Findings, finding(f))
		}
	}
	for i, o := range p.Outputs {
		if o.Table != nil {
			a.Outputs[i].Refused = append(a.Outputs[i].Refused, d.impossible(*o.Table, r.Relations, p, g)...)
		}
	}
	a.Code.State = codeState(a.Code, unread)
	a.Passes = passes(a)
	return a, nil
}

func codeState(c job.CodeAnswer, unread []string) job.CodeState {
	switch {
	case len(c.Findings) > 0:
		return job.CodeRefused
	case len(unread) > 0:
		return job.CodePartly
	}
	return job.CodeVerified
}

// unread lists the relations that read an input left out of the check.
func unread(findings []task.CheckFinding, inputs []string) (relations []string) {
	for _, f := range findings {
		if f.Code == "grammar.table" && slices.Contains(inputs, f.What) {
			relations = append(relations, f.Relation)
		}
	}
	return unique(relations)
}

// relationAnswers tells what each relation of the code is worth.
func relationAnswers(r task.CheckReport, unread []string) []job.RelationAnswer {
	answers := []job.RelationAnswer{}
	for _, plan := range r.Relations {
		verified := job.RelationAnswer{Relation: plan.Relation, Standing: job.Verified, Columns: []job.ColumnAnswer{}}
		for _, c := range plan.Columns {
			verified.Columns = append(verified.Columns, job.ColumnAnswer{Name: c.Name, Kind: string(c.Kind)})
		}
		answers = append(answers, verified)
	}
	for _, f := range r.Findings {
		known := func(a job.RelationAnswer) bool { return a.Relation == f.Relation }
		if f.Relation == "" || f.Line == 0 || slices.ContainsFunc(answers, known) {
			continue // findings without a line are about declared tables
		}
		standing := job.Claimed
		if slices.Contains(unread, f.Relation) {
			standing = job.Unchecked
		}
		answers = append(answers, job.RelationAnswer{Relation: f.Relation, Standing: standing, Columns: []job.ColumnAnswer{}})
	}
	return answers
}

func finding(f task.CheckFinding) job.Finding {
	dimension, _, _ := strings.Cut(f.Code, ".")
	out := job.Finding{Code: f.Code, Dimension: dimension, Relation: f.Relation, File: f.File, Line: f.Line, Remedy: f.Remedy}
	if f.What != "" {
		out.What = []string{f.What}
	}
	return out
}

// refuseOutputs puts a finding about declared tables to those it is about; false when it is about the code.
func refuseOutputs(a *job.Answer, p job.Package, f task.CheckFinding) bool {
	if f.Line != 0 {
		return false
	}
	found := false
	for i, o := range p.Outputs {
		if o.Table == nil || o.Table.From != f.Relation || !names(*o.Table, f.What) {
			continue
		}
		a.Outputs[i].Refused = append(a.Outputs[i].Refused, finding(f))
		found = true
	}
	return found
}

// names tells whether a table, or a dimension or measure of it, has a name; the empty name is everybody's.
func names(t job.Table, what string) bool {
	dimension := func(d job.Dimension) bool { return d.Column == what }
	measure := func(m job.Measure) bool { return m.Name == what || m.Of == what || m.Per == what }
	return what == "" || what == t.Name || slices.ContainsFunc(t.By, dimension) || slices.ContainsFunc(t.Measures, measure)
}

// impossible tells why a table cannot pass the screening whatever the rows are: a declared cell is blocked when
// fewer units than the threshold stand in it, and an empty one is.
func (d *deed) impossible(t job.Table, plans []task.RelationPlan, p job.Package, g *ground) (refused []job.Finding) {
	i := slices.IndexFunc(plans, func(plan task.RelationPlan) bool { return plan.Relation == t.From })
	if i < 0 {
		return nil
	}
	add := func(code string, what ...string) {
		dimension, _, _ := strings.Cut(code, ".")
		refused = append(refused, job.Finding{Code: code, Dimension: dimension, Relation: t.From, What: what, Remedy: "remedy." + code})
	}
	cells := int64(1)
	for _, dim := range t.By {
		cells *= int64(max(1, len(dim.Values)))
		if outside := strangers(dim, domainOf(dim.Column, plans[i], p, g)); len(outside) > 0 {
			add("label.outside_column", outside...)
		}
	}
	if rows, protected := rowsRead(plans[i], p, g); protected && cells*int64(d.c.Rules.Disclosure.MinUnits) > rows {
		add("people.too_many_cells", t.Name)
	}
	return refused
}

// domainOf returns the declared values of the dataset's column a label is, nil when it is computed or open.
func domainOf(label string, plan task.RelationPlan, p job.Package, g *ground) []string {
	for _, c := range plan.Columns {
		input, column, _ := strings.Cut(c.Source, ".")
		if c.Name != label || c.Source == "" || c.Form != "" {
			continue
		}
		for _, in := range p.Inputs {
			ds, ok := g.datasetNamed(string(in.Dataset))
			if in.Name != input || !ok {
				continue
			}
			for _, known := range ds.Columns {
				if known.Name == column {
					return known.Domain
				}
			}
		}
	}
	return nil
}

// strangers lists the declared labels a column can never hold. An open column can hold any.
func strangers(dim job.Dimension, domain []string) (outside []string) {
	for _, v := range dim.Values {
		if len(domain) > 0 && !slices.Contains(domain, v) {
			outside = append(outside, v)
		}
	}
	return outside
}

// rowsRead is the most rows a relation can have: no unit has more than its inputs staged for it. protected tells
// whether any of them has units to protect.
func rowsRead(plan task.RelationPlan, p job.Package, g *ground) (rows int64, protected bool) {
	for _, in := range p.Inputs {
		ds, ok := g.datasetNamed(string(in.Dataset))
		if !ok || !slices.Contains(plan.Inputs, in.Name) {
			continue
		}
		protected = protected || len(ds.Units) > 0
		if n := g.versions[versionKey(ds.ID, in.Version)].Rows; n != nil {
			rows += *n
		}
	}
	return rows, protected
}
