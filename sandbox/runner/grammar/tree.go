package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// kind tells what a node is.
type kind byte

const (
	object kind = iota + 1
	array
	text
	number
	boolean
)

// node is one JSON value of a statement as the engine serializes it. It keeps numbers as they were written
// and fields in their order, so that a tree goes back to the engine as it came. A nil node is null: a
// checker may look at a field that is not there.
type node struct {
	kind   kind
	value  string // text, number literal, "true" or "false"
	items  []*node
	names  []string
	fields map[string]*node
}

// Tree is a statement as the engine serializes it.
type Tree struct{ root *node }

// ParseTree reads what the engine made of a statement. A field that stands twice is an error: two readers of
// it could disagree.
func ParseTree(s string) (*Tree, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	n, err := readNode(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading tree: bytes after its end")
	}
	return &Tree{n}, nil
}

func readNode(d *json.Decoder) (*node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("reading tree: %w", err)
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return readObject(d)
		}
		return readArray(d)
	case string:
		return &node{kind: text, value: v}, nil
	case json.Number:
		return &node{kind: number, value: v.String()}, nil
	case bool:
		return &node{kind: boolean, value: strconv.FormatBool(v)}, nil
	default:
		return nil, nil
	}
}

func readObject(d *json.Decoder) (*node, error) {
	n := &node{kind: object, fields: map[string]*node{}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("reading tree: %w", err)
		}
		name, _ := t.(string)
		if _, twice := n.fields[name]; twice {
			return nil, errors.New("reading tree: a field stands twice")
		}
		v, err := readNode(d)
		if err != nil {
			return nil, err
		}
		n.names, n.fields[name] = append(n.names, name), v
	}
	_, err := d.Token()
	return n, err
}

func readArray(d *json.Decoder) (*node, error) {
	n := &node{kind: array}
	for d.More() {
		v, err := readNode(d)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, v)
	}
	_, err := d.Token()
	return n, err
}

// get returns a field; nil when it is null or not there.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	return n.fields[name]
}

// str returns a field's text; "" when it is no text.
func (n *node) str(name string) string {
	if f := n.get(name); f != nil && f.kind == text {
		return f.value
	}
	return ""
}

// list returns a field's items.
func (n *node) list(name string) []*node {
	if f := n.get(name); f != nil {
		return f.items
	}
	return nil
}

// texts returns a field's items as text.
func (n *node) texts(name string) []string {
	var out []string
	for _, i := range n.list(name) {
		if i == nil || i.kind != text {
			return nil
		}
		out = append(out, i.value)
	}
	return out
}

func (n *node) isTrue() bool { return n != nil && n.kind == boolean && n.value == "true" }

// empty says that a value holds nothing: null, false, "", an empty list, or an object of such values only.
func (n *node) empty() bool {
	if n == nil {
		return true
	}
	switch n.kind {
	case text:
		return n.value == ""
	case boolean:
		return n.value == "false"
	case array:
		return len(n.items) == 0
	case object:
		for _, f := range n.fields {
			if !f.empty() {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// location is the byte offset of the node in its statement; -1 unknown.
func (n *node) location() int {
	f := n.get("query_location")
	if f == nil || f.kind != number {
		return -1
	}
	v, err := strconv.ParseInt(f.value, 10, 32)
	if err != nil {
		return -1
	}
	return int(v)
}

// write appends the node as JSON.
func (n *node) write(b *strings.Builder) {
	switch {
	case n == nil:
		b.WriteString("null")
	case n.kind == text:
		b.WriteString(quoteJSON(n.value))
	case n.kind == array:
		b.WriteByte('[')
		for i, v := range n.items {
			writeComma(b, i)
			v.write(b)
		}
		b.WriteByte(']')
	case n.kind == object:
		b.WriteByte('{')
		for i, name := range n.names {
			writeComma(b, i)
			b.WriteString(quoteJSON(name) + ":")
			n.fields[name].write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(n.value)
	}
}

// String is the tree as JSON, for the engine to read back.
func (t *Tree) String() string {
	var b strings.Builder
	t.root.write(&b)
	return b.String()
}

// Fault is what the engine said instead of a tree: its class of error and the byte, -1 unknown. Its words stay
// behind.
func (t *Tree) Fault() (class string, at int, failed bool) {
	if !t.root.get("error").isTrue() {
		return "", -1, false
	}
	at, err := strconv.Atoi(t.root.str("position"))
	if err != nil {
		at = -1
	}
	return t.root.str("error_type"), at, true
}

// Places maps bytes of one text of a statement to bytes of another whose tree has the same form. Where the
// forms part, places are left out.
func Places(from, to *Tree) map[int]int {
	m := map[int]int{}
	pair(m, from.root, to.root)
	return m
}

func pair(m map[int]int, a, b *node) {
	if a == nil || b == nil || a.kind != b.kind {
		return
	}
	if x, y := a.location(), b.location(); x >= 0 && y >= 0 {
		m[x] = y
	}
	for i := range min(len(a.items), len(b.items)) {
		pair(m, a.items[i], b.items[i])
	}
	for name, f := range a.fields {
		pair(m, f, b.fields[name])
	}
}

func writeComma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// quoteJSON quotes text. Marshalling a string cannot fail.
func quoteJSON(s string) string {
	q, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(q)
}

// textNode and listNode build the few nodes a star is replaced by.
func textNode(s string) *node { return &node{kind: text, value: s} }

func listNode(items ...*node) *node { return &node{kind: array, items: items} }

// columnNode is a reference to a column, at the place of another node.
func columnNode(at *node, names ...string) *node {
	parts := make([]*node, len(names))
	for i, s := range names {
		parts[i] = textNode(s)
	}
	return &node{
		kind:  object,
		names: []string{"class", "type", "alias", "query_location", "column_names"},
		fields: map[string]*node{
			"class": textNode("COLUMN_REF"), "type": textNode("COLUMN_REF"), "alias": textNode(""),
			"query_location": at.get("query_location"), "column_names": listNode(parts...),
		},
	}
}
