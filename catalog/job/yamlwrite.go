package job

import (
	"bytes"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// YAML returns the package as people write it, what ParsePackage reads back. The code is not in it: codeFile names the
// file, or the folder, it lies in.
func (p Package) YAML(codeFile string) ([]byte, error) {
	inputs := mapping()
	for _, in := range p.Inputs {
		put(inputs, in.Name, flowing(mapping(
			scalar("grant"), scalar(string(in.Grant)), scalar("dataset"), scalar(string(in.Dataset)),
			scalar("version"), literal(strconv.Itoa(in.Version)), scalar("columns"), sequence(in.Columns))))
	}
	outputs := &yaml.Node{Kind: yaml.SequenceNode}
	for _, o := range p.Outputs {
		outputs.Content = append(outputs.Content, o.node())
	}
	root := mapping(scalar("name"), scalar(p.Name), scalar("purpose"), scalar(p.Purpose), scalar("engine"), scalar(string(p.Engine)),
		scalar("inputs"), inputs, scalar("code"), scalar(codeFile))
	if p.Image != "" {
		put(root, "image", scalar(p.Image))
	}
	if len(p.Relations) > 0 {
		put(root, "relations", relationsNode(p.Relations))
	}
	put(root, "outputs", outputs)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("writing package: %w", err)
	}
	return out.Bytes(), nil
}

func relationsNode(relations []Relation) *yaml.Node {
	all := mapping()
	for _, r := range relations {
		put(all, r.Name, flowing(mapping(scalar("of"), scalar(r.Of), scalar("labels"), sequence(r.Labels))))
	}
	return all
}

func (o Output) node() *yaml.Node {
	if o.File != nil {
		return mapping(scalar("name"), scalar(o.File.Name), scalar("file"), flowing(mapping(scalar("from"), scalar(o.File.From))))
	}
	if o.Table == nil {
		return mapping()
	}
	by, measures := mapping(), &yaml.Node{Kind: yaml.SequenceNode}
	for _, d := range o.Table.By {
		put(by, d.Column, sequence(d.Values))
	}
	for _, m := range o.Table.Measures {
		measures.Content = append(measures.Content, m.node())
	}
	table := mapping(scalar("from"), scalar(o.Table.From), scalar("by"), by, scalar("measures"), measures)
	return mapping(scalar("name"), scalar(o.Table.Name), scalar("table"), table)
}

func (m Measure) node() *yaml.Node {
	n := flowing(mapping(scalar("name"), scalar(m.Name), scalar("stat"), scalar(string(m.Stat))))
	if m.Of != "" {
		put(n, "of", scalar(m.Of))
	}
	if m.Per != "" {
		put(n, "per", scalar(m.Per))
	}
	return n
}

func mapping(pairs ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: pairs}
}

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, scalar(key), value)
}

func flowing(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}

func sequence(values []string) *yaml.Node {
	n := flowing(&yaml.Node{Kind: yaml.SequenceNode})
	for _, v := range values {
		n.Content = append(n.Content, scalar(v))
	}
	return n
}

// scalar is a text; the encoder quotes what would read as anything else.
func scalar(text string) *yaml.Node {
	n := new(yaml.Node)
	n.SetString(text)
	return n
}

func literal(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text}
}
