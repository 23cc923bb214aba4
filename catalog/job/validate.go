package job

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Limits bounds a package; the values come from the rule set.
type Limits struct {
	CodeBytes  int
	Inputs     int
	Outputs    int
	Dimensions int // of one table
	Measures   int // of one table
	Cells      int // of one table
}

// maxLabel bounds a declared label in bytes.
const maxLabel = 200

// Validate checks a package by itself and names every fault by its place. Whether data, columns and purpose
// are granted is policy's question; whether the code is verified is the check's.
func (p Package) Validate(l Limits) error {
	var f fault.Places
	f.Require(p.Format == PackageFormat, "format", "format.unknown")
	f.Require(name.IsCode(p.Name), "name", "name.invalid")
	f.Require(name.IsCode(p.Purpose), "purpose", "purpose.invalid")
	switch p.Engine {
	case EngineSQL:
		p.checkCode(&f, l)
		f.Require(p.Image == "" && len(p.Files) == 0 && len(p.Relations) == 0, "engine", "engine.takes_no_folder")
	case EnginePython:
		p.checkFolder(&f)
		p.checkRelations(&f)
	default:
		f.Add("engine", "engine.unknown")
	}
	p.checkInputs(&f, l)
	p.checkOutputs(&f, l)
	return f.Err("package.invalid")
}

func (p Package) checkCode(f *fault.Places, l Limits) {
	f.Require(strings.TrimSpace(p.Code) != "", "code", "code.missing")
	f.Require(len(p.Code) <= l.CodeBytes, "code", "code.too_long")
	f.Require(readable(p.Code), "code", "code.not_text")
}

// readable holds code to what its reviewers see as it is: nothing in it turns or hides what stands around it (Boucher
// and Anderson, "Trojan Source", 2021).
func readable(code string) bool {
	hides := func(r rune) bool { return r == utf8.RuneError || name.Hides(r) && !strings.ContainsRune("\r\n\t", r) }
	return utf8.ValidString(code) && !strings.ContainsFunc(code, hides)
}

func (p Package) checkInputs(f *fault.Places, l Limits) {
	f.Require(len(p.Inputs) > 0, "inputs", "inputs.missing")
	f.Require(len(p.Inputs) <= l.Inputs, "inputs", "inputs.too_many")
	for i, in := range p.Inputs {
		at := fmt.Sprintf("inputs[%d]", i)
		same := func(o Input) bool { return o.Name == in.Name }
		f.Require(!slices.ContainsFunc(p.Inputs[:i], same), at+".name", "name.duplicate")
		checkInput(f, at, in)
	}
}

func checkInput(f *fault.Places, at string, in Input) {
	f.Require(name.IsIdent(in.Name), at+".name", "name.invalid")
	_, err := name.ParseNumberOf(name.Grant, string(in.Grant))
	f.Require(err == nil, at+".grant", "number.invalid")
	_, err = name.ParseSlug(string(in.Dataset))
	f.Require(err == nil, at+".dataset", "slug.invalid")
	f.Require(in.Version >= 1, at+".version", "version.invalid")
	f.Require(len(in.Columns) > 0, at+".columns", "columns.missing")
	for i, c := range in.Columns {
		place := fmt.Sprintf("%s.columns[%d]", at, i)
		f.Require(name.IsIdent(c), place, "name.invalid")
		f.Require(!slices.Contains(in.Columns[:i], c), place, "name.duplicate")
	}
}

func (p Package) checkOutputs(f *fault.Places, l Limits) {
	f.Require(len(p.Outputs) > 0, "outputs", "outputs.missing")
	f.Require(len(p.Outputs) <= l.Outputs, "outputs", "outputs.too_many")
	for i, o := range p.Outputs {
		at := fmt.Sprintf("outputs[%d]", i)
		same := func(other Output) bool { return other.Name() == o.Name() }
		f.Require(!slices.ContainsFunc(p.Outputs[:i], same), at+".name", "name.duplicate")
		f.Require(name.IsIdent(o.Name()), at+".name", "name.invalid")
		f.Require((o.Table != nil) != (o.File != nil), at, "output.kind")
		if o.Table != nil {
			checkTable(f, at+".table", *o.Table, l)
		}
		if o.File != nil {
			f.Require(name.IsIdent(o.File.From), at+".file.from", "name.invalid")
		}
	}
}

func checkTable(f *fault.Places, at string, t Table, l Limits) {
	f.Require(name.IsIdent(t.From), at+".from", "name.invalid")
	f.Require(len(t.By) <= l.Dimensions, at+".by", "dimensions.too_many")
	f.Require(len(t.Measures) > 0, at+".measures", "measures.missing")
	f.Require(len(t.Measures) <= l.Measures, at+".measures", "measures.too_many")
	cells, used := 1, map[string]bool{}
	for i, d := range t.By {
		place := fmt.Sprintf("%s.by[%d]", at, i)
		f.Require(!used[d.Column], place, "name.duplicate")
		used[d.Column] = true
		checkDimension(f, place, d)
		cells = min(cells*max(len(d.Values), 1), l.Cells+1) // no overflow, whatever is declared
	}
	f.Require(cells <= l.Cells, at+".by", "cells.too_many")
	for i, m := range t.Measures {
		place := fmt.Sprintf("%s.measures[%d]", at, i)
		f.Require(!used[m.Name], place+".name", "name.duplicate")
		used[m.Name] = true
		checkMeasure(f, place, m)
	}
}

func checkDimension(f *fault.Places, at string, d Dimension) {
	f.Require(name.IsIdent(d.Column), at+".column", "name.invalid")
	f.Require(len(d.Values) > 0, at+".values", "domain.missing")
	seen := make(map[string]bool, len(d.Values))
	for i, v := range d.Values {
		place := fmt.Sprintf("%s.values[%d]", at, i)
		f.Require(name.Shows(v, maxLabel), place, "label.invalid")
		f.Require(v != Margin, place, "label.reserved")
		f.Require(!seen[v], place, "label.duplicate")
		seen[v] = true
	}
}

// Margin stands for a dimension summed over, in evidence and findings; no label may be it.
const Margin = "*"

// PerUnit asks for a mean over units in place of rows.
const PerUnit = "unit"

func checkMeasure(f *fault.Places, at string, m Measure) {
	f.Require(name.IsIdent(m.Name), at+".name", "name.invalid")
	switch m.Stat {
	case StatUnits, StatRows:
		f.Require(m.Of == "" && m.Per == "", at, "measure.takes_no_column")
	case StatSum:
		f.Require(name.IsIdent(m.Of) && m.Per == "", at+".of", "measure.needs_column")
	case StatMean:
		f.Require(name.IsIdent(m.Of), at+".of", "measure.needs_column")
		f.Require(m.Per == "" || m.Per == PerUnit, at+".per", "measure.per")
	case StatRatio:
		f.Require(name.IsIdent(m.Of) && name.IsIdent(m.Per), at, "measure.needs_two_columns")
	default:
		f.Add(at+".stat", "stat.unknown")
	}
}
