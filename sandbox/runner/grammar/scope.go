package grammar

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// ordinal is the staged row number: it may order windows and nothing else.
const ordinal = "_ordinal"

// column is what the grammar knows of one column of a table, CTE or subselect.
type column struct {
	name    string
	token   string // unit kind of an untouched token
	outer   string // unit kind of a token that an outer join may have emptied
	ident   bool   // an identifier column as it was granted
	ordinal bool
	granted [2]string // input and column, of a column by itself
	// A measure is a granted column or one aggregate of it per unit. rows names the row set it is over: two
	// measures of one relation must agree in it.
	source string // input.column; "" for every other value
	form   string
	rows   string
	typ    task.Type // of a measure
}

// label is the column with all that made it more than a value taken away.
func (c column) label() column { return column{name: c.name} }

// relation is the result of a query.
type relation struct {
	cols  []column
	units []string // unit kinds of all tables it was made of, sorted: each must be carried
	// unique says that there is at most one row for a combination of tokens.
	unique bool
	// rows names the row set when each row is one staged row of input, no two rows the same one.
	rows, input string
}

// table is one relation in a FROM, under its name there.
type table struct {
	relation
	alias string
	spec  *task.TableSpec // of an input; nil for a CTE or subselect
}

// scope is what the names of one SELECT can mean.
type scope struct {
	tables []table
	units  []string
	unique bool
	rows   string
	input  string
	merged []string // token columns joined by USING: one name for both sides
	broken bool     // a table of it was refused: names that are not found may be its
}

// find returns the columns a reference can mean, in the order of the tables.
func (s *scope) find(qualifier, name string) []column {
	var found []column
	for _, t := range s.tables {
		if qualifier != "" && !same(t.alias, qualifier) {
			continue
		}
		for _, c := range t.cols {
			if same(c.name, name) {
				found = append(found, c)
			}
		}
	}
	if len(found) > 1 && qualifier == "" && containsName(s.merged, name) {
		return found[:1]
	}
	return found
}

// undeclared says that an input of the scope has the column and the job did not declare it.
func (s *scope) undeclared(qualifier, name string) bool {
	return slices.ContainsFunc(s.tables, func(t table) bool {
		return t.spec != nil && (qualifier == "" || same(t.alias, qualifier)) && containsName(t.spec.Known, name)
	})
}

// inputTable is a staged input as a table: tokens, columns, row number.
func inputTable(spec *task.TableSpec, rows string) table {
	t := table{spec: spec, relation: relation{rows: rows, input: spec.Input}}
	for _, u := range spec.Units {
		t.cols = append(t.cols, column{name: u.Kind, token: u.Kind})
		t.units = append(t.units, u.Kind)
	}
	slices.Sort(t.units)
	for _, c := range spec.Columns {
		t.cols = append(t.cols, inputColumn(spec.Input, c, rows))
	}
	t.cols = append(t.cols, column{name: ordinal, ordinal: true, rows: rows})
	return t
}

func inputColumn(input string, c task.Column, rows string) column {
	granted := [2]string{input, c.Name}
	if c.Role == task.Identifier {
		return column{name: c.Name, granted: granted, ident: true}
	}
	return column{name: c.Name, granted: granted, source: input + "." + c.Name, rows: rows, typ: c.Type}
}

// same compares names as the engine does: without regard to ASCII case.
func same(a, b string) bool { return lower(a) == lower(b) }

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func containsName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return same(n, name) })
}
