package name

import "errors"

// Errors of the short texts.
var (
	ErrSlug  = errors.New("not a slug")
	ErrLogin = errors.New("not a login name")
)

// Slug names a dataset: "health-visits". A lower-case letter, then 2 to 40 letters, digits and hyphens, the
// last of them no hyphen.
type Slug string

// ParseSlug reads a slug.
func ParseSlug(s string) (Slug, error) {
	if len(s) < 3 || len(s) > 41 || !lower(s[0]) || !all(s, "-") || s[len(s)-1] == '-' {
		return "", ErrSlug
	}
	return Slug(s), nil
}

// String returns the slug.
func (s Slug) String() string { return string(s) }

// Login names a person within an organization: a lower-case letter, then 1 to 31 letters, digits, dots,
// hyphens and underscores.
type Login string

// ParseLogin reads a login name.
func ParseLogin(s string) (Login, error) {
	if len(s) < 2 || len(s) > 32 || !lower(s[0]) || !all(s, ".-_") {
		return "", ErrLogin
	}
	return Login(s), nil
}

// String returns the login name.
func (l Login) String() string { return string(l) }

// IsIdent reports whether s can name a column, a table, a relation or a figure: a lower-case letter, then up
// to 62 letters, digits and underscores. Such a name needs no quoting in SQL, in a path or in JSON.
func IsIdent(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && lower(s[0]) && all(s, "_")
}

// IsCode reports whether s is a code of a site's own lists, such as a purpose: a lower-case letter, then up
// to 62 letters, digits, hyphens and underscores.
func IsCode(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && lower(s[0]) && all(s, "-_")
}

func lower(b byte) bool { return b >= 'a' && b <= 'z' }

// all reports whether s has only lower-case letters, digits and bytes of more.
func all(s, more string) bool {
	for i := range len(s) {
		b := s[i]
		if !lower(b) && (b < '0' || b > '9') && !has(more, b) {
			return false
		}
	}
	return true
}

func has(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}
