// Package keyring seals secrets to public keys and keeps the keeper's keys in files.
//
// Sealing is HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, one shot
// a message. What is sealed is bound to what it is for by info ("sluice/data-key/ID", "sluice/work/ID/FENCE"):
// under any other info it does not open, so a sealed key cannot be moved to another row or another claim.
// Base mode does not say who sealed: the record the sealed bytes stand in does.
//
// Keys are separate by purpose (files.go) and readable by their owner's uid only.
package keyring

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Errors of this package, wrapped with what was being done.
var (
	// ErrSealed says that sealed bytes were altered, or are for another key or another info. It never tells
	// which.
	ErrSealed = errors.New("sealed bytes do not open")
	// ErrKey refuses bytes that are no key of the kind asked for.
	ErrKey = errors.New("not a key of this kind")
	// ErrInfo refuses to seal without saying what for.
	ErrInfo = errors.New("seal without a purpose")
)

// suite is the first byte of sealed bytes: X25519, HKDF-SHA256, AES-256-GCM. The encapsulated key (32 bytes)
// and the ciphertext follow.
const suite = 1

// PublicKey is what secrets are sealed to. The zero value is no key.
type PublicKey struct{ key hpke.PublicKey }

// PrivateKey opens what was sealed to its public key. The zero value is no key.
type PrivateKey struct{ key hpke.PrivateKey }

func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewPrivateKey makes a key: an ephemeral one for a claim or a fetch, or the keeper's for wrapping.
func NewPrivateKey() (PrivateKey, error) {
	k, err := kem().GenerateKey()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("making key: %w", err)
	}
	return PrivateKey{k}, nil
}

// ParsePrivateKey reads the 32 bytes of Bytes.
func ParsePrivateKey(raw []byte) (PrivateKey, error) {
	k, err := kem().NewPrivateKey(raw)
	if err != nil {
		return PrivateKey{}, ErrKey
	}
	return PrivateKey{k}, nil
}

// ParsePublicKey reads the 32 bytes of Bytes.
func ParsePublicKey(raw []byte) (PublicKey, error) {
	k, err := kem().NewPublicKey(raw)
	if err != nil {
		return PublicKey{}, ErrKey
	}
	return PublicKey{k}, nil
}

// Public returns the key others seal to.
func (k PrivateKey) Public() PublicKey {
	if k.key == nil {
		return PublicKey{}
	}
	return PublicKey{k.key.PublicKey()}
}

// Bytes returns the private key itself: 32 bytes, for a key file and nothing else.
func (k PrivateKey) Bytes() ([]byte, error) {
	if k.key == nil {
		return nil, ErrKey
	}
	return k.key.Bytes()
}

// String hides the key.
func (k PrivateKey) String() string { return "private key " + k.Public().ID() }

// GoString hides the key.
func (k PrivateKey) GoString() string { return k.String() }

// Bytes returns the 32 bytes of the key (RFC 7748).
func (k PublicKey) Bytes() []byte {
	if k.key == nil {
		return nil
	}
	return k.key.Bytes()
}

// ID names the key.
func (k PublicKey) ID() string { return KeyID(k.Bytes()) }

// Seal encrypts plaintext to a key, bound to info.
func Seal(to PublicKey, info string, plaintext []byte) ([]byte, error) {
	if to.key == nil {
		return nil, ErrKey
	}
	if info == "" {
		return nil, ErrInfo
	}
	sealed, err := hpke.Seal(to.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return append([]byte{suite}, sealed...), nil
}

// Open decrypts what Seal made for this key and this info.
func Open(key PrivateKey, info string, sealed []byte) ([]byte, error) {
	if key.key == nil {
		return nil, ErrKey
	}
	if len(sealed) == 0 || sealed[0] != suite || info == "" {
		return nil, ErrSealed
	}
	plain, err := hpke.Open(key.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), sealed[1:])
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Derive returns 32 bytes for one label from a master of 32: HKDF-Expand (RFC 5869) with SHA-256, one block.
// Different labels give keys that tell nothing of each other.
func Derive(master []byte, label string) []byte {
	h := hmac.New(sha256.New, master)
	h.Write([]byte("sluice/derive/" + label))
	h.Write([]byte{1})
	return h.Sum(nil)
}

// KeyID names a public key: the first 16 hexadecimal digits of its SHA-256.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}
