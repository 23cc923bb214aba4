package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writesByItself says why a function puts bytes on standard output without looking at -o.
func writesByItself() map[string]string {
	called := "who calls it has looked at -o"
	return map[string]string{
		"client_completion.go newCompletion": "a script for a shell has one form",
		"client_output.go writeFindings":     called, "client_job.go showUsage": called, "client_rehearse.go writeRehearsed": called,
		"client_print.go writeYAML": "it is what -o yaml does",
		"client_print.go write":     "it is what writes", "client_help.go speakHelp": "help is for people",
		"up.go keepUp": "says that it serves", "probe.go probe": "a hidden command", "proc.go serveProcess": "a hidden command",
	}
}

// Everything that puts something on standard output looks at -o first, or has a reason; and what is encoded for -o json
// holds no text of a language.
func TestEveryOutputHonoursItsForm(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no source: %v", err)
	}
	set, spared := token.NewFileSet(), map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			place := name + " " + f.Name.Name
			if writesOut(f) && !mentions(f, "form") {
				if spared[place] = true; writesByItself()[place] == "" {
					t.Errorf("%s writes whatever -o says", place)
				}
			}
			ast.Inspect(f, func(node ast.Node) bool {
				if called, ok := node.(*ast.CallExpr); ok && encodesText(called) {
					t.Errorf("%s: -o json would hold a text of the reader's language", set.Position(node.Pos()))
				}
				return true
			})
		}
	}
	for place := range writesByItself() {
		if !spared[place] {
			t.Errorf("%s needs no reason", place)
		}
	}
}

// writesOut tells whether a function writes to standard output itself.
func writesOut(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f, func(node ast.Node) bool {
		if s, ok := node.(*ast.SelectorExpr); ok {
			of, _ := s.X.(*ast.Ident)
			found = found || of != nil && of.Name == "c" && slices.Contains([]string{"write", "out"}, s.Sel.Name) || s.Sel.Name == "OutOrStdout"
		}
		return !found
	})
	return found
}

// mentions tells whether a function has a member or a variable of a name.
func mentions(node ast.Node, name string) (found bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}

// encodesText tells whether a call of one, many or encode is given a value with a worded text in it.
func encodesText(called *ast.CallExpr) bool {
	var value ast.Expr
	switch f := called.Fun.(type) {
	case *ast.Ident:
		if (f.Name == "one" || f.Name == "many") && len(called.Args) == 4 {
			value = called.Args[1]
		}
	case *ast.SelectorExpr:
		if f.Sel.Name == "encode" && len(called.Args) == 1 {
			value = called.Args[0]
		}
	}
	return value != nil && mentions(value, "Say")
}
