// Package image holds the image noun: what the code of Python jobs runs in. An image is its content digest, with the
// digest of the bill of materials it was built from; one person of the platform proposes it, another approves. It is
// pure: no store, no clock.
//
// An approval is half of what lets an image run: the other half is the launcher's administrator, who put its archive
// where the launcher looks. Neither suffices.
package image

import (
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// States of an image.
const (
	Proposed flow.State = "proposed"
	Approved flow.State = "approved"
	Retired  flow.State = "retired"
)

// Flow is the life of an image. A retired one does not come back: propose it under another name.
func Flow() flow.Table {
	const system, security = "platform: system_admin", "platform: security_admin"
	return flow.Table{
		Noun: "image", Title: "Image of Python jobs", Source: "Design 6: images by digest only, approved in the catalogue.",
		States: []flow.State{Proposed, Approved, Retired},
		Ends:   []flow.State{Retired},
		Moves: []flow.Move{
			{From: flow.None, Act: "propose", To: Proposed, Who: system, Rule: "with the digest of its bill of materials"},
			{From: Proposed, Act: "approve", To: Approved, Who: security + ", another person"},
			{From: Proposed, Act: "retire", To: Retired, Who: system + " or security_admin"},
			{From: Approved, Act: "retire", To: Retired, Who: system + " or security_admin", Rule: "jobs in it end within seconds"},
		},
	}
}

// Spec proposes an image.
type Spec struct {
	Name   string `json:"name"`   // slug; jobs may name it
	Digest string `json:"digest"` // of its configuration, as engines compute it: "sha256:…"
	SBOM   string `json:"sbom"`   // digest of its bill of materials
}

// Validate checks what is proposed.
func (s Spec) Validate() error {
	var p fault.Places
	_, err := name.ParseSlug(s.Name)
	p.Require(err == nil, "name", "slug.invalid")
	_, err = name.ParseDigest(s.Digest)
	p.Require(err == nil, "digest", "digest.invalid")
	_, err = name.ParseDigest(s.SBOM)
	p.Require(err == nil, "sbom", "digest.invalid")
	return p.Err("image.invalid")
}

// View is an image as everybody sees it who may run jobs in it or approve them.
type View struct {
	Name       string     `json:"name"`
	Digest     string     `json:"digest"`
	SBOM       string     `json:"sbom"`
	State      string     `json:"state"`
	ProposedBy string     `json:"proposed_by"` // login at the platform
	ProposedAt time.Time  `json:"proposed_at"`
	ApprovedBy string     `json:"approved_by,omitempty"`
	ApprovedAt *time.Time `json:"approved_at,omitempty"`
	RetiredAt  *time.Time `json:"retired_at,omitempty"`
}
