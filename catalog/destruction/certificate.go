package destruction

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// CertificateFormat is the version of the certificate's form.
const CertificateFormat = 1

// CertificateType is the signature domain of destruction certificates.
const CertificateType envelope.Type = "application/vnd.sluice.destruction.v1+json"

// Certificate says which version was destroyed by erasing which keys, on whose word, and which entry of the trace
// recorded it. People stand in it as they do in the trace: by keyed hashes.
type Certificate struct {
	Format   int           `json:"format"`
	Dataset  name.Slug     `json:"dataset"`
	Version  int           `json:"version"`
	Provider name.Number   `json:"provider"` // ORG-0001
	Manifest name.Digest   `json:"manifest"`
	Parts    []name.Digest `json:"parts"`          // that lay under the erased keys
	Kept     []name.Digest `json:"kept,omitempty"` // parts it shared with versions before it, which live on there
	Keys     []name.ID     `json:"keys"`           // of erased data keys, in order
	Reason   Reason        `json:"reason"`
	Asked    Deed          `json:"asked"`
	Approved Deed          `json:"approved"`
	Erased   time.Time     `json:"erased"` // UTC, whole seconds
	Trace    Entry         `json:"trace"`
	Issued   time.Time     `json:"issued"` // UTC, whole seconds
	Key      string        `json:"key"`    // id in trust.json
}

// Deed is who did one half of it, and when.
type Deed struct {
	By string    `json:"by"` // as the trace names the person
	At time.Time `json:"at"` // UTC, whole seconds
}

// Entry places the erasure in the trace: leaf Index of a tree of Size leaves with hash Root. Hashes are RFC 6962's, as
// digests.
type Entry struct {
	Origin string      `json:"origin"` // of the log
	Index  int64       `json:"index"`
	Leaf   name.Digest `json:"leaf"`
	Size   int64       `json:"size"`
	Root   name.Digest `json:"root"`
}

// Sign validates c and seals it with the certificate key, whose id becomes c.Key.
func (c Certificate) Sign(keyID string, key ed25519.PrivateKey) (envelope.Envelope, error) {
	c.Format, c.Key = CertificateFormat, keyID
	for _, at := range []*time.Time{&c.Asked.At, &c.Approved.At, &c.Erased, &c.Issued} {
		*at = at.UTC().Truncate(time.Second)
	}
	return envelope.Seal(CertificateType, key, c)
}

// SignedWith is the id of the key.
func (c Certificate) SignedWith() string { return c.Key }

// Open verifies an envelope under the key trust.json gives for its key id and returns the certificate. The caller
// asks trust.json whether that key may sign certificates at the time Issued.
func Open(e envelope.Envelope, pub ed25519.PublicKey) (Certificate, error) {
	return envelope.Unseal[Certificate](e, CertificateType, pub)
}

// Validate checks a certificate's form.
func (c Certificate) Validate() error {
	var p fault.Places
	p.Require(c.Format == CertificateFormat, "format", "format.unknown")
	_, err := name.ParseSlug(string(c.Dataset))
	p.Require(err == nil, "dataset", "slug.invalid")
	p.Require(c.Version >= 1, "version", "version.invalid")
	_, err = name.ParseNumberOf(name.Organization, string(c.Provider))
	p.Require(err == nil, "provider", "number.invalid")
	p.Require(c.Manifest.Valid(), "manifest", "digest.invalid")
	p.Require(len(c.Parts) > 0, "parts", "parts.missing")
	for at, digests := range map[string][]name.Digest{"parts": c.Parts, "kept": c.Kept} {
		for i, d := range digests {
			p.Require(d.Valid(), fmt.Sprintf("%s[%d]", at, i), "digest.invalid")
		}
	}
	c.checkKeys(&p)
	p.Require(slices.Contains(Reasons(), c.Reason), "reason", "ground.not_listed")
	p.Require(c.Asked.By != "", "asked.by", "person.missing")
	p.Require(c.Approved.By != "" && c.Approved.By != c.Asked.By, "approved.by", "person.same")
	p.Require(!c.Asked.At.IsZero() && !c.Approved.At.Before(c.Asked.At) && !c.Erased.Before(c.Approved.At) &&
		!c.Issued.Before(c.Erased), "issued", "time.invalid")
	p.Require(c.Trace.Origin != "", "trace.origin", "origin.missing")
	p.Require(c.Trace.Index >= 0 && c.Trace.Index < c.Trace.Size, "trace.index", "index.outside_tree")
	p.Require(c.Trace.Leaf.Valid() && c.Trace.Root.Valid(), "trace", "digest.invalid")
	p.Require(c.Key != "", "key", "key.missing")
	return p.Err("certificate.invalid")
}

func (c Certificate) checkKeys(p *fault.Places) {
	p.Require(len(c.Keys) > 0, "keys", "keys.missing")
	for i, k := range c.Keys {
		_, err := name.ParseID(string(k))
		p.Require(err == nil, fmt.Sprintf("keys[%d]", i), "id.invalid")
		p.Require(i == 0 || c.Keys[i-1] < k, fmt.Sprintf("keys[%d]", i), "keys.order")
	}
}
