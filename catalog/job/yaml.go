package job

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// maxYAML bounds a package file; the code is a file of its own.
const maxYAML = 1 << 20

// ParsePackage reads a job.yaml as people write it (design 5) and returns the package without its code, and
// the name of the code's file, or of its folder, which the caller reads. Order is kept, unknown members are refused, and every
// fault names its line. Clients and the console's form read YAML; the wire carries JSON.
func ParsePackage(data []byte) (Package, string, error) {
	root, err := document(data)
	if err != nil {
		return Package{}, "", err
	}
	var f fault.Places
	p, codeFile := Package{Format: PackageFormat}, ""
	reader{root, "", &f}.members(map[string]func(reader){
		"name":    func(r reader) { p.Name = r.text() },
		"purpose": func(r reader) { p.Purpose = r.text() },
		"engine":  func(r reader) { p.Engine = Engine(r.text()) },
		"inputs":  func(r reader) { p.Inputs = r.inputs() },
		"code":    func(r reader) { codeFile = r.text() },
		"outputs": func(r reader) { p.Outputs = r.outputs() },
		"image":   func(r reader) { p.Image = r.text() },

		"relations": func(r reader) { p.Relations = r.relations() },
	})
	f.Require(codeFile != "", "code", "code.missing")
	return p, codeFile, f.Err("package.invalid")
}

// document returns the root of the only document in data.
func document(data []byte) (*yaml.Node, error) {
	if len(data) > maxYAML {
		return nil, fault.Bad("package.invalid", fault.Place{Location: "file", Code: "file.too_long"})
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, syntax(err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fault.Bad("package.invalid", fault.Place{Location: "file", Code: "file.second_document"})
	}
	return doc.Content[0], nil
}

func syntax(err error) error {
	bad := fault.Bad("package.invalid", fault.Place{Location: "file", Code: "yaml.syntax"})
	bad.Cause = fmt.Errorf("parsing YAML: %w", err) // the client shows it: it is the author's own file
	return bad
}

func (r reader) inputs() []Input {
	var ins []Input
	r.entries(func(key string, v reader) {
		in := Input{Name: key}
		v.members(map[string]func(reader){
			"grant":   func(r reader) { in.Grant = name.Number(r.text()) },
			"dataset": func(r reader) { in.Dataset = name.Slug(r.text()) },
			"version": func(r reader) { in.Version = r.integer() },
			"columns": func(r reader) { in.Columns = r.texts() },
		})
		ins = append(ins, in)
	})
	return ins
}

func (r reader) relations() []Relation {
	var all []Relation
	r.entries(func(key string, v reader) {
		made := Relation{Name: key}
		v.members(map[string]func(reader){
			"of":     func(r reader) { made.Of = r.text() },
			"labels": func(r reader) { made.Labels = r.texts() },
		})
		all = append(all, made)
	})
	return all
}

func (r reader) outputs() []Output {
	var outs []Output
	r.items(func(v reader) {
		var o Output
		label := ""
		v.members(map[string]func(reader){
			"name":  func(r reader) { label = r.text() },
			"table": func(r reader) { o.Table = r.table() },
			"file":  func(r reader) { o.File = r.file() },
		})
		if o.Table != nil {
			o.Table.Name = label
		}
		if o.File != nil {
			o.File.Name = label
		}
		outs = append(outs, o)
	})
	return outs
}

func (r reader) file() *File {
	var f File
	r.members(map[string]func(reader){"from": func(r reader) { f.From = r.text() }})
	return &f
}

func (r reader) table() *Table {
	var t Table
	r.members(map[string]func(reader){
		"from": func(r reader) { t.From = r.text() },
		"by": func(r reader) {
			r.entries(func(key string, v reader) { t.By = append(t.By, Dimension{key, v.texts()}) })
		},
		"measures": func(r reader) {
			r.items(func(v reader) { t.Measures = append(t.Measures, v.measure()) })
		},
	})
	return &t
}

func (r reader) measure() Measure {
	var m Measure
	r.members(map[string]func(reader){
		"name": func(r reader) { m.Name = r.text() },
		"stat": func(r reader) { m.Stat = Stat(r.text()) },
		"of":   func(r reader) { m.Of = r.text() },
		"per":  func(r reader) { m.Per = r.text() },
	})
	return m
}

// reader walks a YAML tree, noting what does not fit.
type reader struct {
	n  *yaml.Node
	at string // "outputs[0].table"
	f  *fault.Places
}

func (r reader) bad(code string) {
	r.f.Add(fmt.Sprintf("line %d: %s", r.n.Line, r.at), code)
}

func (r reader) below(step string, n *yaml.Node) reader {
	if r.at != "" && step[0] != '[' {
		step = "." + step
	}
	return reader{n, r.at + step, r.f}
}

// entries hands every entry of a mapping to fn, in the order it was written.
func (r reader) entries(fn func(key string, v reader)) {
	if r.n.Kind != yaml.MappingNode {
		r.bad("yaml.not_a_mapping")
		return
	}
	var seen []string
	for i := 0; i+1 < len(r.n.Content); i += 2 {
		key := r.n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Value == "" {
			r.bad("yaml.key")
			continue
		}
		v := r.below(key.Value, r.n.Content[i+1])
		switch {
		case slices.Contains(seen, key.Value):
			v.bad("member.duplicate")
		default:
			fn(key.Value, v)
		}
		seen = append(seen, key.Value)
	}
}

// members is entries of a mapping with a fixed set of keys.
func (r reader) members(known map[string]func(reader)) {
	r.entries(func(key string, v reader) {
		if read, ok := known[key]; ok {
			read(v)
			return
		}
		v.bad("member.unknown")
	})
}

func (r reader) items(fn func(v reader)) {
	if r.n.Kind != yaml.SequenceNode {
		r.bad("yaml.not_a_list")
		return
	}
	for i, n := range r.n.Content {
		fn(r.below("["+strconv.Itoa(i)+"]", n))
	}
}

// text takes any scalar as it is written, so that [1, 2] and [yes, no] are labels, not numbers and truths.
func (r reader) text() string {
	if r.n.Kind != yaml.ScalarNode || r.n.Tag == "!!null" {
		r.bad("yaml.not_a_text")
		return ""
	}
	return r.n.Value
}

func (r reader) texts() []string {
	var vs []string
	r.items(func(v reader) { vs = append(vs, v.text()) })
	return vs
}

func (r reader) integer() int {
	i, err := strconv.Atoi(r.text())
	if err != nil {
		r.bad("yaml.not_an_integer")
	}
	return i
}
