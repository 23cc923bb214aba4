// Package messages holds what people are told for each stable code: a title for every code, what helps for every
// refusal, and a word for every state, role and kind ("word." and the code). Codes are for programs and never change; texts are for people, in English and Chinese.
package messages

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed en.yaml zh.yaml
var files embed.FS

// Language is one of the languages there are texts in.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Languages lists them.
func Languages() []Language { return []Language{English, Chinese} }

// Text is what people are told for one code.
type Text struct {
	Title  string
	Remedy string // "" where there is nothing to do differently
}

// UnmarshalYAML reads [title, remedy].
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	var parts []string
	if err := n.Decode(&parts); err != nil {
		return err
	}
	if len(parts) == 0 || len(parts) > 2 {
		return fmt.Errorf("line %d: not a title and a remedy", n.Line)
	}
	t.Title = parts[0]
	if len(parts) == 2 {
		t.Remedy = parts[1]
	}
	return nil
}

// Messages are all texts by language and code. The zero value has none and answers with codes.
type Messages struct {
	texts map[Language]map[string]Text
}

// Embedded reads the texts this program carries.
func Embedded() (Messages, error) {
	m := Messages{texts: map[Language]map[string]Text{}}
	for _, l := range Languages() {
		data, err := files.ReadFile(string(l) + ".yaml")
		if err != nil {
			return Messages{}, fmt.Errorf("reading messages: %w", err)
		}
		var texts map[string]Text
		if err := yaml.Unmarshal(data, &texts); err != nil {
			return Messages{}, fmt.Errorf("reading messages in %s: %w", l, err)
		}
		m.texts[l] = texts
	}
	return m, nil
}

// Codes lists the codes there are texts for in a language, sorted.
func (m Messages) Codes(l Language) []string { return slices.Sorted(maps.Keys(m.texts[l])) }

// Title names what a code means; the code itself when nobody has written a text.
func (m Messages) Title(l Language, code string) string {
	return or(m.texts[l][code].Title, code)
}

// Remedy says what helps, by the key a reason or finding carries ("remedy." and its code); the key itself when
// there is no text.
func (m Messages) Remedy(l Language, key string) string {
	return or(m.texts[l][strings.TrimPrefix(key, "remedy.")].Remedy, key)
}

// Help says what helps against a code; "" when its title says all there is to do.
func (m Messages) Help(l Language, code string) string { return m.texts[l][code].Remedy }

// Word names a code of the record, a state, a role, a kind, as people read it in a table; the code itself when it
// has no word.
func (m Messages) Word(l Language, code string) string {
	return or(m.texts[l]["word."+code].Title, code)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Choose picks the language a reader asked for (RFC 9110 12.5.4); English when none of ours is named.
func Choose(acceptLanguage string) Language {
	best, quality := English, 0.0
	for _, part := range strings.Split(acceptLanguage, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		for _, l := range Languages() {
			if string(l) == primary && q > quality {
				best, quality = l, q
			}
		}
	}
	return best
}
