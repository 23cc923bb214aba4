// Package envelope seals a statement with a signature and names the scheme, so that other schemes (sm2) can stand
// beside ed25519 and webauthn without a new format.
//
// The signature is over the pre-authentication encoding of DSSE v1 (secure-systems-lab/dsse): it covers the
// statement's type with the bytes, so that a signature made for one purpose never verifies for another. The
// payload is the statement in canonical JSON (package canon) and is carried as it was signed.
package envelope

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/name"
)

// Errors of opening an envelope. None tells more: a forger learns nothing from a refusal.
var (
	ErrType      = errors.New("statement of another type")
	ErrScheme    = errors.New("signature scheme not accepted")
	ErrKey       = errors.New("not a key of the scheme")
	ErrSignature = errors.New("signature does not verify")
)

// Type says what kind of statement is signed: the domain of the signature.
type Type string

// Scheme says how it is signed.
type Scheme string

// The closed list of schemes. What verifies WebAuthn is package passkey.
const (
	Ed25519  Scheme = "ed25519"  // RFC 8032 over the pre-authentication encoding
	WebAuthn Scheme = "webauthn" // a WebAuthn assertion (Level 3, 7.2) whose challenge is Challenge
)

// Envelope is a signed statement. Byte slices are base64 in JSON (RFC 4648 4).
type Envelope struct {
	Type      Type   `json:"type"`
	Scheme    Scheme `json:"scheme"`
	Key       string `json:"key"` // id of the key in the record or in trust.json
	Payload   []byte `json:"payload"`
	Signature []byte `json:"signature"`
	// AuthenticatorData and ClientData are what else a passkey signs, as its browser handed them over: with the
	// scheme webauthn only.
	AuthenticatorData []byte `json:"authenticator_data,omitempty"`
	ClientData        []byte `json:"client_data,omitempty"`
}

// Verifier verifies envelopes under one public key, whatever its scheme. It says nothing about the statement.
type Verifier interface {
	Verify(e Envelope, t Type) error
}

// Ed25519Key verifies envelopes of the scheme ed25519.
type Ed25519Key ed25519.PublicKey

// Verify implements Verifier.
func (k Ed25519Key) Verify(e Envelope, t Type) error { return e.Verify(t, ed25519.PublicKey(k)) }

// Sign seals a statement with an ed25519 key.
func Sign(t Type, keyID string, key ed25519.PrivateKey, statement any) (Envelope, error) {
	if len(key) != ed25519.PrivateKeySize {
		return Envelope{}, ErrKey
	}
	payload, err := canon.Marshal(statement)
	if err != nil {
		return Envelope{}, fmt.Errorf("encoding statement: %w", err)
	}
	sig := ed25519.Sign(key, Encode(t, payload))
	return Envelope{Type: t, Scheme: Ed25519, Key: keyID, Payload: payload, Signature: sig}, nil
}

// Verify checks type, scheme and signature, and nothing of what the statement says.
func (e Envelope) Verify(t Type, pub ed25519.PublicKey) error {
	switch {
	case e.Type != t:
		return ErrType
	case e.Scheme != Ed25519 || e.AuthenticatorData != nil || e.ClientData != nil:
		return ErrScheme
	case len(pub) != ed25519.PublicKeySize:
		return ErrKey
	case !ed25519.Verify(pub, Encode(t, e.Payload), e.Signature):
		return ErrSignature
	}
	return nil
}

// Open verifies e and then reads its statement, which must be canonical and hold no unknown member.
func (e Envelope) Open(t Type, pub ed25519.PublicKey, into any) error {
	return e.OpenWith(t, Ed25519Key(pub), into)
}

// OpenWith is Open under a key of any scheme.
func (e Envelope) OpenWith(t Type, key Verifier, into any) error {
	if err := key.Verify(e, t); err != nil {
		return err
	}
	if err := canon.Unmarshal(e.Payload, into); err != nil {
		return fmt.Errorf("reading signed statement: %w", err)
	}
	return nil
}

// Statement is a statement that names the key it is signed with, and knows its own form.
type Statement interface {
	SignedWith() string
	Validate() error
}

// Seal signs a statement that is of its form, with the key it names.
func Seal[S Statement](t Type, key ed25519.PrivateKey, s S) (Envelope, error) {
	if err := s.Validate(); err != nil {
		return Envelope{}, err
	}
	e, err := Sign(t, s.SignedWith(), key, s)
	if err != nil {
		return Envelope{}, fmt.Errorf("signing statement: %w", err)
	}
	return e, nil
}

// Unseal opens what Seal made: the statement names the key of its envelope, and is of its form.
func Unseal[S Statement](e Envelope, t Type, pub ed25519.PublicKey) (s S, err error) {
	var none S
	if err := e.Open(t, pub, &s); err != nil {
		return none, fmt.Errorf("opening statement: %w", err)
	}
	if s.SignedWith() != e.Key {
		return none, fmt.Errorf("opening statement: %w", ErrKey)
	}
	return s, s.Validate()
}

// Digest names the envelope with its signature.
func (e Envelope) Digest() (name.Digest, error) { return canon.Digest(e) }

// Encode returns the bytes that are signed: "DSSEv1 LEN(type) type LEN(payload) payload".
func Encode(t Type, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(t), t, len(payload)), payload...)
}

// Challenge is what a passkey is asked to sign for a statement: the SHA-256 of the bytes that other schemes sign.
func Challenge(t Type, payload []byte) []byte {
	sum := sha256.Sum256(Encode(t, payload))
	return sum[:]
}
