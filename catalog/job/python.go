package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Bounds of a Python job's folder.
const (
	MaxFolder     = 1 << 20 // bytes of all files
	maxFiles      = 64
	maxFileName   = 128
	maxLabels     = 32 // of one relation
	maxRelations  = 16
	MainFile      = "main.py" // what runs
	fileNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789._-"
)

// SourceFile is one file of a Python job's folder: UTF-8 text under a plain name.
type SourceFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Source is the code as people read it: the SQL, or the files of a folder one after the other, each under its name.
func (p Package) Source() string {
	if p.Engine != EnginePython {
		return p.Code
	}
	var all strings.Builder
	for _, f := range p.Files {
		fmt.Fprintf(&all, "# file %s\n%s\n", f.Name, strings.TrimSuffix(f.Text, "\n"))
	}
	return all.String()
}

// Relation declares what a Python job makes: rows of one input, each with labels of the code's own. The code names
// rows and labels them; tokens and every column of the input are the platform's.
type Relation struct {
	Name   string   `json:"name"`
	Of     string   `json:"of"`     // input
	Labels []string `json:"labels"` // none of them a column of the input
}

// checkFolder holds names as those of output files are held, and contents to text.
func (p Package) checkFolder(f *fault.Places) {
	f.Require(p.Code == "", "code", "code.folder")
	f.Require(p.Image == "" || isImage(p.Image), "image", "image.unnamed")
	f.Require(len(p.Files) <= maxFiles, "files", "files.too_many")
	size, main := 0, false
	for i, file := range p.Files {
		at := fmt.Sprintf("files[%d]", i)
		same := func(o SourceFile) bool { return o.Name == file.Name }
		f.Require(plainFile(file.Name), at+".name", "name.invalid")
		f.Require(!slices.ContainsFunc(p.Files[:i], same), at+".name", "name.duplicate")
		f.Require(readable(file.Text), at+".text", "code.not_text")
		size, main = size+len(file.Text), main || file.Name == MainFile
	}
	f.Require(main, "files", "files.main_missing")
	f.Require(size <= MaxFolder, "files", "code.too_long")
}

// isImage accepts an image's name or its digest.
func isImage(s string) bool {
	_, digest := name.ParseDigest(s)
	_, slug := name.ParseSlug(s)
	return digest == nil || slug == nil
}

// plainFile is lower-case letters, digits, dot, dash and underscore, beginning with no dot or dash and ending with no
// dot: a name that means the same everywhere.
func plainFile(s string) bool {
	return s != "" && len(s) <= maxFileName && !strings.ContainsRune(".-", rune(s[0])) && !strings.HasSuffix(s, ".") &&
		strings.Trim(s, fileNameBytes) == ""
}

func (p Package) checkRelations(f *fault.Places) {
	f.Require(len(p.Relations) > 0, "relations", "relations.missing")
	f.Require(len(p.Relations) <= maxRelations, "relations", "relations.too_many")
	for i, r := range p.Relations {
		at := fmt.Sprintf("relations[%d]", i)
		same := func(o Relation) bool { return o.Name == r.Name }
		f.Require(name.IsIdent(r.Name), at+".name", "name.invalid")
		f.Require(!slices.ContainsFunc(p.Relations[:i], same), at+".name", "name.duplicate")
		of := slices.IndexFunc(p.Inputs, func(in Input) bool { return in.Name == r.Of })
		f.Require(of >= 0, at+".of", "relation.input_unknown")
		f.Require(len(r.Labels) <= maxLabels, at+".labels", "labels.too_many")
		for j, l := range r.Labels {
			place := fmt.Sprintf("%s.labels[%d]", at, j)
			f.Require(name.IsIdent(l), place, "name.invalid")
			f.Require(!slices.Contains(r.Labels[:j], l), place, "name.duplicate")
			f.Require(of < 0 || !slices.Contains(p.Inputs[of].Columns, l), place, "label.is_column")
		}
	}
}
