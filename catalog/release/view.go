package release

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/envelope"
)

// View is a release as it is shown to its parties.
type View struct {
	Number     string     `json:"number"`
	Request    string     `json:"request"`
	Job        string     `json:"job"`
	Output     string     `json:"output"`
	Digest     string     `json:"digest"`
	State      string     `json:"state"`
	CreatedAt  time.Time  `json:"created_at"`
	ReleasedAt *time.Time `json:"released_at,omitempty"`
}

// Package is everything needed to check a product offline, apart from the root key.
type Package struct {
	Release     View            `json:"release"`
	Product     []byte          `json:"product"`     // the released bytes
	Certificate json.RawMessage `json:"certificate"` // envelope.Envelope over Certificate
	Proof       json.RawMessage `json:"proof"`       // trace.Proof of the intent's leaf
	Trust       json.RawMessage `json:"trust"`       // trust.json, signed by the offline root
	// Votes are the two votes, []SignedVote in the order of the certificate. A package of before they were handed out has
	// none: the certificate's digests of them are the keeper's word alone.
	Votes json.RawMessage `json:"votes,omitempty"`
}

// SignedVote is a vote with the voter's own public key, under which it verifies.
type SignedVote struct {
	Envelope  envelope.Envelope `json:"envelope"` // over output.Vote
	PublicKey []byte            `json:"public_key"`
	Origin    string            `json:"origin,omitempty"` // where a passkey was enrolled
}

// Papers are a release's proofs without its bytes.
type Papers struct {
	Release     View               `json:"release"`
	Certificate *envelope.Envelope `json:"certificate,omitempty"` // over Certificate; nil until it has left
	Proof       json.RawMessage    `json:"proof,omitempty"`       // trace.Proof of the intent's leaf
	Trust       json.RawMessage    `json:"trust"`                 // trust.json, signed by the offline root
	Votes       []SignedVote       `json:"votes,omitempty"`       // in the order of the certificate; for parties alone
	Fetches     int64              `json:"fetches"`               // how often parties were given the product
}

// Statement reads what a certificate of our own record says. Its signature is for whoever got it from elsewhere.
func (p Papers) Statement() (c Certificate, err error) {
	if err := canon.Unmarshal(p.Certificate.Payload, &c); err != nil {
		return c, fmt.Errorf("reading certificate: %w", err)
	}
	return c, nil
}

// Notice is a product as everybody may know of it.
type Notice struct {
	Number     string
	Output     string
	Operator   string // name of the organization
	Agency     string // that approved it
	State      string // released or recalled
	ReleasedAt time.Time
}
