package runner

import (
	"strings"
	"unicode"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/policy/screen"
)

// identifiersIn counts, by column, the published texts that carry an identifier. Texts are declared labels and
// names; a figure has too few digits to be one.
func identifiersIn(g *grid, header []string) []screen.ColumnCount {
	list := []screen.ColumnCount{}
	for d, dim := range g.table.By {
		n := int64(0)
		for _, label := range g.domains[d] {
			if hasIdentifier(label) {
				n++
			}
		}
		if n > 0 {
			list = append(list, screen.ColumnCount{Column: dim.Column, Count: n})
		}
	}
	if hasIdentifier(strings.Join(header, "\n")) {
		list = append(list, screen.ColumnCount{Column: "header", Count: 1})
	}
	return list
}

// hasIdentifier says whether a text carries a resident identity number, a unified social credit code, a mobile
// number or a bank card number.
func hasIdentifier(s string) bool { return identifiersOf(s) != 0 }

// identifiers is a set of kinds of identifier.
type identifiers uint8

// The kinds of identifier a text can carry.
const (
	aResidentID identifiers = 1 << iota
	aCreditCode
	aMobile
	aBankCard
)

// identifiersOf looks at a text as it stands and once more with the separators between digits and letters taken
// out; full-width letters and digits count as plain ones.
func identifiersOf(s string) identifiers {
	plain := strings.Map(narrow, s)
	joined := strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsSpace(r) || strings.ContainsRune("-‐‑–—_.·", r)) {
			return -1
		}
		return r
	}, plain)
	return scan(plain) | scan(joined)
}

// narrow maps the full-width forms U+FF01–FF5E to ASCII and letters to upper case.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	return unicode.ToUpper(r)
}

// scan looks at every run of letters and digits between word boundaries. A word with one check digit right is
// not looked at for another.
func scan(s string) (found identifiers) {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z')
	}) {
		switch {
		case residentID(word):
			found |= aResidentID
		case creditCode(word):
			found |= aCreditCode
		default:
			found |= scanDigits(word)
		}
	}
	return found
}

// scanDigits looks at the runs of digits in a word.
func scanDigits(word string) (found identifiers) {
	for _, digits := range strings.FieldsFunc(word, func(r rune) bool { return r < '0' || r > '9' }) {
		switch {
		case mobile(digits):
			found |= aMobile
		case bankCard(digits):
			found |= aBankCard
		}
	}
	return found
}

// residentID checks a resident identity number of somebody born after 1799: whoever could be in the data.
func residentID(s string) bool {
	return name.ValidResidentID(s) && s[6:8] >= "18" && s[6:8] <= "20"
}

func creditCode(s string) bool {
	_, err := name.ParseCreditCode(s)
	return err == nil
}

// mobile checks a mainland mobile number: 11 digits that begin with 13 to 19, or the same behind 86. It has no
// check digit; a label of this form is not worth the doubt.
func mobile(s string) bool {
	if len(s) == 13 {
		s = strings.TrimPrefix(s, "86")
	}
	return len(s) == 11 && s[0] == '1' && s[1] >= '3'
}

// bankCard checks a card number: 16 to 19 digits, not all equal, with the check digit of ISO/IEC 7812-1 (Luhn).
func bankCard(s string) bool {
	if len(s) < 16 || len(s) > 19 || strings.Trim(s, s[:1]) == "" {
		return false
	}
	sum := 0
	for i := range len(s) {
		v := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
