package dataset

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Versions of the manifest's form. Each stays readable and keeps its digest: members a later form added are
// absent in an earlier one.
const (
	ManifestFormat = 2 // of new manifests
	plainParts     = 1 // parts without a name
)

// Manifest lists the bytes of one dataset version. Its digest is what grants, traces and certificates mean
// by "the data": it names parts by their plain content, never by where or under which key they lie, so that
// moving or re-encrypting them changes no manifest.
type Manifest struct {
	Format   int         `json:"format"`
	Dataset  name.Slug   `json:"dataset"`
	Number   int         `json:"number"`   // of the version
	Provider name.Number `json:"provider"` // ORG-0001
	Created  time.Time   `json:"created"`  // UTC, whole seconds
	Columns  []Column    `json:"columns"`
	Units    []Unit      `json:"units"`
	RoundTo  int         `json:"round_to"`
	Parts    []Part      `json:"parts"` // in order; a row lies in exactly one
	Rows     int64       `json:"rows"`  // of all parts
	// Previous is the digest of the manifest before this one; empty for the first version.
	Previous name.Digest `json:"previous,omitempty"`
}

// Part is one immutable Parquet file of a version. The members after Rows came with form 2.
type Part struct {
	Digest name.Digest `json:"digest"` // of the plain bytes
	Size   int64       `json:"size"`   // bytes
	Rows   int64       `json:"rows"`
	// Label names the part among the dataset's: "2026-11". A late correction takes the label of what it corrects.
	Label   string    `json:"label,omitempty"`
	Version int       `json:"version,omitempty"` // the version that added it
	AddedAt time.Time `json:"added_at,omitzero"` // UTC, whole seconds: when that version was published
}

// Location says where a part lies and as what bytes. It belongs to the record, not to the manifest.
type Location struct {
	Part   name.Digest `json:"part"`
	Key    string      `json:"key"` // object key
	Sealed name.Digest `json:"sealed"`
	Size   int64       `json:"size"` // bytes, sealed
}

// Encode validates m and returns its canonical bytes and their digest.
func (m Manifest) Encode() ([]byte, name.Digest, error) {
	m.Created = m.Created.UTC().Truncate(time.Second)
	if m.Units == nil {
		m.Units = []Unit{} // no unit has one spelling
	}
	if err := m.Validate(); err != nil {
		return nil, "", err
	}
	b, err := canon.Marshal(m)
	if err != nil {
		return nil, "", fmt.Errorf("encoding manifest: %w", err)
	}
	return b, name.DigestOf(b), nil
}

// DecodeManifest reads canonical bytes and validates what they say.
func DecodeManifest(b []byte) (Manifest, error) {
	var m Manifest
	if err := canon.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("reading manifest: %w", err)
	}
	return m, m.Validate()
}

// Validate checks a manifest's form and sums.
func (m Manifest) Validate() error {
	var p fault.Places
	p.Require(m.Format == plainParts || m.Format == ManifestFormat, "format", "format.unknown")
	_, err := name.ParseSlug(string(m.Dataset))
	p.Require(err == nil, "dataset", "slug.invalid")
	_, err = name.ParseNumberOf(name.Organization, string(m.Provider))
	p.Require(err == nil, "provider", "number.invalid")
	p.Require(m.Number >= 1, "number", "number.invalid")
	p.Require(!m.Created.IsZero() && m.Created.Equal(m.Created.Truncate(time.Second)), "created", "time.invalid")
	p.Require(m.RoundTo >= 1, "round_to", "round_to.out_of_range")
	p.Require(m.Number != 1 || m.Previous == "", "previous", "previous.invalid") // refused uploads leave no manifest
	p.Require(m.Previous == "" || m.Previous.Valid(), "previous", "digest.invalid")
	checkSchema(&p, m.Columns, m.Units)
	m.checkParts(&p)
	return p.Err("manifest.invalid")
}

func (m Manifest) checkParts(p *fault.Places) {
	rows, seen := int64(0), map[name.Digest]bool{}
	for i, part := range m.Parts {
		at := fmt.Sprintf("parts[%d]", i)
		p.Require(part.Digest.Valid(), at+".digest", "digest.invalid")
		p.Require(!seen[part.Digest], at+".digest", "part.duplicate") // its rows would count twice
		p.Require(part.Size > 0 && part.Rows >= 0, at, "part.size")
		m.checkName(p, at, i)
		seen[part.Digest] = true
		rows += part.Rows
	}
	p.Require(len(m.Parts) > 0, "parts", "parts.missing")
	p.Require(rows == m.Rows, "rows", "rows.sum")
}

// checkName checks what form 2 says of a part, and that form 1 does not.
func (m Manifest) checkName(p *fault.Places, at string, i int) {
	part := m.Parts[i]
	if m.Format == plainParts {
		p.Require(part.Label == "" && part.Version == 0 && part.AddedAt.IsZero(), at, "part.named")
		return
	}
	same := func(o Part) bool { return o.Label == part.Label }
	p.Require(IsLabel(part.Label), at+".label", "label.invalid")
	p.Require(!slices.ContainsFunc(m.Parts[:i], same), at+".label", "label.duplicate")
	p.Require(part.Version >= 1 && part.Version <= m.Number, at+".version", "version.invalid")
	whole := part.AddedAt.Equal(part.AddedAt.UTC().Truncate(time.Second))
	p.Require(!part.AddedAt.IsZero() && whole, at+".added_at", "time.invalid")
}

// ProfileType is the signature domain of a profile statement.
const ProfileType envelope.Type = "application/vnd.sluice.profile.v1+json"

// ProfileStatement is what a steward signs: this profile of this version may be shown, and synthetic tables
// may be made from it.
type ProfileStatement struct {
	Dataset  name.Slug   `json:"dataset"`
	Number   int         `json:"number"`
	Manifest name.Digest `json:"manifest"`
	Profile  name.Digest `json:"profile"` // of the profile's canonical JSON
	Steward  name.ID     `json:"steward"` // member
	At       time.Time   `json:"at"`
}
