package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/description"
)

// model is what a description gives to the client, sorted.
type model struct {
	Records []record
	Nouns   []noun
}

// record is a form of values: a dataclass.
type record struct {
	Name    string
	Members []member
}

// member is one field of a record.
type member struct {
	Name   string // in Python
	JSON   string
	Type   string
	Doc    string
	Needed bool
	Secret bool // never shown
}

// noun groups the verbs of one thing: an attribute of the client.
type noun struct {
	Name  string // client.<name>
	Class string
	Verbs []verb
	Wait  *wait
	Files bool // whole files can be sent: start, send in chunks, complete
}

// verb is one operation: a method.
type verb struct {
	Name        string
	Summary     string
	Text        string
	Method      string
	Path        string   // as in the description
	Steps       []string // Python expressions of the path's steps
	Places      []string // parameters of the path
	Fields      []field  // of query and header
	Body        string   // Python type, "" for none
	Media       []string // media types of a body that is no JSON
	Kind        string   // what the answer is: record, items, bytes, events, nothing
	Answer      string   // Python type of the answer or of an element
	Creates     bool     // POST: goes with a key, so that it may be repeated
	Conditional bool     // takes If-Match
	Open        bool     // goes without a token
}

// field is an optional parameter beside path and body.
type field struct{ Name, Wire, In, Type, Doc string }

// wait is how long a thing changes by itself.
type wait struct {
	Over   string // Python condition over `seen` and `states`
	States bool   // the caller may name states to stop at
	Text   string
	Of     verb // show: the one that looks
}

// waits are the things that go on after the answer: see job.View.Over and dataset.Ingesting.
func waits() map[string]wait {
	return map[string]wait{
		"job": {
			Over: fmt.Sprintf("seen.ended_at is not None or seen.state in (%q, *states)", job.OutputQuarantined), States: true,
			Text: "Waits until the job has ended, its outputs wait for people, or it is in one of the states.",
		},
		"version": {
			Over: fmt.Sprintf("seen.state != %q", dataset.Ingesting),
			Text: "Waits until the version's bytes were taken or refused.",
		},
	}
}

// modelOf reads a description. What this client cannot speak fails here, not at a user's.
func modelOf(d *description.Document) (model, error) {
	var m model
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		if name != "Problem" { // an exception of its own
			m.Records = append(m.Records, recordOf(name, d.Components.Schemas[name]))
		}
	}
	byNoun := map[string][]verb{}
	for _, op := range d.Operations() {
		name, _, ok := strings.Cut(op.ID, "-")
		if !ok {
			return model{}, fmt.Errorf("%s %s: its id is no noun-verb", op.Method, op.Path)
		}
		if name == "token" {
			continue // spoken by the token sources alone
		}
		v, err := verbOf(d, op)
		if err != nil {
			return model{}, err
		}
		byNoun[name] = append(byNoun[name], v)
	}
	for _, name := range slices.Sorted(maps.Keys(byNoun)) {
		m.Nouns = append(m.Nouns, nounOf(name, byNoun[name]))
	}
	return m, nil
}

func nounOf(name string, verbs []verb) noun {
	slices.SortFunc(verbs, func(a, b verb) int { return strings.Compare(a.Name, b.Name) })
	n := noun{Name: plural(name), Class: title(name) + "Verbs", Verbs: verbs}
	w, ok := waits()[name]
	at := slices.IndexFunc(verbs, func(v verb) bool { return v.Name == "show" })
	if ok && at >= 0 {
		w.Of = verbs[at]
		n.Wait = &w
	}
	n.Files = name == "upload"
	return n
}

// recordOf puts the members that must be there first, as dataclasses want it.
func recordOf(name string, s *description.Schema) record {
	r := record{Name: name}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[key]
		r.Members = append(r.Members, member{
			Name: identifier(key), JSON: key, Type: pythonType(p), Doc: p.Description,
			Needed: slices.Contains(s.Required, key), Secret: key == "access_token",
		})
	}
	slices.SortStableFunc(r.Members, func(a, b member) int {
		switch {
		case a.Needed == b.Needed:
			return 0
		case a.Needed:
			return -1
		}
		return 1
	})
	return r
}

func verbOf(d *description.Document, op *description.Operation) (verb, error) {
	_, name, _ := strings.Cut(op.ID, "-")
	v := verb{
		Name: identifier(name), Summary: op.Summary, Text: op.Description, Method: op.Method, Path: op.Path,
		Creates: op.Method == "POST", Open: len(op.Security) == 0,
	}
	v.path()
	for _, p := range op.Parameters {
		v.parameter(p)
	}
	v.body(op.Body)
	_, answer := d.Success(op)
	if err := v.answer(d, answer); err != nil {
		return verb{}, fmt.Errorf("%s: %w", op.ID, err)
	}
	return v, nil
}

// path makes the steps of a path. A parameter called path may hold several of them.
func (v *verb) path() {
	for _, step := range strings.Split(strings.Trim(v.Path, "/"), "/") {
		name := strings.Trim(step, "{}")
		switch name {
		case step:
			v.Steps = append(v.Steps, fmt.Sprintf("%q", step))
			continue
		case "path":
			v.Steps = append(v.Steps, "*path.split(\"/\")")
		default:
			v.Steps = append(v.Steps, identifier(name))
		}
		v.Places = append(v.Places, identifier(name))
	}
}

// parameter adds what goes beside path and body. Keys and cursors are the client's own business.
func (v *verb) parameter(p description.Parameter) {
	switch {
	case p.In == "path" || p.Name == "Idempotency-Key" || p.Name == "Last-Event-ID" || p.Name == "cursor":
	case p.Name == "If-Match":
		v.Conditional = true
	default:
		v.Fields = append(v.Fields, field{identifier(p.Name), p.Name, p.In, pythonType(p.Schema), p.Description})
	}
}

func (v *verb) body(b *description.Body) {
	if b == nil {
		return
	}
	if media, ok := b.Content["application/json"]; ok {
		v.Body = "Union[" + pythonType(media.Schema) + ", Mapping[str, Any]]"
		return
	}
	v.Body, v.Media = "Content", slices.Sorted(maps.Keys(b.Content))
}

// answer says what a success is read as.
func (v *verb) answer(d *description.Document, r *description.Response) error {
	media := slices.Sorted(maps.Keys(r.Content))
	if len(media) == 0 {
		v.Kind, v.Answer = "nothing", "None"
		return nil
	}
	schema := r.Content[media[0]].Schema
	if len(media) > 1 {
		v.Fields = append(v.Fields, field{"accept", "Accept", "header", "str", "media type wanted"})
	}
	items := d.Schema(schema).Properties["items"]
	switch {
	case media[0] == "text/event-stream":
		v.Kind, v.Answer = "events", "Event"
	case pythonType(schema) == "bytes":
		v.Kind, v.Answer = "bytes", "bytes"
	case items != nil && items.Items != nil:
		v.Kind, v.Answer = "items", pythonType(items.Items)
	case schema != nil && schema.Ref != "":
		v.Kind, v.Answer = "record", pythonType(schema)
	default:
		return fmt.Errorf("its success is neither bytes nor a schema of its own")
	}
	return nil
}

// Returns is the type of the method.
func (v verb) Returns() string {
	if v.Kind == "items" || v.Kind == "events" {
		return "Iterator[" + v.Answer + "]"
	}
	return v.Answer
}

// Place is the parameters of the path.
func (v verb) Place() string {
	var all []string
	for _, place := range v.Places {
		all = append(all, place+": "+placeType(place))
	}
	return strings.Join(all, ", ")
}

// Arguments passes the parameters of the path on.
func (v verb) Arguments() string { return strings.Join(v.Places, ", ") }

// Signature is the method's parameters.
func (v verb) Signature() string {
	all := []string{"self"}
	if len(v.Places) > 0 {
		all = append(all, v.Place())
	}
	if v.Body != "" {
		all = append(all, "body: "+v.Body)
	}
	var named []string
	for _, f := range v.Fields {
		named = append(named, f.Name+": Optional["+f.Type+"] = None")
	}
	if len(v.Media) > 0 {
		named = append(named, fmt.Sprintf("content_type: str = %q", v.Media[0]))
	}
	if v.Conditional {
		named = append(named, "if_match: Optional[str] = None")
	}
	if v.Creates {
		named = append(named, "idempotency_key: Optional[str] = None")
	}
	if v.Kind == "events" {
		named = append(named, "last_event_id: Optional[str] = None")
	}
	if len(named) > 0 {
		all = append(append(all, "*"), named...)
	}
	return strings.Join(all, ", ")
}

// placeType is what a step of a path is: versions count, all else is a name.
func placeType(place string) string {
	if place == "version" {
		return "int"
	}
	return "str"
}

// Call is the message the method sends, as Python arguments.
func (v verb) Call() string {
	all := []string{fmt.Sprintf("%q", v.Method), "[" + strings.Join(v.Steps, ", ") + "]"}
	for _, in := range []string{"query", "header"} {
		var pairs []string
		for _, f := range v.Fields {
			if f.In == in {
				pairs = append(pairs, fmt.Sprintf("%q: %s", f.Wire, f.Name))
			}
		}
		if in == "header" && v.Conditional {
			pairs = append(pairs, `"If-Match": if_match`)
		}
		if in == "header" && v.Kind == "events" {
			pairs = append(pairs, `"Last-Event-ID": last_event_id`)
		}
		if len(pairs) > 0 {
			all = append(all, in+"={"+strings.Join(pairs, ", ")+"}")
		}
	}
	switch {
	case len(v.Media) > 0:
		all = append(all, "content=body", "content_type=content_type")
	case v.Body != "":
		all = append(all, "body=body")
	}
	if v.Creates {
		all = append(all, "key=idempotency_key")
	}
	if v.Open {
		all = append(all, "open_to_all=True")
	}
	return strings.Join(all, ", ")
}
