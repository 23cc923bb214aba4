package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// maxInput bounds a file that describes something.
const maxInput = 1 << 20

// readFile reads a file that describes something; "-" is standard input.
func (c *call) readFile(path string) ([]byte, error) {
	from := c.cmd.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage("file.unreadable", "path", path).because(err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	body, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, usage("file.unreadable", "path", path).because(err)
	}
	if len(body) > maxInput {
		return nil, usage("file.too_long", "path", path, "n", number(maxInput))
	}
	return body, nil
}

// readYAML reads a file strictly into what the API takes: no unknown or second member, no second document.
// Every fault is told with its line.
func readYAML[T any](c *call, path string) (into T, err error) {
	body, err := c.readFile(path)
	if err != nil {
		return into, err
	}
	faults, err := decodeYAML(body, &into)
	if err != nil {
		return into, usage("file.bad", "path", path).because(err)
	}
	if len(faults) > 0 {
		return into, toldError{text: printable(path + c.placesText(faults)), code: exitUsage}
	}
	return into, nil
}

// decodeYAML fills a value whose types have JSON names.
func decodeYAML(body []byte, into any) (fault.Places, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		return nil, usage("yaml.malformed").because(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, usage("yaml.second_document")
	}
	s := strict{}
	value := s.value(doc.Content[0], reflect.TypeOf(into).Elem(), "")
	if len(s.faults) > 0 {
		return s.faults, nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, texts.Wrong("yaml.malformed").Because(err)
	}
	if err := json.Unmarshal(encoded, into); err != nil {
		return nil, texts.Wrong("yaml.malformed").Because(err)
	}
	return nil, nil
}

// strict walks a YAML tree beside the Go type it is for, and turns it into what JSON would hold.
type strict struct{ faults fault.Places }

func (s *strict) bad(n *yaml.Node, at, code string) any {
	s.faults.Add(strings.TrimSuffix(fmt.Sprintf("line %d: %s", n.Line, at), ": "), code)
	return nil
}

func (s *strict) value(n *yaml.Node, t reflect.Type, at string) any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok {
		return s.text(n, t, at)
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.object(n, t, at)
	case reflect.Slice:
		return s.list(n, t, at)
	case reflect.Map:
		return s.entries(n, at, func(string) (reflect.Type, bool) { return t.Elem(), true })
	default:
		return s.scalar(n, t, at)
	}
}

// text reads a type that reads itself.
func (s *strict) text(n *yaml.Node, t reflect.Type, at string) any {
	if n.Kind != yaml.ScalarNode {
		return s.bad(n, at, "yaml.not_text")
	}
	into := reflect.New(t).Interface()
	quoted, err := json.Marshal(n.Value)
	if err == nil {
		err = json.Unmarshal(quoted, into)
	}
	if err != nil {
		return s.bad(n, at, "yaml.not_"+strings.ToLower(t.Name()))
	}
	return n.Value
}

func (s *strict) object(n *yaml.Node, t reflect.Type, at string) any {
	members := map[string]reflect.Type{}
	collect(t, members)
	return s.entries(n, at, func(key string) (reflect.Type, bool) {
		member, ok := members[key]
		return member, ok
	})
}

// collect lists the JSON members of a struct, embedded ones included.
func collect(t reflect.Type, into map[string]reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && tag != "" && tag != "-" {
			into[tag] = f.Type
		}
	}
}

func (s *strict) entries(n *yaml.Node, at string, member func(key string) (reflect.Type, bool)) any {
	if n.Kind != yaml.MappingNode {
		return s.bad(n, at, "yaml.not_mapping")
	}
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		below := strings.TrimPrefix(at+"."+key.Value, ".")
		t, known := member(key.Value)
		_, twice := out[key.Value]
		switch {
		case twice:
			s.bad(key, below, "yaml.twice")
		case !known:
			s.bad(key, below, "yaml.unknown_member")
		default:
			out[key.Value] = s.value(value, t, below)
		}
	}
	return out
}

func (s *strict) list(n *yaml.Node, t reflect.Type, at string) any {
	if n.Kind != yaml.SequenceNode {
		return s.bad(n, at, "yaml.not_list")
	}
	out := []any{}
	for i, item := range n.Content {
		out = append(out, s.value(item, t.Elem(), fmt.Sprintf("%s[%d]", at, i)))
	}
	return out
}

// scalar takes texts as they are written, so that [1, 2] and [yes, no] can be labels; numbers and truths must
// be such.
func (s *strict) scalar(n *yaml.Node, t reflect.Type, at string) any {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return s.bad(n, at, "yaml.no_value")
	}
	switch t.Kind() {
	case reflect.String:
		return n.Value
	case reflect.Bool:
		if !slices.Contains([]string{"true", "false"}, n.Value) {
			return s.bad(n, at, "yaml.not_truth")
		}
		return n.Value == "true"
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return s.bad(n, at, "yaml.not_whole")
		}
		return i
	default:
		return s.bad(n, at, "yaml.not_here")
	}
}
