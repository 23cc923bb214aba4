package description

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Break is a change after which a client of the old description may fail. Its text is one line: what an allow
// list names it by.
type Break struct {
	Code  string // what kind: "operation.removed"
	Where string // "POST /jobs answer.state"
}

// String returns "code where".
func (b Break) String() string { return b.Code + " " + b.Where }

// Breaks compares a description with a newer one. What is only added is no break: operations, optional members of
// a request, members and codes of an answer.
func Breaks(old, young *Document) []Break {
	c := comparison{old: old, young: young, met: map[string]bool{}}
	there := map[string]*Operation{}
	for _, op := range young.Operations() {
		there[placeOf(op)] = op
	}
	for _, op := range old.Operations() {
		now := there[placeOf(op)]
		if now == nil {
			c.found("operation.removed", placeOf(op))
			continue
		}
		c.operation(op, now)
	}
	slices.SortFunc(c.breaks, func(a, b Break) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(c.breaks)
}

// placeOf names an operation without the names of its path's parameters, which no client sends.
func placeOf(op *Operation) string {
	return op.Method + " " + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(op.Path, "{}")
}

// comparison is one under way.
type comparison struct {
	old, young *Document
	breaks     []Break
	met        map[string]bool // pairs of components compared at a place before: schemas may hold themselves
}

func (c *comparison) found(code, where string) { c.breaks = append(c.breaks, Break{code, where}) }

func (c *comparison) operation(old, young *Operation) {
	at := placeOf(old)
	if old.ID != young.ID {
		c.found("operation.renamed", at)
	}
	if len(old.Security) == 0 && len(young.Security) > 0 {
		c.found("operation.closed", at)
	}
	c.parameters(at, old.Parameters, young.Parameters)
	c.body(at, old.Body, young.Body)
	for _, status := range slices.Sorted(maps.Keys(old.Responses)) {
		if young.Responses[status] == nil {
			c.found("status.removed", at+" "+status)
			continue
		}
		was, is := c.old.Response(old.Responses[status]).Content, c.young.Response(young.Responses[status]).Content
		where := at + " answer"
		if !strings.HasPrefix(status, "2") {
			where = "problem"
		}
		c.media(answer, where, was, is)
	}
}

// parameters compares the fields beside the body. A query field that is gone breaks: unknown ones are refused.
func (c *comparison) parameters(at string, old, young []Parameter) {
	find := func(in []Parameter, p Parameter) *Parameter {
		i := slices.IndexFunc(in, func(q Parameter) bool { return q.In == p.In && q.Name == p.Name })
		if i < 0 {
			return nil
		}
		return &in[i]
	}
	for _, p := range young {
		if was := find(old, p); p.In != "path" && p.Required && (was == nil || !was.Required) {
			c.found("parameter.required", at+" "+p.In+"."+p.Name)
		}
	}
	for _, p := range old {
		if p.In == "path" {
			continue
		}
		is := find(young, p)
		if is == nil {
			c.found("parameter.removed", at+" "+p.In+"."+p.Name)
			continue
		}
		c.schema(request, at+" "+p.In+"."+p.Name, p.Schema, is.Schema)
	}
}

func (c *comparison) body(at string, old, young *Body) {
	switch {
	case old == nil && young == nil:
	case old == nil && young.Required:
		c.found("request.required", at)
	case old == nil:
	case young == nil:
		c.found("request.removed", at)
	default:
		if young.Required && !old.Required {
			c.found("request.required", at)
		}
		c.media(request, at+" request", old.Content, young.Content)
	}
}

func (c *comparison) media(d direction, at string, old, young map[string]Media) {
	for _, kind := range slices.Sorted(maps.Keys(old)) {
		is, ok := young[kind]
		if !ok {
			c.found("media.removed", at+" "+kind)
			continue
		}
		c.schema(d, at, old[kind].Schema, is.Schema)
	}
}

// direction is who writes a value: a request may come to mean more, an answer must not come to mean less.
type direction string

const (
	request direction = "request"
	answer  direction = "answer"
)

// schema compares the forms of one value.
func (c *comparison) schema(d direction, at string, old, young *Schema) {
	if SchemaName(old) != "" || SchemaName(young) != "" {
		pair := fmt.Sprint(d, " ", strings.SplitN(at, ".", 2)[0], " ", SchemaName(old), " ", SchemaName(young))
		if c.met[pair] {
			return
		}
		c.met[pair] = true
	}
	old, young = c.old.Schema(old), c.young.Schema(young)
	c.form(d, at, old, young)
	c.members(d, at, old, young)
	if old.Items != nil && young.Items != nil {
		c.schema(d, at+"[]", old.Items, young.Items)
	}
	if old.Extra.Schema != nil && young.Extra.Schema != nil {
		c.schema(d, at+"{}", old.Extra.Schema, young.Extra.Schema)
	}
}

// form compares what a value may be: for each direction, the one side that must hold the other.
func (c *comparison) form(d direction, at string, old, young *Schema) {
	wide, narrow := young, old // a request: everything sent before must still be taken
	if d == answer {
		wide, narrow = old, young // an answer: nothing may come that could not come before
	}
	if len(wide.Type) > 0 && (len(narrow.Type) == 0 || !within(narrow.Type, wide.Type)) {
		c.found("type.changed", at)
	}
	if old.Format != young.Format || old.Encoding != young.Encoding {
		c.found("format.changed", at)
	}
	if d == answer {
		return // codes of an answer may grow, and limits of one bind nobody
	}
	if len(young.Enum) > 0 && (len(old.Enum) == 0 || slices.ContainsFunc(old.Enum, func(v any) bool { return !slices.Contains(young.Enum, v) })) {
		c.found("enum.narrowed", at)
	}
	if young.Pattern != "" && young.Pattern != old.Pattern {
		c.found("pattern.changed", at)
	}
	if narrower(old, young) {
		c.found("limit.narrowed", at)
	}
}

// within says whether every type is among others. Every integer is a number.
func within(types, others Types) bool {
	return !slices.ContainsFunc(types, func(t string) bool {
		return !slices.Contains(others, t) && (t != "integer" || !slices.Contains(others, "number"))
	})
}

// narrower says whether a limit came or moved inwards.
func narrower(old, young *Schema) bool {
	for _, most := range [][2]*float64{
		{old.Maximum, young.Maximum}, {old.MaxLength, young.MaxLength}, {old.MaxItems, young.MaxItems},
	} {
		if most[1] != nil && (most[0] == nil || *most[1] < *most[0]) {
			return true
		}
	}
	for _, least := range [][2]*float64{
		{old.Minimum, young.Minimum}, {old.MinLength, young.MinLength}, {old.MinItems, young.MinItems},
	} {
		if least[1] != nil && (least[0] == nil || *least[1] > *least[0]) {
			return true
		}
	}
	return false
}

// members compares the members of an object. One that is gone breaks both ways: requests with unknown members
// are refused.
func (c *comparison) members(d direction, at string, old, young *Schema) {
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		is := young.Properties[name]
		where := at + "." + name
		switch {
		case is == nil:
			c.found("member.removed", where)
			continue
		case d == answer && slices.Contains(old.Required, name) && !slices.Contains(young.Required, name):
			c.found("member.optional", where)
		}
		c.schema(d, where, old.Properties[name], is)
	}
	for _, name := range young.Required {
		if d == request && !slices.Contains(old.Required, name) {
			c.found("member.required", at+"."+name)
		}
	}
}
