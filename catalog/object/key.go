package object

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ErrKey refuses a data key that is none.
var ErrKey = errors.New("not a data key")

// SecretSize is the length of a data key's secret in bytes.
const SecretSize = 32

// DataKey encrypts the objects of one owner: a dataset version, a job. It is handed in by the keeper for as
// long as a piece of work lasts and is never stored in the clear.
type DataKey struct {
	ID     string // UUID, canonical form; part of each object's name and header
	Secret [SecretSize]byte
}

// NewDataKey builds a key from its id and the secret it was sealed as.
func NewDataKey(id string, secret []byte) (DataKey, error) {
	if _, err := parseKeyID(id); err != nil {
		return DataKey{}, err
	}
	if len(secret) != SecretSize {
		return DataKey{}, ErrKey
	}
	return DataKey{ID: id, Secret: [SecretSize]byte(secret)}, nil
}

// String returns the key's id, so that a secret never reaches a log.
func (k DataKey) String() string { return "data key " + k.ID }

// GoString returns what String does.
func (k DataKey) GoString() string { return k.String() }

// MarshalJSON refuses: a secret leaves a process sealed or not at all.
func (k DataKey) MarshalJSON() ([]byte, error) { return nil, ErrKey }

func parseKeyID(id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil || u.String() != id || u == uuid.Nil {
		return uuid.Nil, fmt.Errorf("reading key id: %w", ErrKey)
	}
	return u, nil
}
