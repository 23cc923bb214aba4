package tree

import (
	"fmt"
	"go/ast"
	"io/fs"
	"slices"
	"strings"
)

// Length budgets, in lines. Tests may be longer: tables are.
const (
	maxFunction = 70
	maxFile     = 500
)

// topNames are all names that may stand at the top, dot-files and what git ignores aside.
func topNames() []string {
	return []string{
		"sandbox", "policy", "gateway", "catalog", "cmd", "deploy", "go.mod", "Makefile", "README.md",
		"ARCHITECTURE.md", "LICENSE", "go.sum",
	}
}

// Top checks the names at the top of the tree.
func Top(root fs.FS) ([]Fault, error) {
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the top of the tree: %w", err)
	}
	var faults []Fault
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && name != "build" && !slices.Contains(topNames(), name) {
			faults = append(faults, Fault{name, "stands at the top: the names there are fixed"})
		}
	}
	return faults, nil
}

// Lengths checks the budgets outside tests.
func Lengths(files []File) []Fault {
	var faults []Fault
	for _, file := range files {
		if file.Test {
			continue
		}
		if file.Lines > maxFile {
			faults = append(faults, Fault{file.Path, fmt.Sprintf("has %d lines: at most %d", file.Lines, maxFile)})
		}
		ast.Inspect(file.Syntax, func(node ast.Node) bool {
			function, ok := node.(*ast.FuncDecl)
			if !ok {
				return true
			}
			lines := file.Set.Position(function.End()).Line - file.Set.Position(function.Pos()).Line + 1
			if lines > maxFunction {
				faults = append(faults, Fault{file.Path, fmt.Sprintf("%s has %d lines: at most %d", function.Name.Name, lines, maxFunction)})
			}
			return false
		})
	}
	return faults
}

// call is a forbidden selector: where it is forbidden, and why.
type call struct {
	name   string // package.Function, or .Method of anything
	where  func(File) bool
	reason string
}

func tests(file File) bool { return file.Test }
func product(file File) bool {
	program := file.Syntax.Name.Name == "main" // a generator beside what it makes
	return !file.Test && !program && !below(file.Dir, "cmd") && !below(file.Dir, "deploy")
}

func forbiddenCalls() []call {
	return []call{
		{"t.Skip", tests, "nothing is skipped"},
		{"t.Skipf", tests, "nothing is skipped"},
		{"t.SkipNow", tests, "nothing is skipped"},
		{"testing.Short", tests, "nothing is skipped"},
		{"time.Now", product, "the clock is handed in"},
		{"os.Getenv", product, "settings are handed in"},
		{"os.Exit", product, "errors are returned"},
		{"log.Fatal", product, "errors are returned"},
		{"fmt.Println", product, "output goes to a writer that is handed in"},
		{"fmt.Printf", product, "output goes to a writer that is handed in"},
	}
}

// Calls checks the forbidden calls, panics and init functions. Helpers of tests (packages named …test) count as
// tests.
func Calls(files []File) []Fault {
	var faults []Fault
	for _, file := range files {
		if strings.HasSuffix(file.Syntax.Name.Name, "test") {
			file.Test = true
		}
		ast.Inspect(file.Syntax, func(node ast.Node) bool {
			if rule := broken(file, node); rule != "" {
				faults = append(faults, Fault{file.Path, rule})
			}
			return true
		})
	}
	return faults
}

func broken(file File, node ast.Node) string {
	switch node := node.(type) {
	case *ast.SelectorExpr:
		return brokenSelector(file, node)
	case *ast.CallExpr:
		if name, ok := node.Fun.(*ast.Ident); ok && name.Name == "panic" && product(file) {
			return "panics: errors are returned"
		}
	case *ast.FuncDecl:
		if node.Name.Name == "init" && node.Recv == nil {
			return "has an init function"
		}
	}
	return ""
}

func brokenSelector(file File, node *ast.SelectorExpr) string {
	owner, ok := node.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, row := range forbiddenCalls() {
		if owner.Name+"."+node.Sel.Name == row.name && row.where(file) {
			return "uses " + row.name + ": " + row.reason
		}
	}
	return ""
}

// Documented checks that every package has a comment.
func Documented(files []File) []Fault {
	commented, first := map[string]bool{}, map[string]string{}
	for _, file := range files {
		if file.Test {
			continue
		}
		if first[file.Dir] == "" {
			first[file.Dir] = file.Path
		}
		commented[file.Dir] = commented[file.Dir] || file.Syntax.Doc != nil
	}
	var faults []Fault
	for dir, path := range first {
		if !commented[dir] {
			faults = append(faults, Fault{path, "its package has no comment"})
		}
	}
	return faults
}
