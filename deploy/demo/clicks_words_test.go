package main

import (
	"fmt"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// spoken is what the console says in one language: its own texts, and the words of codes.
type spoken struct {
	t     *testing.T
	texts map[string]string
	codes map[string][]string
}

func speak(t *testing.T, language string) spoken {
	t.Helper()
	s := spoken{t: t}
	for path, into := range map[string]any{
		"../../gateway/console/texts/" + language + ".yaml": &s.texts, "../../gateway/messages/" + language + ".yaml": &s.codes,
	} {
		body, err := os.ReadFile(path)
		must(t, err)
		must(t, yaml.Unmarshal(body, into))
	}
	return s
}

// say is a text of the console's.
func (s spoken) say(key string, args ...any) string {
	s.t.Helper()
	text, found := s.texts[key]
	if !found {
		s.t.Fatalf("the console has no text %s", key)
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// word is the word of a state, a role, a type.
func (s spoken) word(code string) string { s.t.Helper(); return s.message("word." + code) }

// message is how a code's message begins.
func (s spoken) message(code string) string {
	s.t.Helper()
	if len(s.codes[code]) == 0 {
		s.t.Fatalf("nothing is said of %s", code)
	}
	return s.codes[code][0]
}
