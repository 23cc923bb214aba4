package release

import (
	"encoding/json"
	"time"
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
}
