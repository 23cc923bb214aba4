package main

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Forms of a result.
const (
	formTable = "table"
	formJSON  = "json"
	formYAML  = "yaml"
)

func knownForm(form string) bool {
	return slices.Contains([]string{formTable, formJSON, formYAML}, form)
}

// field is one column of a list, or one line of a single thing.
type field[T any] struct {
	head string
	of   func(T) string
}

// one prints a single thing: in a table its fields stand below each other.
func one[T any](c *call, v T, err error, fields []field[T]) error {
	if err != nil {
		return err
	}
	if c.form != formTable {
		return c.encode(v)
	}
	rows := make([][]string, 0, len(fields))
	for _, f := range fields {
		rows = append(rows, []string{c.Head(f.head), orDash(f.of(v))})
	}
	return printRows(c.out, rows)
}

// many prints a list: in a table one line each, below a head.
func many[T any](c *call, vs []T, err error, fields []field[T]) error {
	if err != nil {
		return err
	}
	if c.form != formTable {
		if vs == nil {
			vs = []T{}
		}
		return c.encode(vs)
	}
	var rows [][]string
	if c.flag("no-headers") != "true" {
		rows = append(rows, heads(c, fields))
	}
	for _, v := range vs {
		row := make([]string, 0, len(fields))
		for _, f := range fields {
			row = append(row, orDash(f.of(v)))
		}
		rows = append(rows, row)
	}
	return printRows(c.out, rows)
}

// heads names the columns of a list.
func heads[T any](c *call, fields []field[T]) []string {
	head := make([]string, 0, len(fields))
	for _, f := range fields {
		head = append(head, strings.ToUpper(c.Head(f.head)))
	}
	return head
}

// encode prints a value as JSON or YAML, with the members and the order of the API.
func (c *call) encode(v any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return texts.Wrong("answer.not_encoded").Because(err)
	}
	if c.form == formYAML {
		return c.writeYAML(body.Bytes())
	}
	return c.write(body.Bytes())
}

// writeYAML turns JSON, which is YAML, into the block form people write.
func (c *call) writeYAML(body []byte) error {
	var root yaml.Node
	if err := yaml.Unmarshal(body, &root); err != nil {
		return texts.Wrong("answer.not_encoded").Because(err)
	}
	blocks(&root)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return texts.Wrong("answer.not_encoded").Because(err)
	}
	return c.write(out.Bytes())
}

// blocks takes the flow style from a tree. Empty collections keep it: [] and {} have no other spelling.
func blocks(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n.Style &^= yaml.FlowStyle
	}
	older := []string{"y", "n", "yes", "no", "on", "off"} // truths to readers of YAML 1.1
	if n.Kind == yaml.ScalarNode && !slices.Contains(older, strings.ToLower(n.Value)) {
		n.Style &^= yaml.DoubleQuotedStyle // the encoder quotes again where it must
	}
	for _, child := range n.Content {
		blocks(child)
	}
}

// write puts data on standard output.
func (c *call) write(body []byte) error {
	c.wipe()
	if _, err := c.out.Write(body); err != nil {
		return texts.Wrong("answer.not_written").Because(err)
	}
	return nil
}

// printRows aligns cells by how wide they are shown.
func printRows(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			row[i] = oneLine(cell)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-width(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return texts.Wrong("answer.not_written").Because(err)
	}
	return nil
}

// width counts the cells a text takes on a terminal: Chinese characters and full-width forms take two.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
			r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
			r >= 0xffe0 && r <= 0xffe6, r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}

// printable keeps texts of other people from steering the terminal.
func printable(s string) string { return name.Visible(s) }

// oneLine is printable in one table cell.
func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable(s))
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}
