package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// MaxLevel is the highest level of a column; 1 is the lowest.
const MaxLevel = 4

// Resident is the unit kind whose columns are personal information.
const Resident = "resident"

// Find returns the column of a name.
func Find(columns []Column, name string) (Column, bool) {
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return columns[i], true
}

// Personal reports whether a column of a dataset with these units is personal information, so that a grant
// must name a lawful basis: everything but role other about residents. Tokens in place of names do not change
// that: what can be traced back is still personal.
func Personal(c Column, units []Unit) bool {
	residents := func(u Unit) bool { return u.Kind == Resident }
	return c.Role != Other && slices.ContainsFunc(units, residents)
}

// Schema checks columns and units together.
//
// An identifier column must carry a mask, so that no grant shows it whole; only the columns that name a
// protected unit may go without, because staging replaces them by tokens.
func Schema(columns []Column, units []Unit) error {
	var p fault.Places
	checkSchema(&p, columns, units)
	return p.Err("schema.invalid")
}

func checkSchema(p *fault.Places, columns []Column, units []Unit) {
	p.Require(len(columns) > 0, "columns", "columns.missing")
	for i, c := range columns {
		at := fmt.Sprintf("columns[%d]", i)
		_, twice := Find(columns[:i], c.Name)
		p.Require(!twice, at+".name", "name.duplicate")
		names := func(u Unit) bool { return u.Column == c.Name }
		unnamed := c.Role == Identifier && c.Mask == MaskNone && !slices.ContainsFunc(units, names)
		p.Require(!unnamed, at+".mask", "identifier.unmasked")
		checkColumn(p, at, c)
	}
	for i, u := range units {
		checkUnit(p, fmt.Sprintf("units[%d]", i), u, units[:i], columns)
	}
}

func checkColumn(p *fault.Places, at string, c Column) {
	// _ordinal, the row number of a staged table, is no identifier of ours and cannot be taken.
	p.Require(name.IsIdent(c.Name), at+".name", "name.invalid")
	p.Require(c.Title == "" || name.IsLine(c.Title, maxTitle), at+".title", "title.invalid")
	p.Require(slices.Contains([]Type{Text, Integer, Number, Boolean, Date}, c.Type), at+".type", "type.unknown")
	p.Require(slices.Contains([]Role{Identifier, Quasi, Sensitive, Other}, c.Role), at+".role", "role.unknown")
	p.Require(c.Level >= 1 && c.Level <= MaxLevel, at+".level", "level.out_of_range")
	p.Require(slices.Contains([]Mask{MaskNone, MaskSurname, MaskPhone, MaskDrop}, c.Mask), at+".mask", "mask.unknown")
	p.Require(c.Type == Text || c.Mask == MaskNone || c.Mask == MaskDrop, at+".mask", "mask.not_for_type")
	checkDomain(p, at, c)
	checkRange(p, at, c)
}

// maxDomain bounds a declared domain: it is shown, and multiplies into the cells of a table.
const maxDomain = 1000

func checkDomain(p *fault.Places, at string, c Column) {
	p.Require(len(c.Domain) <= maxDomain, at+".domain", "domain.too_long")
	p.Require(len(c.Domain) == 0 || c.Type != Number, at+".domain", "domain.not_for_type")
	p.Require(len(c.Domain) == 0 || c.Role != Identifier, at+".domain", "domain.of_identifier")
	for i, v := range c.Domain {
		place := fmt.Sprintf("%s.domain[%d]", at, i)
		p.Require(Spells(c.Type, v), place, "domain.not_of_type")
		p.Require(!slices.Contains(c.Domain[:i], v), place, "domain.duplicate")
	}
}

func checkRange(p *fault.Places, at string, c Column) {
	if c.Min == nil && c.Max == nil {
		return
	}
	p.Require(c.Type == Integer || c.Type == Number || c.Type == Date, at+".min", "range.not_for_type")
	ok := (c.Min == nil || Spells(c.Type, *c.Min)) && (c.Max == nil || Spells(c.Type, *c.Max))
	p.Require(ok, at+".min", "range.not_of_type")
	if ok && c.Min != nil && c.Max != nil {
		p.Require(ordered(c.Type, *c.Min, *c.Max), at+".min", "range.reversed")
	}
}

func checkUnit(p *fault.Places, at string, u Unit, before []Unit, columns []Column) {
	p.Require(name.IsIdent(u.Kind), at+".kind", "kind.invalid")
	same := func(o Unit) bool { return o.Kind == u.Kind || o.Column == u.Column }
	p.Require(!slices.ContainsFunc(before, same), at, "unit.duplicate")
	_, taken := Find(columns, u.Kind)
	p.Require(!taken, at+".kind", "kind.is_a_column") // the token column of a staged table has this name
	c, ok := Find(columns, u.Column)
	p.Require(ok, at+".column", "column.unknown")
	p.Require(!ok || c.Role == Identifier, at+".column", "unit.not_identifier")
	p.Require(!ok || c.Type == Text || c.Type == Integer, at+".column", "unit.not_for_type")
}

// Spells reports whether s is how a value of type t is written: one spelling a value, but for numbers.
func Spells(t Type, s string) bool {
	switch t {
	case Text:
		return name.Shows(s, maxTitle)
	case Integer:
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == s
	case Number:
		f, err := strconv.ParseFloat(s, 64)
		return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	case Boolean:
		return s == "true" || s == "false"
	case Date:
		_, err := calendar.ParseDate(s)
		return err == nil
	}
	return false
}

// ordered reports whether a ≤ b, both spelt as t asks.
func ordered(t Type, a, b string) bool {
	switch t {
	case Integer:
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		return errX == nil && errY == nil && x <= y
	case Number:
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		return errX == nil && errY == nil && x <= y
	case Text, Boolean, Date: // dates sort as text
	}
	return a <= b
}
