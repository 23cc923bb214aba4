// Package description reads the API's OpenAPI 3.1 description, checks its form, and tells which changes between
// two of them break a client. It knows of OpenAPI what ours uses. It imports nothing of the product: what it says
// of the API is what any reader of the file could say.
//
// lint.go holds the rules of form, compare.go what breaks whom.
package description

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is a description. A Document is not changed once read.
type Document struct {
	OpenAPI string                           `json:"openapi"`
	Paths   map[string]map[string]*Operation `json:"paths"` // path → lower-case method

	Components struct {
		Schemas   map[string]*Schema   `json:"schemas"`
		Responses map[string]*Response `json:"responses"`
	} `json:"components"`

	raw any // the whole text, for rules that look at every member
}

// Operation is one method of one path. Method and Path are its place in the document.
type Operation struct {
	Method, Path string                `json:"-"`
	ID           string                `json:"operationId"`
	Summary      string                `json:"summary"`
	Description  string                `json:"description"`
	Tags         []string              `json:"tags"`
	Security     []map[string][]string `json:"security"`
	Parameters   []Parameter           `json:"parameters"`
	Body         *Body                 `json:"requestBody"`
	Responses    map[string]*Response  `json:"responses"` // by status
}

// Parameter is a field of path, query or header.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Required    bool    `json:"required"`
	Description string  `json:"description"`
	Schema      *Schema `json:"schema"`
}

// Body is what an operation takes, by media type.
type Body struct {
	Required bool             `json:"required"`
	Content  map[string]Media `json:"content"`
}

// Response is what an operation answers, by media type.
type Response struct {
	Ref     string           `json:"$ref"`
	Content map[string]Media `json:"content"`
}

// Media is the form of one media type.
type Media struct {
	Schema *Schema `json:"schema"`
}

// Schema is the form of a value.
type Schema struct {
	Ref         string             `json:"$ref"`
	Type        Types              `json:"type"` // none: anything
	Format      string             `json:"format"`
	Encoding    string             `json:"contentEncoding"`
	Description string             `json:"description"`
	Properties  map[string]*Schema `json:"properties"`
	Required    []string           `json:"required"`
	Items       *Schema            `json:"items"`
	Enum        []any              `json:"enum"`
	Pattern     string             `json:"pattern"`
	Extra       Extra              `json:"additionalProperties"`
	Maximum     *float64           `json:"maximum"`
	MaxLength   *float64           `json:"maxLength"`
	MaxItems    *float64           `json:"maxItems"`
	Minimum     *float64           `json:"minimum"`
	MinLength   *float64           `json:"minLength"`
	MinItems    *float64           `json:"minItems"`
}

// Types are the types a value may have; none stands for all of them.
type Types []string

// UnmarshalJSON implements json.Unmarshaler: one type may stand for a list of one.
func (t *Types) UnmarshalJSON(raw []byte) error {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		*t = Types{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// Extra says what members a value may have beside its properties.
type Extra struct {
	Refused bool
	Schema  *Schema // of every other member, when one is given
}

// UnmarshalJSON implements json.Unmarshaler: a truth value or a schema.
func (e *Extra) UnmarshalJSON(raw []byte) error {
	var allowed bool
	if err := json.Unmarshal(raw, &allowed); err == nil {
		e.Refused = !allowed
		return nil
	}
	return json.Unmarshal(raw, &e.Schema)
}

// Read reads a description's JSON.
func Read(text []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading description: %w", err)
	}
	if err := json.Unmarshal(text, &d.raw); err != nil {
		return nil, fmt.Errorf("reading description: %w", err)
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			op.Method, op.Path = strings.ToUpper(method), path
		}
	}
	return &d, nil
}

// Operations returns every operation, sorted by path and method.
func (d *Document) Operations() []*Operation {
	var all []*Operation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			all = append(all, d.Paths[path][method])
		}
	}
	return all
}

const (
	schemaRef   = "#/components/schemas/"
	responseRef = "#/components/responses/"
)

// SchemaName returns the name a schema refers to, "" when it is written out in place.
func SchemaName(s *Schema) string {
	if s == nil {
		return ""
	}
	return strings.TrimPrefix(s.Ref, schemaRef)
}

// Schema follows a reference. What refers to nothing is a schema of anything: Lint names it.
func (d *Document) Schema(s *Schema) *Schema {
	for range len(d.Components.Schemas) {
		if s == nil || s.Ref == "" {
			break
		}
		s = d.Components.Schemas[SchemaName(s)]
	}
	if s == nil {
		return &Schema{}
	}
	return s
}

// Response follows a reference.
func (d *Document) Response(r *Response) *Response {
	if r != nil && r.Ref != "" {
		r = d.Components.Responses[strings.TrimPrefix(r.Ref, responseRef)]
	}
	if r == nil {
		return &Response{}
	}
	return r
}

// Success returns the status and the answer of a success; Lint holds that there is one.
func (d *Document) Success(op *Operation) (status string, answer *Response) {
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if strings.HasPrefix(status, "2") {
			return status, d.Response(op.Responses[status])
		}
	}
	return "", &Response{}
}
