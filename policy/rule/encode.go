package rule

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/sluicedata/sluice/policy"
)

// encoder writes requests as the engine's own values, of the same shape as their JSON: a recorded request
// put to the rules by other means gives the same answer. (An absent list is an empty one here.) Going through JSON would cost more than deciding.
//
// Field names and column facts are terms made once; terms are never written to, so requests share them.
type encoder struct {
	words   map[string]*ast.Term
	columns map[policy.ColumnFacts]*ast.Term
	yes     *ast.Term
	no      *ast.Term
	null    *ast.Term
}

// highestLevel is the highest column level whose facts are made in advance.
const highestLevel = 5

func newEncoder() *encoder {
	e := &encoder{
		words: map[string]*ast.Term{}, columns: map[policy.ColumnFacts]*ast.Term{},
		yes: ast.BooleanTerm(true), no: ast.BooleanTerm(false), null: ast.NullTerm(),
	}
	for _, word := range words() {
		e.words[word] = ast.StringTerm(word)
	}
	for level := range highestLevel + 1 {
		for _, personal := range []bool{false, true} {
			for _, dropped := range []bool{false, true} {
				c := policy.ColumnFacts{Level: level, Personal: personal, Dropped: dropped}
				e.columns[c] = e.newColumn(c)
			}
		}
	}
	return e
}

// pair is one member of an object.
type pair = [2]*ast.Term

func (e *encoder) word(s string) *ast.Term {
	if t, ok := e.words[s]; ok {
		return t
	}
	return ast.StringTerm(s)
}

func (e *encoder) member(name string, value *ast.Term) pair { return pair{e.word(name), value} }

func (e *encoder) text(name, value string) pair { return e.member(name, e.word(value)) }

func (e *encoder) whole(name string, n int64) pair { return e.member(name, ast.IntNumberTerm(int(n))) }

func (e *encoder) flag(name string, b bool) pair {
	if b {
		return e.member(name, e.yes)
	}
	return e.member(name, e.no)
}

// set writes a set. A name that maps to false is not a member and is left out; no set is an empty one.
func (e *encoder) set(name string, s policy.Set) pair { return e.columnSet(name, s, nil) }

// columnSet writes a set of column names with the terms its dataset's columns already have.
func (e *encoder) columnSet(name string, s policy.Set, known map[string]*ast.Term) pair {
	items := make([]pair, 0, len(s))
	for item, in := range s {
		if !in {
			continue
		}
		t, ok := known[item]
		if !ok {
			t = e.word(item)
		}
		items = append(items, pair{t, e.yes})
	}
	return e.member(name, ast.ObjectTerm(items...))
}

func (e *encoder) list(name string, items []string) pair {
	terms := make([]*ast.Term, 0, len(items))
	for _, item := range items {
		terms = append(terms, ast.StringTerm(item))
	}
	return e.member(name, ast.ArrayTerm(terms...))
}

// some adds a member that JSON leaves out when it is empty.
func (e *encoder) some(pairs []pair, name, value string) []pair {
	if value == "" {
		return pairs
	}
	return append(pairs, e.text(name, value))
}

func (e *encoder) raised(pairs []pair, name string, b bool) []pair {
	if !b {
		return pairs
	}
	return append(pairs, e.flag(name, b))
}

func (e *encoder) newColumn(c policy.ColumnFacts) *ast.Term {
	return ast.ObjectTerm(
		e.whole("level", int64(c.Level)), e.flag("personal", c.Personal), e.flag("dropped", c.Dropped),
	)
}

func (e *encoder) column(c policy.ColumnFacts) *ast.Term {
	if t, ok := e.columns[c]; ok {
		return t
	}
	return e.newColumn(c)
}
