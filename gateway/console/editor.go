package console

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/gateway/messages"
)

// grantedTable is what the editor of a draft may complete over one grant. It is of what the page's own verbs told its
// reader: the script asks nobody, so it can offer nothing else.
type grantedTable struct {
	Grant    string   `json:"grant"`
	Dataset  string   `json:"dataset"`
	Purposes []string `json:"purposes"`
	Tokens   []hint   `json:"tokens"` // of protected units, beside the columns
	Columns  []hint   `json:"columns"`
}

// hint is a name to complete and what it is, in the reader's language; "" where only its name is known here.
type hint struct {
	Name  string `json:"name"`
	About string `json:"about,omitempty"`
}

// islands are the functions by which templates speak to the scripts of a page.
func islands(conf Config, l messages.Language, words texts) template.FuncMap {
	return template.FuncMap{
		"granted": func(p draftPage) (string, error) {
			all := make([]grantedTable, 0, len(p.Grants))
			for _, g := range p.Grants {
				all = append(all, tableOf(g, p.Shown, words.say("draft.token"), func(c dataset.Column) string { return about(conf, l, words, c) }))
			}
			return spelling(all)
		},
		"phrases": func() (string, error) { return spelling(phrases(words)) },
		"python":  func(granted []name.Operation) bool { return slices.Contains(granted, name.OpPython) },
		// field is the field of a draft that holds a file of its code.
		"field": func(file string) string {
			if file == "" || file == job.MainFile {
				return "code"
			}
			return fileField + file
		},
	}
}

// tableOf is what of a grant may be completed. Of a dataset that was not read the columns' names are known, not what they are.
func tableOf(g grant.View, shown map[string]dataset.View, token string, about func(dataset.Column) string) grantedTable {
	t := grantedTable{Grant: g.Number, Dataset: g.Dataset, Purposes: g.Scope.Purposes, Tokens: []hint{}}
	d := shown[g.Dataset]
	for _, u := range d.Units {
		t.Tokens = append(t.Tokens, hint{Name: u.Kind, About: token})
	}
	for _, name := range g.Scope.Columns {
		h := hint{Name: name}
		if at := slices.IndexFunc(d.Columns, func(c dataset.Column) bool { return c.Name == name }); at >= 0 {
			h.About = about(d.Columns[at])
		}
		t.Columns = append(t.Columns, h)
	}
	return t
}

// about says what a column is: type, level, how it is masked, and its title.
func about(conf Config, l messages.Language, words texts, c dataset.Column) string {
	text := conf.Codes.Word(l, string(c.Type)) + " · " + words.say("level", c.Level)
	if c.Mask != "" {
		text += " · " + conf.Codes.Word(l, string(c.Mask))
	}
	if c.Title != "" {
		text += " · " + c.Title
	}
	return text
}

// phrases are the editor's own words, as it names them, in a language. A test finds those it has besides.
func phrases(words texts) map[string]string {
	return map[string]string{
		"Completions":       words.say("editor.completions"),
		"Control character": words.say("editor.control_character"),
		"Diagnostics":       words.say("editor.diagnostics"),
		"No diagnostics":    words.say("editor.no_diagnostics"),
		"Selection deleted": words.say("editor.selection_deleted"),
		"close":             words.say("editor.close"),
	}
}

// spelling writes a value for an attribute.
func spelling(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing what a script reads: %w", err)
	}
	return string(text), nil
}
