package release

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// RecallFormat is the version of the statement's form.
const RecallFormat = 1

// RecallType is the signature domain of recall statements.
const RecallType envelope.Type = "application/vnd.sluice.recall.v1+json"

// Reason says why a product is taken back.
type Reason string

// The closed list of reasons.
const (
	ReasonError      Reason = "error"      // the product is wrong
	ReasonRights     Reason = "rights"     // it should not have been made
	ReasonDisclosure Reason = "disclosure" // it may tell of a person
	ReasonLaw        Reason = "law"        // an authority orders it
)

// Reasons lists every reason.
func Reasons() []Reason { return []Reason{ReasonError, ReasonRights, ReasonDisclosure, ReasonLaw} }

// RecallSpec asks for a recall.
type RecallSpec struct {
	Reason Reason `json:"reason"`
}

// Validate checks what was asked for.
func (s RecallSpec) Validate() error {
	var p fault.Places
	p.Require(slices.Contains(Reasons(), s.Reason), "reason", "reason.unknown")
	return p.Err("recall.invalid")
}

// Recall is what the keeper signs about a product that was taken back. It names no person.
type Recall struct {
	Format   int         `json:"format"`
	Release  name.Number `json:"release"`
	Product  name.Digest `json:"product"`
	Reason   Reason      `json:"reason"`
	Recalled time.Time   `json:"recalled"` // UTC, whole seconds
	Issued   time.Time   `json:"issued"`   // UTC, whole seconds
	Key      string      `json:"key"`      // id in trust.json
}

// Sign validates r and seals it with the certificate key, whose id becomes r.Key.
func (r Recall) Sign(keyID string, key ed25519.PrivateKey) (envelope.Envelope, error) {
	r.Format, r.Key = RecallFormat, keyID
	r.Recalled, r.Issued = r.Recalled.UTC().Truncate(time.Second), r.Issued.UTC().Truncate(time.Second)
	return envelope.Seal(RecallType, key, r)
}

// SignedWith is the id of the key.
func (r Recall) SignedWith() string { return r.Key }

// OpenRecall verifies an envelope under the key trust.json gives for its key id. The caller asks trust.json whether
// that key might sign at the time Issued.
func OpenRecall(e envelope.Envelope, pub ed25519.PublicKey) (Recall, error) {
	return envelope.Unseal[Recall](e, RecallType, pub)
}

// Validate checks a statement's form.
func (r Recall) Validate() error {
	var p fault.Places
	p.Require(r.Format == RecallFormat, "format", "format.unknown")
	p.Require(numbered(name.Release, r.Release), "release", "number.invalid")
	p.Require(r.Product.Valid(), "product", "digest.invalid")
	p.Require(slices.Contains(Reasons(), r.Reason), "reason", "reason.unknown")
	p.Require(!r.Recalled.IsZero() && !r.Issued.Before(r.Recalled), "issued", "time.invalid")
	p.Require(r.Key != "", "key", "key.missing")
	return p.Err("recall.invalid")
}
