// Package release holds the release noun: a product that left, and the certificate that lets anyone check it
// with nothing but the product, trust.json and the root key. It is pure: no store, no clock.
package release

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// CertificateFormat is the version of the certificate's form.
const CertificateFormat = 1

// CertificateType is the signature domain of certificates.
const CertificateType envelope.Type = "application/vnd.sluice.certificate.v1+json"

// Certificate says what was released, what it was made from and by whose votes, and which entry of the trace
// recorded the intent to release it before it left. It names no person.
type Certificate struct {
	Format  int           `json:"format"`
	Release name.Number   `json:"release"` // D-2026-0001
	Output  string        `json:"output"`  // name of the output
	Product name.Digest   `json:"product"` // of the released bytes
	Size    int64         `json:"size"`    // bytes
	Job     name.Number   `json:"job"`
	Code    name.Digest   `json:"code"` // of the canonical job package
	Inputs  []Input       `json:"inputs"`
	Votes   []name.Digest `json:"votes"` // of the two vote envelopes, operator's seat first
	Policy  string        `json:"policy"`
	RuleSet string        `json:"rule_set"`
	Trace   Entry         `json:"trace"`
	Issued  time.Time     `json:"issued"` // UTC, whole seconds
	Key     string        `json:"key"`    // id in trust.json
}

// Input is one dataset version the product was made from.
type Input struct {
	Dataset  name.Slug   `json:"dataset"`
	Version  int         `json:"version"`
	Manifest name.Digest `json:"manifest"`
	Grant    name.Number `json:"grant"`
}

// Entry places the intent in the trace: leaf Index of a tree of Size leaves with hash Root, whose signed
// checkpoint and inclusion proof travel beside the certificate. Hashes are RFC 6962's, as digests.
type Entry struct {
	Origin string      `json:"origin"` // of the log
	Index  int64       `json:"index"`
	Leaf   name.Digest `json:"leaf"`
	Size   int64       `json:"size"`
	Root   name.Digest `json:"root"`
}

// Sign validates c and seals it with the certificate key, whose id becomes c.Key.
func (c Certificate) Sign(keyID string, key ed25519.PrivateKey) (envelope.Envelope, error) {
	c.Key, c.Issued = keyID, c.Issued.UTC().Truncate(time.Second)
	return envelope.Seal(CertificateType, key, c)
}

// SignedWith is the id of the key.
func (c Certificate) SignedWith() string { return c.Key }

// Open verifies an envelope under the key trust.json gives for its key id and returns the certificate. The
// caller asks trust.json whether that key may sign certificates at the time Issued.
func Open(e envelope.Envelope, pub ed25519.PublicKey) (Certificate, error) {
	return envelope.Unseal[Certificate](e, CertificateType, pub)
}

// Describes reports whether the certificate is about these bytes.
func (c Certificate) Describes(product []byte) bool {
	return int64(len(product)) == c.Size && name.DigestOf(product) == c.Product
}

// Validate checks a certificate's form.
func (c Certificate) Validate() error {
	var p fault.Places
	p.Require(c.Format == CertificateFormat, "format", "format.unknown")
	p.Require(numbered(name.Release, c.Release), "release", "number.invalid")
	p.Require(numbered(name.Job, c.Job), "job", "number.invalid")
	p.Require(name.IsIdent(c.Output), "output", "name.invalid")
	p.Require(c.Product.Valid(), "product", "digest.invalid")
	p.Require(c.Code.Valid(), "code", "digest.invalid")
	p.Require(c.Size >= 0, "size", "size.negative")
	p.Require(c.Policy != "", "policy", "revision.missing")
	p.Require(c.RuleSet != "", "rule_set", "rule_set.missing")
	p.Require(c.Key != "", "key", "key.missing")
	p.Require(!c.Issued.IsZero() && c.Issued.Equal(c.Issued.Truncate(time.Second)), "issued", "time.invalid")
	p.Require(len(c.Votes) == 2 && c.Votes[0] != c.Votes[1], "votes", "votes.two")
	for i, v := range c.Votes {
		p.Require(v.Valid(), fmt.Sprintf("votes[%d]", i), "digest.invalid")
	}
	p.Require(len(c.Inputs) > 0, "inputs", "inputs.missing")
	for i, in := range c.Inputs {
		in.check(&p, fmt.Sprintf("inputs[%d]", i))
	}
	c.Trace.check(&p)
	return p.Err("certificate.invalid")
}

func (in Input) check(p *fault.Places, at string) {
	_, err := name.ParseSlug(string(in.Dataset))
	p.Require(err == nil, at+".dataset", "slug.invalid")
	p.Require(in.Version >= 1, at+".version", "version.invalid")
	p.Require(in.Manifest.Valid(), at+".manifest", "digest.invalid")
	p.Require(numbered(name.Grant, in.Grant), at+".grant", "number.invalid")
}

func (e Entry) check(p *fault.Places) {
	p.Require(e.Origin != "", "trace.origin", "origin.missing")
	p.Require(e.Index >= 0 && e.Index < e.Size, "trace.index", "index.outside_tree")
	p.Require(e.Leaf.Valid(), "trace.leaf", "digest.invalid")
	p.Require(e.Root.Valid(), "trace.root", "digest.invalid")
}

func numbered(k name.Kind, n name.Number) bool {
	_, err := name.ParseNumberOf(k, string(n))
	return err == nil
}
