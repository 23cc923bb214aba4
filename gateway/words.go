package gateway

import (
	_ "embed"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// What the description says in words stands in two tables of text: of operations by id, of members by name.
var (
	//go:embed words/operations.txt
	operationWords string
	//go:embed words/members.txt
	memberWords string
)

// words reads a table: "key: text", an indented line goes on, # begins a remark.
func words(table string) map[string]string {
	all, key := map[string]string{}, ""
	for line := range strings.Lines(table) {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#':
		case line[0] == ' ':
			all[key] += " " + text
		default:
			key, text, _ = strings.Cut(text, ": ")
			all[key] = text
		}
	}
	return all
}

// describeMembers gives every member a description that has none of its own (a doc tag).
func describeMembers(schemas map[string]*huma.Schema) {
	known := words(memberWords)
	for owner, schema := range schemas {
		for name, member := range schema.Properties {
			if member.Description != "" {
				continue
			}
			member.Description = known[name]
			if own := known[owner+"."+name]; own != "" {
				member.Description = own
			}
		}
	}
}

// describeOperations gives every operation its description.
func describeOperations(api *huma.OpenAPI) {
	known := words(operationWords)
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && op.Description == "" {
				op.Description = known[op.OperationID]
			}
		}
	}
}
