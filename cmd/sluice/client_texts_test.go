package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/messages"
)

// speakers are the functions that take the key of a phrase first, then names and values.
func speakers() []string {
	return []string{"Say", "note", "progress", "usage", "failed", "unknown", "late", "line", "Wrong"}
}

// spokenPhrase is one place in the program's source that says a phrase.
type spokenPhrase struct {
	at, key string
	names   []string
	open    bool // the names are handed on, or the key is only a beginning
}

// wanted is all that the program takes from the message files.
type wanted struct {
	phrases []spokenPhrase
	heads   []string
}

// sourceTexts reads the program's own source: what it says, and how it heads its columns.
func sourceTexts(t *testing.T) (w wanted) {
	t.Helper()
	set := token.NewFileSet()
	for _, name := range sourceFiles(t) {
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr:
				if said, ok := phraseOf(set, node); ok {
					w.phrases = append(w.phrases, said)
				}
			case *ast.CompositeLit:
				w.heads = append(w.heads, headOf(node)...)
			}
			return true
		})
	}
	return w
}

// sourceFiles lists the program's own source, and that of the packages which word what people see.
func sourceFiles(t *testing.T) (all []string) {
	t.Helper()
	for _, folder := range []string{".", "backup", "config", "instance", "supervise"} {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no source in %s: %v", folder, err)
		}
		all = append(all, slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") })...)
	}
	return all
}

// wordedElsewhere says why a file, or an error of a file, has words of one language.
func wordedElsewhere() map[string]string {
	return map[string]string{
		"config/manual.go":                  "go generate",
		"proc_admin.go":                     "what a check of /readyz met is for the log; what helps is a phrase",
		"probe.go":                          "a hidden command, which the test of the walls reads",
		"client_login_oidc.go errNoSession": "matched by who calls, never shown",
		"selftest.go errAway":               "matched by who calls, never shown",
	}
}

// Whatever the program can fail with is worded in both languages: its source makes no error of its own words.
func TestWhatFailsHasATextInBothLanguages(t *testing.T) {
	set, spared := token.NewFileSet(), map[string]bool{}
	for _, name := range sourceFiles(t) {
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			ast.Inspect(d, func(node ast.Node) bool {
				if !wordsItself(node) {
					return true
				}
				_, remedy := node.(*ast.KeyValueExpr) // people read it wherever it stands
				for _, exception := range []string{name, name + " " + declared(d)} {
					if !remedy && wordedElsewhere()[exception] != "" {
						spared[exception] = true
						return true
					}
				}
				t.Errorf("%s: what is worded in one language only", set.Position(node.Pos()))
				return true
			})
		}
	}
	for exception := range wordedElsewhere() {
		if !spared[exception] {
			t.Errorf("%s needs no exception", exception)
		}
	}
}

// wordsItself tells whether a node makes an error, or a remedy, of words in the source.
func wordsItself(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.SelectorExpr:
		from, _ := node.X.(*ast.Ident)
		return from != nil && (from.Name == "fmt" && node.Sel.Name == "Errorf" || from.Name == "errors" && node.Sel.Name == "New")
	case *ast.KeyValueExpr:
		key, _ := node.Key.(*ast.Ident)
		return key != nil && slices.Contains([]string{"Remedy", "Reason"}, key.Name) && strings.Contains(literal(node.Value), " ") // a code has none
	}
	return false
}

// declared names a variable that stands for itself; "" for every other declaration.
func declared(d ast.Decl) string {
	all, ok := d.(*ast.GenDecl)
	if !ok || len(all.Specs) != 1 {
		return ""
	}
	if v, ok := all.Specs[0].(*ast.ValueSpec); ok {
		return v.Names[0].Name
	}
	return ""
}

// Every check of a process has its remedy in both languages: `sluice ready` takes it by the check's name.
func TestEveryCheckHasARemedyInBothLanguages(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "proc_admin.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(node ast.Node) bool {
		made, ok := node.(*ast.CallExpr)
		if !ok || len(made.Args) == 0 {
			return true
		}
		if f, ok := made.Fun.(*ast.Ident); !ok || f.Name != "checking" {
			return true
		}
		found++
		for _, l := range messages.Languages() {
			said, err := texts.In(l)
			if err != nil {
				t.Fatal(err)
			}
			if name := literal(made.Args[0]); name == "" || said.All()["phrase:remedy."+name] == "" {
				t.Errorf("%s: no remedy for the check %q", l, name)
			}
		}
		return true
	})
	if found < 8 {
		t.Errorf("only %d checks", found)
	}
}

// phraseOf reads a call of a speaker with a literal key.
func phraseOf(set *token.FileSet, call *ast.CallExpr) (spokenPhrase, bool) {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	if !slices.Contains(speakers(), name) || len(call.Args) == 0 {
		return spokenPhrase{}, false
	}
	said := spokenPhrase{at: set.Position(call.Pos()).String(), open: call.Ellipsis.IsValid()}
	if sum, ok := call.Args[0].(*ast.BinaryExpr); ok { // "kind." + type
		said.open = true
		said.key = literal(sum.X)
		return said, said.key != ""
	}
	said.key = literal(call.Args[0])
	for i := 1; i < len(call.Args); i += 2 {
		said.names = append(said.names, literal(call.Args[i]))
	}
	slices.Sort(said.names)
	return said, said.key != ""
}

// headOf reads the head of a field: the first, literal part of a composite of two whose second is a function.
func headOf(composite *ast.CompositeLit) []string {
	if len(composite.Elts) != 2 {
		return nil
	}
	head := literal(composite.Elts[0])
	switch composite.Elts[1].(type) {
	case *ast.FuncLit, *ast.Ident, *ast.CallExpr, *ast.SelectorExpr:
		if head != "" && !strings.Contains(head, ".") { // with a full stop it is the key of a phrase
			return []string{head}
		}
	}
	return nil
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

// treeKeys lists the texts that the tree of commands takes, each once, as texts.All names them. own says which
// flags have a text of their own under their command.
func treeKeys(root *cobra.Command, said texts.Texts) map[string]bool {
	keys := map[string]bool{"command:sluice": true}
	note := func(cmd *cobra.Command) {
		path := textPath(cmd)
		keys["command:"+path] = true
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			key := "flag:" + path + "." + f.Name
			if _, own := said.All()[key]; !own {
				key = "flag:" + f.Name
			}
			keys[key] = true
		})
	}
	note(root)
	visit(root, note)
	return keys
}

// Every text that commands, flags, columns and phrases take is there, and none is there that nothing takes.
func TestTextsAreThoseTheProgramTakes(t *testing.T) {
	for _, l := range messages.Languages() {
		said, err := texts.In(l)
		if err != nil {
			t.Fatal(err)
		}
		want := treeKeys(newRoot(production(), said), said)
		source := sourceTexts(t)
		for _, head := range source.heads {
			want["head:"+head] = true
		}
		for _, phrase := range source.phrases {
			for _, key := range phrase.keys(said) {
				want["phrase:"+key] = true
			}
		}
		for _, known := range systemErrors() {
			want["phrase:"+known.key] = true
		}
		for key := range said.All() { // codes of the reader of files, which it hands on as codes
			if strings.HasPrefix(key, "phrase:yaml.") {
				want[key] = true
			}
		}
		for _, part := range []string{"help.usage", "help.commands", "help.flags", "help.global", "help.examples"} {
			want["phrase:"+part] = true
		}
		have := said.All()
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if _, ok := have[key]; !ok {
				t.Errorf("%s: no text for %s", l, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(have)) {
			if !want[key] {
				t.Errorf("%s: nothing takes %s", l, key)
			}
		}
	}
}

// keys are the texts a place may say: its key, or all that begin with it.
func (p spokenPhrase) keys(said texts.Texts) []string {
	if !p.open || !strings.HasSuffix(p.key, ".") {
		return []string{p.key}
	}
	var all []string
	for key := range said.All() {
		if rest, ok := strings.CutPrefix(key, "phrase:"+p.key); ok && !strings.Contains(rest, ".") {
			all = append(all, p.key+rest)
		}
	}
	return all
}

// Whoever says a phrase gives it what it names, and nothing else.
func TestPhrasesGetWhatTheyName(t *testing.T) {
	all := english(t).All()
	for _, phrase := range sourceTexts(t).phrases {
		if phrase.open {
			continue
		}
		if diff := cmp.Diff(texts.Places(all["phrase:"+phrase.key]), phrase.names); diff != "" && len(phrase.names)+len(texts.Places(all["phrase:"+phrase.key])) > 0 {
			t.Errorf("%s: %s (-the text names +the program gives):\n%s", phrase.at, phrase.key, diff)
		}
	}
}

// Help in Chinese is Chinese, down to the names of its parts and what is wrong with a command line.
func TestHelpIsInOneLanguage(t *testing.T) {
	for _, c := range []struct {
		lang   string
		args   []string
		stdout string
		stderr string
	}{
		{"zh", []string{"job", "submit", "--help"}, "用法：", ""},
		{"zh", []string{"help", "dataset"}, "命令：", ""},
		{"zh", []string{"job", "submit"}, "", "须给出 --file"},
		{"zh", []string{"job", "list", "--nothing"}, "", "没有选项 --nothing"},
		{"zh", []string{"job", "list", "-x"}, "", "没有选项 -x"},
		{"zh", []string{"job", "list", "--profile"}, "", "--profile 须带值"},
		{"zh", []string{"trace", "query", "--limit", "many"}, "", "--limit 不能为“many”：须为整数"},
		{"zh", []string{"job", "watch", "J-1", "--timeout", "soon"}, "", "须为时长"},
		{"zh", []string{"nothing"}, "", "没有命令“nothing”"},
		{"zh", []string{"help", "nothing"}, "", "没有命令“nothing”"},
		{"en", []string{"job", "submit", "--help"}, "Usage:", ""},
		{"en", []string{"job", "list", "--nothing"}, "", "unknown flag --nothing"},
		{"en", []string{"help", "nothing"}, "", `unknown command "nothing"`},
		{"en", []string{"up", "there"}, "", "usage: sluice up --data DIR"},
	} {
		var stdout, stderr strings.Builder
		code := run(t.Context(), production(), append([]string{"--lang", c.lang}, c.args...), strings.NewReader(""), &stdout, &stderr)
		if !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s %v: got\n%s%s", c.lang, c.args, stdout.String(), stderr.String())
		}
		if want := map[bool]int{true: exitOK, false: exitUsage}[c.stderr == ""]; code != want {
			t.Errorf("%s %v: exit code %d, want %d", c.lang, c.args, code, want)
		}
	}
}
