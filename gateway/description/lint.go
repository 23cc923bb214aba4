package description

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Fault is one break of a rule of form.
type Fault struct{ Where, Rule string }

// String returns "where: rule".
func (f Fault) String() string { return f.Where + ": " + f.Rule }

// nouns are what an operation may be about: the first half of its id, its tag, and what clients group by.
func nouns() []string {
	return []string{
		"agreement", "capacity", "dataset", "destruction", "factor", "grant", "identity", "image", "inspection", "job", "key", "me", "member", "org", "output", "preview",
		"platform", "profile", "recall", "registration", "release", "review", "token", "trace", "trust", "upload", "usage", "version",
	}
}

// open are the operations nobody needs to be known for.
func open() []string { return []string{"key-offer", "token-get"} }

// Lint checks the form of a description and returns the faults, sorted by place.
func Lint(d *Document) []Fault {
	var faults []Fault
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		faults = append(faults, Fault{"openapi", "is not 3.1"})
	}
	ids := map[string]int{}
	for _, op := range d.Operations() {
		ids[op.ID]++
		for _, rule := range operationRules() {
			if !rule.holds(d, op) {
				faults = append(faults, Fault{op.Method + " " + op.Path, rule.text})
			}
		}
	}
	for id, times := range ids {
		if times > 1 {
			faults = append(faults, Fault{id, "is the id of two operations"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		faults = append(faults, lintSchema(name, d.Components.Schemas[name])...)
	}
	faults = append(faults, lintText("", d.raw, d)...)
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.String(), b.String()) })
	return faults
}

// operationRule is one rule every operation keeps.
type operationRule struct {
	text  string
	holds func(*Document, *Operation) bool
}

func operationRules() []operationRule {
	id := regexp.MustCompile(`^([a-z]+)-[a-z]+$`)
	summary := regexp.MustCompile(`^[A-Z].{0,79}[^.]$`)
	return []operationRule{
		{"its id is not noun-verb with a noun of ours", func(_ *Document, op *Operation) bool {
			found := id.FindStringSubmatch(op.ID)
			return found != nil && slices.Contains(nouns(), found[1])
		}},
		{"its tag is not its noun", func(_ *Document, op *Operation) bool {
			noun, _, _ := strings.Cut(op.ID, "-")
			return slices.Equal(op.Tags, []string{noun})
		}},
		{"its summary is no line of at most 80 characters without a full stop", func(_ *Document, op *Operation) bool {
			return summary.MatchString(op.Summary)
		}},
		{"its description is no sentence", func(_ *Document, op *Operation) bool {
			return strings.HasSuffix(op.Description, ".")
		}},
		{"it names no security and is not among the open ones", func(_ *Document, op *Operation) bool {
			return len(op.Security) > 0 != slices.Contains(open(), op.ID)
		}},
		{"it does not have exactly one success", func(_ *Document, op *Operation) bool {
			return len(successes(op)) == 1 || len(successes(op)) == 0 && op.Responses["204"] != nil
		}},
		{"it does not say how it fails, 401 among it", func(_ *Document, op *Operation) bool { return op.Responses["401"] != nil }},
		{"its failures are no problems", problemsOnly},
		{"a parameter of its path is not described, or another is", pathParameters},
		{"a parameter of its query or header has no description", func(_ *Document, op *Operation) bool {
			return !slices.ContainsFunc(op.Parameters, func(p Parameter) bool { return p.In != "path" && p.Description == "" })
		}},
	}
}

// successes are the statuses that bring something; 204 may stand beside one of them and say that there is no more.
func successes(op *Operation) []string {
	var all []string
	for status := range op.Responses {
		if strings.HasPrefix(status, "2") && status != "204" {
			all = append(all, status)
		}
	}
	return all
}

// problemsOnly holds when every failure is RFC 9457's, but for the token endpoint's, which are OAuth's.
func problemsOnly(d *Document, op *Operation) bool {
	want := "Problem"
	if op.ID == "token-get" {
		want = "OAuthError"
	}
	for status, answer := range op.Responses {
		if strings.HasPrefix(status, "2") {
			continue
		}
		for _, media := range d.Response(answer).Content {
			if SchemaName(media.Schema) != want {
				return false
			}
		}
		if len(d.Response(answer).Content) != 1 {
			return false
		}
	}
	return true
}

// pathParameters holds when a path's names and its described parameters are the same.
func pathParameters(_ *Document, op *Operation) bool {
	var named, described []string
	for _, found := range regexp.MustCompile(`\{([a-z_]+)\}`).FindAllStringSubmatch(op.Path, -1) {
		named = append(named, found[1])
	}
	for _, p := range op.Parameters {
		if p.In == "path" && p.Required {
			described = append(described, p.Name)
		}
	}
	return slices.Equal(named, described)
}

// lintSchema checks one component and what stands in it.
func lintSchema(where string, s *Schema) []Fault {
	if s == nil {
		return nil
	}
	var faults []Fault
	if slices.Contains(s.Type, "array") && slices.Contains(s.Type, "null") {
		faults = append(faults, Fault{where, "is a list that may be null"})
	}
	code := regexp.MustCompile(`^[a-z0-9_.+-]*$`)
	for _, value := range s.Enum {
		if text, ok := value.(string); !ok || !code.MatchString(text) {
			faults = append(faults, Fault{where, "has a value that is no lower-case code"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		member := s.Properties[name]
		if member.Description == "" {
			faults = append(faults, Fault{where + "." + name, "has no description: give it a doc tag, or a line in gateway/words/members.txt"})
		}
		faults = append(faults, lintSchema(where+"."+name, member)...)
	}
	return append(faults, lintSchema(where+"[]", s.Items)...)
}

// lintText walks the whole text: references must lead somewhere, and values must not be shown, since what is an
// example here is somebody's record elsewhere.
func lintText(where string, v any, d *Document) []Fault {
	var faults []Fault
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			faults = append(faults, lintText(fmt.Sprintf("%s[%d]", where, i), element, d)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			ref, isText := v[name].(string)
			switch {
			case name == "$ref" && isText && !d.leads(ref):
				faults = append(faults, Fault{where, "refers to nothing: " + ref})
			case (name == "example" || name == "examples" || name == "default") && !strings.HasSuffix(where, ".properties"):
				faults = append(faults, Fault{where, "shows a value: " + name})
			}
			faults = append(faults, lintText(where+"."+name, v[name], d)...)
		}
	}
	return faults
}

// leads says whether a reference leads to a component.
func (d *Document) leads(ref string) bool {
	if name, ok := strings.CutPrefix(ref, responseRef); ok {
		return d.Components.Responses[name] != nil
	}
	name, ok := strings.CutPrefix(ref, schemaRef)
	return ok && d.Components.Schemas[name] != nil
}
