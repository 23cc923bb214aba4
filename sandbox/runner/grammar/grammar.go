// Package grammar decides which statements of an author are verified: whose rows belong to the units they
// name because nothing the author wrote can forge it.
//
// It works on the tree the linked engine itself makes of a statement (json_serialize_sql), so there is no
// second parser to disagree with. It is an allow-list: a node, field, type, function or name that is not in
// its tables refuses. What it lets through can only make rows of a unit from rows of that unit, with tokens
// untouched, and no count, label or figure of one unit moved by another's rows. Measures are granted columns
// or one aggregate of one of them per unit; everything else is a label.
//
// The package is pure: it opens no engine. Start with Split, then Grammar.Check, then Outputs.
package grammar

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// Grammar holds the tables of what an author's statement may be made of. It is read-only once made, so any
// number of goroutines may share one.
type Grammar struct {
	shapes      map[string]shape
	refused     map[string]Code
	expressions map[string]expressionRule
	functions   map[string]function
	notListed   map[string]Code
	windows     map[string]windowRule
	casts       map[string]bool
	constants   map[string]bool
	name        *regexp.Regexp
}

// New makes the grammar.
func New() *Grammar {
	return &Grammar{
		shapes: newShapes(), refused: newRefused(), expressions: newExpressions(), functions: newFunctions(),
		notListed: newNotListed(), windows: newWindows(), casts: newCasts(), constants: newConstants(),
		name: namePattern(),
	}
}

// walker checks one statement. It goes on after a refusal, so that an author sees all reasons at once.
type walker struct {
	*Grammar
	stmt     task.Statement
	inputs   []task.TableSpec
	findings []task.CheckFinding
	reads    map[string]map[string]bool // input → columns
	sets     int                        // row sets named so far
	written  int                        // nodes that aliases were written out to
}

// Verdict is what was learnt of one statement. It is verified when Findings is empty.
type Verdict struct {
	Findings []task.CheckFinding
	Columns  []Column
	Inputs   []string            // sorted
	Reads    map[string][]string // input → columns the code uses, sorted
}

// Column is one result column, with what the declared tables ask of it.
type Column struct {
	task.RelationColumn
	Rows       string    // the row set of a measure
	Type       task.Type // of a measure
	Identifier bool
}

// Check checks the tree of a statement, and replaces each star in it by the columns it stands for: the tree
// that is left says by name all that it reads.
func (g *Grammar) Check(stmt task.Statement, inputs []task.TableSpec, tree *Tree) Verdict {
	w := &walker{Grammar: g, stmt: stmt, inputs: inputs, reads: map[string]map[string]bool{}}
	stmts := tree.root.list("statements")
	if len(stmts) != 1 {
		w.refuse(nil, codeStatements, "")
		return Verdict{Findings: w.findings}
	}
	r := w.statement(stmts[0], env{})
	if len(r.cols) == 0 && len(w.findings) == 0 {
		w.refuse(nil, codeNode, "")
	}
	v := Verdict{Findings: w.findings, Reads: map[string][]string{}}
	for _, c := range r.cols {
		v.Columns = append(v.Columns, c.public())
	}
	for _, input := range slices.Sorted(maps.Keys(w.reads)) {
		v.Inputs = append(v.Inputs, input)
		v.Reads[input] = slices.Sorted(maps.Keys(w.reads[input]))
	}
	return v
}

// public is a column as the rest of the platform sees it.
func (c column) public() Column {
	p := Column{Rows: c.rows, Type: c.typ, Identifier: c.ident}
	p.Name, p.Kind, p.Source, p.Form, p.Unit = c.name, task.KindLabel, c.source, c.form, c.token
	switch {
	case c.token != "":
		p.Kind = task.KindToken
	case c.source != "":
		p.Kind = task.KindMeasure
	}
	return p
}

// refuse notes a reason once, at the line of the node.
func (w *walker) refuse(at *node, c Code, what string) {
	if f := Refuse(w.stmt, c, at.location(), what); !slices.Contains(w.findings, f) {
		w.findings = append(w.findings, f)
	}
}

// Line is the line in the code file of a byte of a statement.
func Line(s task.Statement, at int) int {
	if at < 0 || at > len(s.SQL) {
		return s.Line
	}
	return s.Line + strings.Count(s.SQL[:at], "\n")
}

// shaped says that a node has exactly the fields of a shape, and nothing in those that must be absent.
func (w *walker) shaped(n *node, at *node, name string) bool {
	s, known := w.shapes[name]
	if !known || n == nil || n.kind != object {
		w.refuse(at, codeNode, name)
		return false
	}
	before := len(w.findings)
	for _, f := range n.names {
		rule, known := s[f]
		switch {
		case !known:
			w.refuse(at, codeField, f)
		case rule.want == absent && !n.fields[f].empty():
			w.refuse(at, rule.code, f)
		}
	}
	for f, rule := range s {
		if _, there := n.fields[f]; !there && rule.want != optional {
			w.refuse(at, codeField, f)
		}
	}
	return len(w.findings) == before
}

// unknown refuses a node outside the grammar, by the reason that has a remedy of its own if there is one.
func (w *walker) unknown(n *node, keys ...string) {
	for _, k := range keys {
		if c, ok := w.refused[k]; ok {
			w.refuse(n, c, strings.TrimSuffix(k, " expression"))
			return
		}
	}
	w.refuse(n, codeNode, keys[len(keys)-1])
}

// newRows names a row set.
func (w *walker) newRows(over string) string {
	w.sets++
	return fmt.Sprintf("%d(%s)", w.sets, over)
}

// input returns the declared input of a name.
func (w *walker) input(name string) *task.TableSpec {
	i := slices.IndexFunc(w.inputs, func(t task.TableSpec) bool { return same(t.Input, name) })
	if i < 0 {
		return nil
	}
	return &w.inputs[i]
}

// reserved says that a name is a column of an input, declared or not, so that no other value may bear it.
func (w *walker) reserved(name string) bool {
	return name == ordinal || slices.ContainsFunc(w.inputs, func(t task.TableSpec) bool {
		return containsName(t.Known, name) ||
			slices.ContainsFunc(t.Columns, func(c task.Column) bool { return same(c.Name, name) }) ||
			slices.ContainsFunc(t.Units, func(u task.Unit) bool { return same(u.Kind, name) })
	})
}

// read notes that the code uses an input, and a column of it unless that is "".
func (w *walker) read(input, name string) {
	if w.reads[input] == nil {
		w.reads[input] = map[string]bool{}
	}
	if name != "" {
		w.reads[input][name] = true
	}
}
