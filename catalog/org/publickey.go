package org

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// KeySpec adds a public key of the caller's own in a session that says who they are.
type KeySpec struct {
	// PEM is one block "PUBLIC KEY" (RFC 7468 13) with an ed25519 key (RFC 8410), as openssl pkey -pubout writes it.
	PEM string `json:"pem"`
	// Replaces is the fingerprint of the key whose place it takes once it is admitted; "": none.
	Replaces string `json:"replaces,omitempty"`
}

// maxPEM bounds what is read as a key, in bytes.
const maxPEM = 4 << 10

// Check reads the key of a spec. What holds a private key is refused by that name: its owner should know that it lay here.
func (s KeySpec) Check() (ed25519.PublicKey, error) {
	at := func(code string) (ed25519.PublicKey, error) {
		return nil, fault.Bad("key.invalid", fault.Place{Location: "pem", Code: code})
	}
	if s.Replaces != "" && !name.Digest(s.Replaces).Valid() {
		return nil, fault.Bad("key.invalid", fault.Place{Location: "replaces", Code: "digest.invalid"})
	}
	if strings.Contains(s.PEM, "PRIVATE KEY") {
		return at("key.private")
	}
	block, rest := pem.Decode([]byte(strings.TrimSpace(s.PEM)))
	if len(s.PEM) > maxPEM || block == nil || block.Type != "PUBLIC KEY" || len(strings.TrimSpace(string(rest))) != 0 {
		return at("key.not_pem")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return at("key.not_pem")
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return at("key.not_ed25519")
	}
	return public, nil
}
