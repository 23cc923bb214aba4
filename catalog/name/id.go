package name

import (
	"errors"

	"github.com/google/uuid"
)

// ErrID refuses a text that is no id.
var ErrID = errors.New("not an id")

// ID keys an object inside the record: a UUIDv7 (RFC 9562) in lower-case canonical form. It sorts by the
// time it was made.
type ID string

// NewID makes an id nobody else has. Should the system's random source ever fail it returns the zero ID,
// which no store takes.
func NewID() ID {
	u, err := uuid.NewV7()
	if err != nil {
		return ""
	}
	return ID(u.String())
}

// ParseID reads an id. Only the canonical form of version 7 is taken.
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		return "", ErrID
	}
	return ID(s), nil
}

// String returns the canonical form.
func (i ID) String() string { return string(i) }
