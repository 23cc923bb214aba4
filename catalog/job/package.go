package job

import (
	"fmt"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/name"
)

// PackageFormat is the version of the package's form.
const PackageFormat = 1

// Engine runs the code.
type Engine string

// The closed list of engines.
const (
	EngineSQL    Engine = "sql"    // DuckDB in sluice-runner
	EnginePython Engine = "python" // an approved image
)

// Package is all an author hands in. Nothing outside it reaches the run: no argument, no environment, no
// file. One changed byte makes another digest, and approvals are of digests.
type Package struct {
	Format  int      `json:"format"`
	Name    string   `json:"name"`
	Purpose string   `json:"purpose"`
	Engine  Engine   `json:"engine"`
	Inputs  []Input  `json:"inputs"` // each is a table of that name, in the author's order
	Code    string   `json:"code"`   // the text itself; empty for Python
	Outputs []Output `json:"outputs"`

	// Of a Python job only. Image is the name or digest of an approved image; "" takes the only one. A submit freezes its
	// digest.
	Image     string       `json:"image,omitempty"`
	Files     []SourceFile `json:"files,omitempty"`
	Relations []Relation   `json:"relations,omitempty"`
}

// Input is one table of the job: columns of a dataset version under a grant.
type Input struct {
	Name    string      `json:"name"`
	Grant   name.Number `json:"grant"`
	Dataset name.Slug   `json:"dataset"`
	Version int         `json:"version"`
	Columns []string    `json:"columns"`
}

// Output is one declared result. Exactly one member is set.
type Output struct {
	Table *Table `json:"table,omitempty"`
	File  *File  `json:"file,omitempty"`
}

// File is a free output: bytes the code wrote, which claim nothing about contributors.
type File struct {
	Name string `json:"name"`
	From string `json:"from"` // relation
}

// Name returns the output's name.
func (o Output) Name() string {
	switch {
	case o.Table != nil:
		return o.Table.Name
	case o.File != nil:
		return o.File.Name
	}
	return ""
}

// Kind returns the form in which the output would leave.
func (o Output) Kind() name.OutputKind {
	if o.Table != nil {
		return name.OutTable
	}
	return name.OutFile
}

// Operation returns what the engine does with data.
func (p Package) Operation() name.Operation {
	switch p.Engine {
	case EngineSQL:
		return name.OpSQL
	case EnginePython:
		return name.OpPython
	}
	return ""
}

// Tables returns the declared tables in order.
func (p Package) Tables() []Table {
	var ts []Table
	for _, o := range p.Outputs {
		if o.Table != nil {
			ts = append(ts, *o.Table)
		}
	}
	return ts
}

// Encode returns the canonical bytes of the package and their digest: the code digest of approvals, traces
// and certificates.
func (p Package) Encode() ([]byte, name.Digest, error) {
	b, err := canon.Marshal(p)
	if err != nil {
		return nil, "", fmt.Errorf("encoding job package: %w", err)
	}
	return b, name.DigestOf(b), nil
}

// Decode reads canonical bytes back.
func Decode(b []byte) (Package, error) {
	var p Package
	if err := canon.Unmarshal(b, &p); err != nil {
		return Package{}, fmt.Errorf("reading job package: %w", err)
	}
	return p, nil
}
