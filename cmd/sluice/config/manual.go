package config

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

//go:generate go test . -run TestManual -update

//go:embed config.go
var source string

// Help returns what a key is for, by key: the first sentences of its member's comment.
func Help() (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("reading the manual: %w", err)
	}
	help := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		members, _ := spec.Type.(*ast.StructType)
		for i, k := range keys(new(Config)) {
			help[k.name] = strings.Join(strings.Fields(members.Fields.List[i].Doc.Text()), " ")
		}
		return false
	})
	return help, nil
}

// Manual returns the reference of every key as Markdown.
func Manual() (string, error) {
	help, err := Help()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(manualHead)
	for _, k := range keys(new(Config)) {
		name := "`" + k.name + "`"
		if k.secret {
			name += " or `" + k.name + fileSuffix + "`"
		}
		standard := ""
		if k.standard != "" {
			standard = "`" + k.standard + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | `--%s` | %s | %s |\n", name, k.env(), Flag(k.name), standard, help[k.name])
	}
	return b.String(), nil
}

const manualHead = `# Configuration

Made from the comments of ` + "`cmd/sluice/config`" + ` by ` + "`go generate ./cmd/sluice/config`" + `.

A value comes from the first that has it: flag, environment, file (` + "`--config FILE.yaml`" + `, plain ` + "`key: value`" + ` lines),
default. A key nobody knows is an error that names the nearest one. ` + "`sluice check-config --config FILE.yaml`" + ` prints
every effective value with where it came from, secrets hidden, and exits with 2 when something is wrong.

| Key | Environment | Flag | Default | Meaning |
|---|---|---|---|---|
`

// Key is one key as a command line needs it.
type Key struct {
	Name, Flag, Default, Help string
	Bool                      bool
}

// Keys lists every key, a secret's file after the secret.
func Keys() []Key {
	help, err := Help()
	if err != nil {
		help = nil // TestManual: the manual can be read
	}
	var all []Key
	for _, k := range keys(new(Config)) {
		all = append(all, Key{k.name, Flag(k.name), k.standard, help[k.name], k.member.Kind() == reflect.Bool})
		if k.secret {
			file := k.name + fileSuffix
			all = append(all, Key{Name: file, Flag: Flag(file), Help: "File that holds " + k.name + "."})
		}
	}
	return all
}
