package name

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNumber refuses a text that is no object number.
var ErrNumber = errors.New("not an object number")

// Kind is the leading letters of an object number.
type Kind string

// The closed list of kinds. Datasets have a Slug instead.
const (
	Organization Kind = "ORG" // without a year
	Registration Kind = "R"
	Agreement    Kind = "A"
	Grant        Kind = "G"
	Job          Kind = "J"
	Request      Kind = "Q" // review request
	Release      Kind = "D" // product delivery
	Part         Kind = "P"
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{Organization, Registration, Agreement, Grant, Job, Request, Release, Part}
}

// Yearly reports whether numbers of the kind start anew each year and carry it.
func (k Kind) Yearly() bool { return k != Organization }

func (k Kind) known() bool {
	for _, o := range Kinds() {
		if k == o {
			return true
		}
	}
	return false
}

// Number is the name people use for an object: "J-2026-0117", "ORG-0001". The last part has at least four
// digits and no further leading zeros, so that one object has one spelling.
type Number string

// NewNumber formats a number. The year is ignored for kinds without one; it must have four digits and the
// sequence must be positive.
func NewNumber(k Kind, year int, seq int64) (Number, error) {
	s := fmt.Sprintf("%s-%04d", k, seq)
	if k.Yearly() {
		s = fmt.Sprintf("%s-%04d-%04d", k, year, seq)
	}
	return ParseNumber(s)
}

// ParseNumber reads a number of any kind.
func ParseNumber(s string) (Number, error) {
	parts := strings.Split(s, "-")
	k := Kind(parts[0])
	want := 2
	if k.Yearly() {
		want = 3
	}
	if !k.known() || len(parts) != want || !sequence(parts[want-1]) {
		return "", ErrNumber
	}
	if k.Yearly() && !year(parts[1]) {
		return "", ErrNumber
	}
	return Number(s), nil
}

// ParseNumberOf reads a number of one kind.
func ParseNumberOf(k Kind, s string) (Number, error) {
	n, err := ParseNumber(s)
	if err != nil || n.Kind() != k {
		return "", ErrNumber
	}
	return n, nil
}

// Kind returns the number's kind.
func (n Number) Kind() Kind {
	k, _, _ := strings.Cut(string(n), "-")
	return Kind(k)
}

// Year returns the number's year, 0 when its kind has none.
func (n Number) Year() int {
	parts := strings.Split(string(n), "-")
	if len(parts) != 3 {
		return 0
	}
	y, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return y
}

// String returns the number as people read it.
func (n Number) String() string { return string(n) }

func year(s string) bool { return len(s) == 4 && digits(s) && s[0] != '0' }

func sequence(s string) bool {
	if len(s) < 4 || len(s) > 12 || !digits(s) {
		return false
	}
	return len(s) == 4 && s != "0000" || len(s) > 4 && s[0] != '0'
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
