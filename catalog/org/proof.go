package org

import (
	"crypto/ed25519"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// RotationType is the domain of a key rotation's signatures.
const RotationType envelope.Type = "application/vnd.sluice.key-rotation.v1+json"

// RotationStatement says that a key takes another one's place. Both sign it: the old one that its owner means
// it, the new one that its owner holds it.
type RotationStatement struct {
	From string `json:"from"` // fingerprint
	To   string `json:"to"`
	// Certificate is as in OfferStatement, for the new key.
	Certificate string `json:"certificate,omitempty"`
}

// KeyRotation is a new key in the place of an old one.
type KeyRotation struct {
	PublicKey []byte            `json:"public_key"` // the new one: ed25519, 32 bytes
	ByOld     envelope.Envelope `json:"by_old"`
	ByNew     envelope.Envelope `json:"by_new"`
}

// Check verifies both signatures over one statement about exactly these two keys, and returns it.
func (r KeyRotation) Check(old ed25519.PublicKey) (RotationStatement, error) {
	var said, confirmed RotationStatement
	var p fault.Places
	length := len(r.PublicKey) == ed25519.PublicKeySize
	p.Require(length, "public_key", "key.length")
	short := len(r.ByOld.Payload) <= maxStatement && len(r.ByNew.Payload) <= maxStatement
	p.Require(short && r.ByOld.Open(RotationType, old, &said) == nil, "by_old", "signature.invalid")
	p.Require(short && length && r.ByNew.Open(RotationType, r.PublicKey, &confirmed) == nil, "by_new", "signature.invalid")
	if err := p.Err("key.invalid"); err != nil {
		return said, err
	}
	p.Require(said == confirmed, "by_new", "statement.differs")
	p.Require(said.From == Fingerprint(old), "by_old.from", "key.other")
	p.Require(said.To == Fingerprint(r.PublicKey) && said.To != said.From, "by_old.to", "key.other")
	p.Require(certificateName(said.Certificate), "by_old.certificate", "digest.invalid")
	return said, p.Err("key.invalid")
}

// maxStatement bounds a signed statement, in bytes.
const maxStatement = 1024

// certificateName accepts the name of a certificate, or none.
func certificateName(s string) bool { return s == "" || name.Digest(s).Valid() }

// Assertion is a verified proof that somebody holds an admitted key, once (RFC 7523).
type Assertion struct {
	Fingerprint string
	ID          string // jti: counts once
	Expires     time.Time
	Certificate string // digest of the certificate the connection came with; "": none
}
