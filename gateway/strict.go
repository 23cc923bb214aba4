package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// checkJSON returns the code of what is wrong with a JSON text, "" when nothing is. encoding/json would take
// the last of two members of one name, members in other letters than ours, and any bytes for text.
func checkJSON(text []byte) string {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "body.missing"
	case !utf8.Valid(text):
		return "json.utf8"
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var s strict
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && s.done {
			return ""
		}
		if err != nil || s.done {
			return "json.syntax"
		}
		if code := s.take(token); code != "" {
			return code
		}
	}
}

// strict follows a text token by token.
type strict struct {
	open []level
	done bool // the one value of the text is complete
}

// level is an object or list that is open. seen is nil in a list.
type level struct {
	seen  map[string]bool
	inKey bool // an object whose next token is a member's name or its end
}

func (s *strict) take(token json.Token) string {
	switch t := token.(type) {
	case json.Delim:
		return s.delim(t)
	case string:
		if n := len(s.open); n > 0 && s.open[n-1].inKey {
			return s.member(t)
		}
	case json.Number:
		if !finite(t.String()) {
			return "number.out_of_range"
		}
	}
	s.value()
	return ""
}

func (s *strict) delim(d json.Delim) string {
	switch d {
	case '{':
		s.open = append(s.open, level{seen: map[string]bool{}, inKey: true})
	case '[':
		s.open = append(s.open, level{})
	default:
		s.open = s.open[:len(s.open)-1]
		s.value()
	}
	if len(s.open) > maxDepth {
		return "json.depth"
	}
	return ""
}

// member notes a member's name. Ours are snake_case: a name in other letters could be folded into one of
// ours by the decoder, a second of the same name could replace the first.
func (s *strict) member(name string) string {
	at := &s.open[len(s.open)-1]
	if !snake(name) {
		return "member.unknown"
	}
	if at.seen[name] {
		return "member.duplicate"
	}
	at.seen[name], at.inKey = true, false
	return ""
}

// value notes that a value is complete.
func (s *strict) value() {
	if n := len(s.open); n > 0 {
		s.open[n-1].inKey = s.open[n-1].seen != nil
		return
	}
	s.done = true
}

func snake(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != ""
}
