// Package trust reads and writes trust.json: which key may sign what, from when to when, and which were
// revoked, signed by the offline root key. Whoever holds the root's public key can check every certificate
// and checkpoint without asking the server. It is pure: no store, no clock.
package trust

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Format is the version of the form.
const Format = 1

// Type is the signature domain of trust.json.
const Type envelope.Type = "application/vnd.sluice.trust.v1+json"

// Errors of looking a key up.
var (
	ErrUnknown = errors.New("key is not in trust.json")
	ErrPurpose = errors.New("key is for another purpose")
	ErrTime    = errors.New("key was not valid at that time")
	ErrRevoked = errors.New("key was revoked by that time")
)

// Purpose says what a key may do. One key has one purpose.
type Purpose string

// The closed list of purposes.
const (
	Checkpoint  Purpose = "checkpoint"  // signs tree heads of the trace
	Certificate Purpose = "certificate" // signs release certificates
	Wrap        Purpose = "wrap"        // data keys are sealed to it
)

// Alg says how a key is used.
type Alg string

// The closed list of algorithms.
const (
	Ed25519 Alg = "ed25519"
	X25519  Alg = "x25519" // wrap only
)

// Document is what the root key signs. Each new one has a higher Serial and keeps every key there ever was.
type Document struct {
	Format int       `json:"format"`
	Origin string    `json:"origin"` // the installation
	Serial int64     `json:"serial"` // 1, 2, …
	Issued time.Time `json:"issued"`
	Keys   []Key     `json:"keys"`
}

// Key is one key of the installation.
type Key struct {
	ID        string     `json:"id"`
	Purpose   Purpose    `json:"purpose"`
	Alg       Alg        `json:"alg"`
	Public    []byte     `json:"public"` // 32 bytes
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// KeyID names a key by purpose and bytes.
func KeyID(p Purpose, public []byte) string {
	return string(p) + "-" + name.DigestOf(public).Hex()[:16]
}

// RootID names a root key.
func RootID(public ed25519.PublicKey) string { return "root-" + hex.EncodeToString(public)[:16] }

// Sign validates d and returns trust.json.
func (d Document) Sign(root ed25519.PrivateKey) ([]byte, error) {
	if len(root) != ed25519.PrivateKeySize {
		return nil, envelope.ErrKey
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	pub := ed25519.PublicKey(root[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
	e, err := envelope.Sign(Type, RootID(pub), root, d)
	if err != nil {
		return nil, fmt.Errorf("signing trust document: %w", err)
	}
	return json.MarshalIndent(e, "", "  ")
}

// Verify reads trust.json under the root's public key.
func Verify(data []byte, root ed25519.PublicKey) (Document, error) {
	var e envelope.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return Document{}, fmt.Errorf("reading trust file: %w", err)
	}
	var d Document
	if err := e.Open(Type, root, &d); err != nil {
		return Document{}, fmt.Errorf("opening trust file: %w", err)
	}
	return d, d.Validate()
}

// Key returns the key of an id when it might do purpose at a time. Times are claimed by what the key signed:
// after a compromise revoke from the last time that is known good.
func (d Document) Key(id string, purpose Purpose, at time.Time) (Key, error) {
	i := slices.IndexFunc(d.Keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{}, ErrUnknown
	}
	k := d.Keys[i]
	switch {
	case k.Purpose != purpose:
		return Key{}, ErrPurpose
	case at.Before(k.NotBefore) || !at.Before(k.NotAfter):
		return Key{}, ErrTime
	case k.RevokedAt != nil && !at.Before(*k.RevokedAt):
		return Key{}, ErrRevoked
	}
	return k, nil
}

// Follows reports whether d may take old's place: same installation, higher serial, and every key of old
// there unchanged but for an earlier end or a revocation. It stops a roll-back and a quiet swap.
func (d Document) Follows(old Document) bool {
	if d.Origin != old.Origin || d.Serial <= old.Serial {
		return false
	}
	for _, was := range old.Keys {
		i := slices.IndexFunc(d.Keys, func(k Key) bool { return k.ID == was.ID })
		if i < 0 || !d.Keys[i].tightens(was) {
			return false
		}
	}
	return true
}

func (k Key) tightens(was Key) bool {
	same := k.Purpose == was.Purpose && k.Alg == was.Alg && slices.Equal(k.Public, was.Public)
	revoked := was.RevokedAt == nil || k.RevokedAt != nil && !k.RevokedAt.After(*was.RevokedAt)
	return same && revoked && k.NotBefore.Equal(was.NotBefore) && !k.NotAfter.After(was.NotAfter)
}

// Validate checks a document's form: an id must be that of the key's purpose and bytes.
func (d Document) Validate() error {
	var p fault.Places
	p.Require(d.Format == Format, "format", "format.unknown")
	p.Require(d.Origin != "", "origin", "origin.missing")
	p.Require(d.Serial >= 1, "serial", "serial.invalid")
	p.Require(!d.Issued.IsZero(), "issued", "time.invalid")
	for i, k := range d.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		same := func(o Key) bool { return o.ID == k.ID || slices.Equal(o.Public, k.Public) }
		p.Require(!slices.ContainsFunc(d.Keys[:i], same), at, "key.duplicate") // one key, one purpose
		k.check(&p, at)
	}
	return p.Err("trust.invalid")
}

func (k Key) check(p *fault.Places, at string) {
	p.Require(slices.Contains([]Purpose{Checkpoint, Certificate, Wrap}, k.Purpose), at+".purpose", "purpose.unknown")
	want := Ed25519
	if k.Purpose == Wrap {
		want = X25519
	}
	p.Require(k.Alg == want, at+".alg", "alg.not_for_purpose")
	p.Require(len(k.Public) == ed25519.PublicKeySize, at+".public", "public.length")
	p.Require(k.ID == KeyID(k.Purpose, k.Public), at+".id", "id.not_of_key")
	p.Require(!k.NotBefore.IsZero() && k.NotBefore.Before(k.NotAfter), at+".not_after", "validity.invalid")
}
