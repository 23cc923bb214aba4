package name

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shows reports whether something is there, in at most that many bytes of UTF-8, and no character Hides: what a value
// of data must be to stand in a declaration or over a table.
func Shows(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, Hides)
}

// IsLine reports whether a text Shows and has no space at its ends: how things and people are called.
func IsLine(s string, most int) bool { return Shows(s, most) && strings.TrimSpace(s) == s }

// IsProse reports whether a text Shows but for the ends of its lines, and is not all space: what people write.
func IsProse(s string, most int) bool {
	return len(s) <= most && Shows(strings.ReplaceAll(s, "\n", " "), most) && strings.TrimSpace(s) != ""
}

// Hides reports whether a character is not seen itself and may change how others are read or written out: controls,
// line ends among them, what turns the direction of writing (Unicode Annex 9, 2.1 to 2.4) and what has no width
// (general categories Cc, Cf, Zl, Zp). Characters of private use and of newer editions of Unicode show: names of
// people are written with them.
func Hides(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// Visible puts the replacement character where one Hides, so that a text of other people neither steers a terminal
// nor turns a page. Line ends and tabs stay.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if Hides(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
