// Package texts holds every text of the command line that people read, in English and Chinese: the help of
// commands and flags, the heads of columns, and what the program says itself. Words of the record (states, roles,
// capacities) and what helps against a refusal are those of gateway/messages, which the server uses too.
//
// Texts name what varies by {name}. A test walks the tree of commands and the program's source, and finds every
// text that is missing, unused, or names other things in one language than in the other.
package texts

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/gateway/messages"
)

//go:embed en.yaml zh.yaml
var files embed.FS

// Command is what people read about one command.
type Command struct {
	Short string            `yaml:"short"`
	Long  string            `yaml:"long"`
	Flags map[string]string `yaml:"flags"`
}

// Texts are the texts of one language. The zero value has none and answers with keys.
type Texts struct {
	Language messages.Language
	file     file
	words    messages.Messages
}

// file is one language's file.
type file struct {
	Commands map[string]Command `yaml:"commands"` // by path: "job.submit"
	Flags    map[string]string  `yaml:"flags"`    // of flags that many commands have
	Heads    map[string]string  `yaml:"heads"`    // of columns
	Phrases  map[string]string  `yaml:"phrases"`
}

// In reads the texts of a language.
func In(l messages.Language) (Texts, error) {
	data, err := files.ReadFile(string(l) + ".yaml")
	if err != nil {
		return Texts{}, fmt.Errorf("reading texts: %w", err)
	}
	t := Texts{Language: l}
	if err := yaml.Unmarshal(data, &t.file); err != nil {
		return Texts{}, fmt.Errorf("reading texts in %s: %w", l, err)
	}
	t.words, err = messages.Embedded()
	return t, err
}

// Choose picks the language: what a flag says, else SLUICE_LANG, else the locale (POSIX 8.2: LC_ALL, LC_MESSAGES,
// LANG). Every name that begins with zh is Chinese, all else English.
func Choose(flag string, getenv func(string) string) messages.Language {
	names := []string{flag, getenv("SLUICE_LANG"), getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG")}
	for _, name := range names {
		switch {
		case strings.HasPrefix(strings.ToLower(name), "zh"):
			return messages.Chinese
		case name != "":
			return messages.English
		}
	}
	return messages.English
}

// Command returns the texts of a command by its path, "job.submit".
func (t Texts) Command(path string) Command { return t.file.Commands[path] }

// Flag returns what a flag of a command does: the command's own text, else that of all flags of its name.
func (t Texts) Flag(path, name string) string {
	if own := t.file.Commands[path].Flags[name]; own != "" {
		return own
	}
	return t.file.Flags[name]
}

// Head names a column.
func (t Texts) Head(code string) string { return or(t.file.Heads[code], code) }

// Say words a phrase. Pairs are names and values: Say("file.missing", "path", path).
func (t Texts) Say(key string, pairs ...any) string {
	text := or(t.file.Phrases[key], key)
	if len(pairs) == 0 {
		return text
	}
	var swaps []string
	for i := 0; i+1 < len(pairs); i += 2 {
		swaps = append(swaps, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(swaps...).Replace(text)
}

// Word shows a code of the record as people read it: in Chinese its word; in English the code itself, which can
// be typed again.
func (t Texts) Word(code string) string {
	if t.Language == messages.Chinese {
		return t.Meaning(code)
	}
	return code
}

// Meaning says what a code of the record means, in both languages; the code itself when it has no word.
func (t Texts) Meaning(code string) string { return t.words.Word(t.Language, code) }

// Title says what a stable code means, "" when it has no text.
func (t Texts) Title(code string) string {
	if title := t.words.Title(t.Language, code); title != code {
		return title
	}
	return ""
}

// Remedy says what helps, by the key a finding carries.
func (t Texts) Remedy(key string) string { return t.words.Remedy(t.Language, key) }

// All lists everything there is a text for: "command:job.submit", "flag:file", "flag:job.submit.wait",
// "head:state", "phrase:file.missing". Values are the texts.
func (t Texts) All() map[string]string {
	all := map[string]string{}
	for path, c := range t.file.Commands {
		all["command:"+path] = c.Short + "\n" + c.Long
		for name, text := range c.Flags {
			all["flag:"+path+"."+name] = text
		}
	}
	for kind, texts := range map[string]map[string]string{"flag": t.file.Flags, "head": t.file.Heads, "phrase": t.file.Phrases} {
		for key, text := range texts {
			all[kind+":"+key] = text
		}
	}
	return all
}

// Places lists what a text names, sorted: "path" of {path}.
func Places(text string) []string {
	found := map[string]bool{}
	for _, piece := range strings.Split(text, "{")[1:] {
		if name, _, ok := strings.Cut(piece, "}"); ok && !strings.ContainsAny(name, " :,\n") {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
