package grammar

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/task"
)

// Bounds of a declared table.
const (
	maxDomain = 1000  // values of one dimension
	maxCells  = 10000 // combinations of all dimensions
)

// Outputs checks the declared tables against what was learnt of the verified relations, by name.
func Outputs(tables []task.Table, verified map[string]Verdict) []task.CheckFinding {
	o := &outputs{rows: map[string]string{}}
	seen := map[string]bool{}
	for _, t := range tables {
		v, ok := verified[t.From]
		switch {
		case !namePattern().MatchString(t.Name):
			o.refuse(t, codeOutName, "")
		case seen[t.Name]:
			o.refuse(t, codeOutTwice, t.Name)
		}
		seen[t.Name] = true
		if !ok {
			o.refuse(t, codeOutFrom, t.Name)
			continue
		}
		o.dimensions(t, v.Columns)
		o.measures(t, v.Columns)
	}
	return o.findings
}

type outputs struct {
	findings []task.CheckFinding
	rows     map[string]string // relation → row set of its measures
}

func (o *outputs) refuse(t task.Table, c Code, what string) {
	f := Refuse(task.Statement{Relation: t.From}, c, -1, what)
	if !slices.Contains(o.findings, f) {
		o.findings = append(o.findings, f)
	}
}

// find returns the column of a relation by its exact name.
func find(cols []Column, name string) *Column {
	i := slices.IndexFunc(cols, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &cols[i]
}

// dimensions checks that a table's labels are labels, and how large it may grow.
func (o *outputs) dimensions(t task.Table, cols []Column) {
	cells, seen := 1, map[string]bool{}
	for _, d := range t.By {
		if seen[d.Column] {
			o.refuse(t, codeDimTwice, d.Column)
		}
		seen[d.Column] = true
		switch c := find(cols, d.Column); {
		case c == nil:
			o.refuse(t, codeDimension, d.Column)
		case c.Kind == task.KindToken:
			o.refuse(t, codeDimToken, d.Column)
		case c.Identifier:
			o.refuse(t, codeDimIdentifier, d.Column)
		}
		o.domain(t, d)
		cells = min(cells, maxCells+1) * min(max(len(d.Values), 1), maxDomain)
	}
	if cells > maxCells {
		o.refuse(t, codeCells, t.Name)
	}
}

func (o *outputs) domain(t task.Table, d task.Dimension) {
	sorted := slices.Sorted(slices.Values(d.Values))
	switch {
	case len(d.Values) == 0:
		o.refuse(t, codeDomainEmpty, d.Column)
	case len(d.Values) > maxDomain:
		o.refuse(t, codeDomainLarge, d.Column)
	case len(slices.Compact(sorted)) != len(d.Values):
		o.refuse(t, codeDomainTwice, d.Column)
	}
}

// statRule says which columns a statistic takes.
type statRule struct {
	of, per bool
	unit    bool // per may be the word "unit"
}

func statRules() map[task.Stat]statRule {
	return map[task.Stat]statRule{
		task.StatUnits: {},
		task.StatRows:  {},
		task.StatSum:   {of: true},
		task.StatMean:  {of: true, unit: true},
		task.StatRatio: {of: true, per: true},
	}
}

func (o *outputs) measures(t task.Table, cols []Column) {
	seen := map[string]bool{}
	if len(t.Measures) == 0 {
		o.refuse(t, codeMeasures, t.Name)
	}
	for _, m := range t.Measures {
		switch {
		case !namePattern().MatchString(m.Name):
			o.refuse(t, codeMeasureName, "")
		case seen[m.Name] || slices.ContainsFunc(t.By, func(d task.Dimension) bool { return d.Column == m.Name }):
			o.refuse(t, codeMeasureTwice, m.Name)
		}
		seen[m.Name] = true
		rule, ok := statRules()[m.Stat]
		if !ok {
			o.refuse(t, codeMeasureStat, m.Name)
			continue
		}
		o.operand(t, m, cols, m.Of, rule.of, codeMeasureOf)
		if rule.unit && m.Per == "unit" {
			continue
		}
		o.operand(t, m, cols, m.Per, rule.per, codeMeasurePer)
	}
}

// operand checks a column a figure is formed of: a measure, a number, over the same rows as the others.
func (o *outputs) operand(t task.Table, m task.Measure, cols []Column, name string, wanted bool, missing Code) {
	if !wanted && name == "" {
		return
	}
	c := find(cols, name)
	switch {
	case !wanted || c == nil:
		o.refuse(t, missing, m.Name)
	case c.Identifier:
		o.refuse(t, codeMeasureIdent, name)
	case c.Kind != task.KindMeasure:
		o.refuse(t, codeMeasureExpr, name)
	case c.Type != task.Integer && c.Type != task.Number:
		o.refuse(t, codeMeasureType, name)
	default:
		o.rowSet(t, c)
	}
}

// rowSet holds all measures of one relation to one row set, whichever table uses them.
func (o *outputs) rowSet(t task.Table, c *Column) {
	first, ok := o.rows[t.From]
	if !ok {
		o.rows[t.From] = c.Rows
		return
	}
	if first != c.Rows {
		o.refuse(t, codeMeasureRows, c.Name)
	}
}
