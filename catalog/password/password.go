// Package password keeps what a person knows: which texts may be one (NIST SP 800-63B-4 3.1.1), and how the record
// has one without being able to tell it (argon2id, RFC 9106). A password alone opens nothing here; the catalog asks a
// second factor with it. Start at Check for what may be chosen and at Hasher for how it is kept.
package password

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Bounds of a password.
const (
	minLength = 12  // characters, once normalized
	maxLength = 128 // characters, once normalized
	maxBytes  = 512 // as it is typed: four bytes a character
)

// common lists the commonest passwords that are long enough, one a line, in lower case.
//
//go:embed common.txt
var common string

// normal is a password as it is hashed: however a keyboard composes its characters, it is the same one.
func normal(text string) string { return norm.NFKC.String(text) }

// Check returns what speaks against a password as somebody's: its length, that everybody has it, or that it holds one
// of their own names. It asks for no kinds of characters: people meet such rules in ways everybody guesses.
func Check(text string, names ...string) error {
	var p fault.Places
	p.Require(utf8.ValidString(text) && len(text) <= maxBytes && !strings.ContainsFunc(text, unicode.IsControl), "password", "password.unreadable")
	if err := p.Err("password.invalid"); err != nil {
		return err
	}
	typed := normal(text)
	length := utf8.RuneCountInString(typed)
	p.Require(length >= minLength, "password", "password.short")
	p.Require(length <= maxLength, "password", "password.long")
	folded := strings.ToLower(typed)
	p.Require(!repeats(folded) && !slices.Contains(strings.Fields(common), folded), "password", "password.common")
	p.Require(!slices.ContainsFunc(names, func(name string) bool { return holds(folded, name) }), "password", "password.named")
	return p.Err("password.invalid")
}

// maxUnit is how many characters that come again and again make no password.
const maxUnit = 4

// repeats reports whether a text is few characters over and over.
func repeats(text string) bool {
	all := []rune(text)
	for unit := 1; unit <= maxUnit; unit++ {
		again := len(all) > unit
		for i := unit; i < len(all) && again; i++ {
			again = all[i] == all[i-unit]
		}
		if again {
			return true
		}
	}
	return false
}

// shortestName is how many letters of an alphabet name somebody; of Chinese characters two do.
const shortestName = 4

// holds reports whether a folded password holds a name, in either case and without its blanks.
func holds(folded, name string) bool {
	name = strings.ToLower(strings.ReplaceAll(normal(name), " ", ""))
	letters := utf8.RuneCountInString(name)
	if letters < 2 || letters < shortestName && len(name) == letters {
		return false
	}
	return strings.Contains(strings.ReplaceAll(folded, " ", ""), name)
}
