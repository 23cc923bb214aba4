package flow

import (
	"fmt"
	"strings"
)

// Mermaid draws the table as a Mermaid state diagram.
func (t Table) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, m := range t.Moves {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", node(m.From), node(m.To), m.Act)
	}
	for _, s := range t.Ends {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	return b.String()
}

func node(s State) string {
	if s == None {
		return "[*]"
	}
	return string(s)
}

// Markdown writes the table as a Markdown table.
func (t Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| From | Act | To | Who | Rule |\n|---|---|---|---|---|\n")
	for _, m := range t.Moves {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(m.From), code(State(m.Act)), code(m.To), m.Who, m.Rule)
	}
	return b.String()
}

func code(s State) string {
	if s == None {
		return "—"
	}
	return "`" + string(s) + "`"
}

// Document writes the chapter of one table: heading, source, diagram, rows.
func (t Table) Document() string {
	return fmt.Sprintf("## %s\n\n%s\n\n```mermaid\n%s```\n\n%s", t.Title, t.Source, t.Mermaid(), t.Markdown())
}
