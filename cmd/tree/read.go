package tree

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// File is one Go file of the tree.
type File struct {
	Path    string // from the root, with slashes
	Dir     string // its folder; "" is the root
	Test    bool
	Imports []string
	Syntax  *ast.File
	Set     *token.FileSet
	Lines   int
}

// Fault is one break of a rule.
type Fault struct{ Path, Rule string }

// String returns "path: rule".
func (f Fault) String() string { return f.Path + ": " + f.Rule }

// Read parses every Go file below root, but for what git ignores, folders named testdata and modules of their
// own.
func Read(root fs.FS) ([]File, error) {
	var files []File
	set := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if foreign(root, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := read(root, set, name)
		files = append(files, file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return files, nil
}

// foreign says whether a folder is no part of the module.
func foreign(root fs.FS, name string) bool {
	if name == "." {
		return false
	}
	base := path.Base(name)
	if base == "testdata" || name == "build" || strings.HasPrefix(base, ".") {
		return true
	}
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	return err == nil
}

func read(root fs.FS, set *token.FileSet, name string) (File, error) {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return File{}, err
	}
	syntax, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return File{}, err
	}
	file := File{
		Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go"),
		Syntax: syntax, Set: set, Lines: strings.Count(string(source), "\n"),
	}
	if file.Dir == "." {
		file.Dir = ""
	}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return File{}, err
		}
		file.Imports = append(file.Imports, imported)
	}
	return file, nil
}
