package runner

import (
	"path/filepath"
	"slices"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// checkFolder decides what can be known of a Python job before it runs: whether its files parse, which Python itself
// was asked about in a container of its own, and whether the declared relations and tables fit the inputs.
func checkFolder(in string, l *task.CheckLetter) (*task.CheckReport, error) {
	var parsed foreignReport
	if err := readJSON(filepath.Join(in, task.SyntaxFile), maxForeignReport, &parsed); err != nil {
		return nil, err
	}
	r := &task.CheckReport{Relations: []task.RelationPlan{}, Findings: []task.CheckFinding{}, Reads: []task.ColumnReading{}}
	for _, p := range parsed.Syntax {
		f := grammar.Refuse(task.Statement{}, grammar.PythonSyntax, -1, "")
		f.File, f.Line = codeLine(l.Files, p.File, p.Line)
		r.Findings = append(r.Findings, f)
	}
	verdicts := map[string]grammar.Verdict{}
	for _, declared := range l.Relations {
		verdict, findings := labelled(declared, l.Tables)
		r.Findings = append(r.Findings, findings...)
		if len(findings) > 0 {
			continue
		}
		verdicts[declared.Name] = verdict
		r.Relations = append(r.Relations, labelledPlan(declared, verdict))
	}
	r.Findings = append(r.Findings, grammar.Outputs(l.Output, verdicts)...)
	for _, t := range l.Tables { // what the code does with them nobody can tell: it was given all of them
		reads := task.ColumnReading{Input: t.Input, Columns: []string{}}
		for _, c := range t.Columns {
			reads.Columns = append(reads.Columns, c.Name)
		}
		r.Reads = append(r.Reads, reads)
	}
	return r, nil
}

// labelled is what a labelled relation comes to: tokens and every column of its input, and the labels.
func labelled(r task.Labelled, tables []task.TableSpec) (grammar.Verdict, []task.CheckFinding) {
	refuse := func(c grammar.Code, what string) []task.CheckFinding {
		return []task.CheckFinding{grammar.Refuse(task.Statement{Relation: r.Name}, c, -1, what)}
	}
	i := slices.IndexFunc(tables, func(t task.TableSpec) bool { return t.Input == r.Of })
	if i < 0 {
		return grammar.Verdict{}, refuse(grammar.NoTable, r.Of)
	}
	v := grammar.Verdict{Inputs: []string{r.Of}}
	taken := map[string]bool{}
	add := func(c grammar.Column) { v.Columns, taken[c.Name] = append(v.Columns, c), true }
	protected := map[string]bool{}
	for _, u := range tables[i].Units {
		protected[u.Column] = true
		add(grammar.Column{RelationColumn: task.RelationColumn{Name: u.Kind, Kind: task.KindToken, Unit: u.Kind}})
	}
	for _, c := range tables[i].Columns {
		add(grammar.Column{
			RelationColumn: task.RelationColumn{Name: c.Name, Kind: task.KindMeasure, Source: r.Of + "." + c.Name},
			Rows:           r.Of, Type: c.Type, Identifier: protected[c.Name] || c.Role == task.Identifier,
		})
	}
	for _, label := range r.Labels {
		if taken[label] {
			return v, refuse(grammar.LabelTaken, label)
		}
		add(grammar.Column{RelationColumn: task.RelationColumn{Name: label, Kind: task.KindLabel}})
	}
	return v, nil
}

// labelledPlan leaves identifiers out: no declared table may use them.
func labelledPlan(r task.Labelled, v grammar.Verdict) task.RelationPlan {
	p := task.RelationPlan{Statement: task.Statement{Relation: r.Name}, Inputs: v.Inputs}
	for _, c := range v.Columns {
		if !c.Identifier {
			p.Columns = append(p.Columns, c.RelationColumn)
		}
	}
	return p
}
