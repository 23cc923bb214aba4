package main

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/gateway/description"
)

// pythonType is what a value is called in Python. What the description leaves open is Any.
func pythonType(s *description.Schema) string {
	switch {
	case s == nil:
		return "Any"
	case s.Ref != "":
		return description.SchemaName(s)
	case len(s.Type) != 1:
		return "Any"
	}
	switch s.Type[0] {
	case "array":
		return "List[" + pythonType(s.Items) + "]"
	case "object":
		return "Dict[str, " + pythonType(s.Extra.Schema) + "]"
	case "string":
		return textType(s)
	}
	return map[string]string{"boolean": "bool", "integer": "int", "number": "float"}[s.Type[0]]
}

// textType is what a JSON text stands for. Codes stay texts: they may grow.
func textType(s *description.Schema) string {
	switch {
	case s.Encoding == "base64" || s.Format == "binary":
		return "bytes"
	case s.Format == "date-time":
		return "datetime.datetime"
	}
	return "str"
}

// identifier is a member's name as Python can spell it.
func identifier(name string) string {
	keywords := []string{
		"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
		"else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
		"pass", "raise", "return", "try", "while", "with", "yield",
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if slices.Contains(keywords, name) {
		return name + "_"
	}
	return name
}

// plural is how a client calls what has many of a noun: client.jobs.
func plural(noun string) string {
	switch {
	case noun == "me" || noun == "trace":
		return noun
	case strings.HasSuffix(noun, "y"):
		return strings.TrimSuffix(noun, "y") + "ies"
	}
	return noun + "s"
}

// title begins a word with a capital.
func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// width is how long a line of prose may be.
const width = 110

// doc lays out prose as the lines of a docstring.
func doc(indent int, text string) string { return wrap(text, strings.Repeat(" ", indent)) }

// remark lays out prose as the comment of a member.
func remark(text string) string { return wrap(text, "    #: ") }

// wrap breaks prose into lines that begin alike. The first line's indent counts too.
func wrap(text, begin string) string {
	var lines []string
	line := begin
	text = strings.NewReplacer(`\`, `\\`, `"""`, `'''`).Replace(text)
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width && line != begin {
			lines, line = append(lines, strings.TrimRight(line, " ")), begin
		}
		line += word + " "
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}
