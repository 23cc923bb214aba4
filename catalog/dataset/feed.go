package dataset

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Mode says what a new file is to the data that is there.
type Mode string

// The closed list of modes. Whatever the mode, the version before stays as it was.
const (
	Replace Mode = "replace" // the file is all of the new version
	Append  Mode = "append"  // one more part beside the base's
	Correct Mode = "correct" // in place of one of the base's parts
)

// Publication asks for a new version from a complete upload.
type Publication struct {
	Upload string `json:"upload"` // id
	Mode   Mode   `json:"mode"`
	// Base is the version that is appended to or corrected; 0: the newest available one.
	Base     int    `json:"base,omitempty"`
	Corrects string `json:"corrects,omitempty"` // label of the part that is replaced
	Label    string `json:"label,omitempty"`    // of the new part; "": v and the version's number
}

// Validate checks a publication's form.
func (p Publication) Validate() error {
	var f fault.Places
	_, err := name.ParseID(p.Upload)
	f.Require(err == nil, "upload", "id.invalid")
	p.check(&f)
	return f.Err("publication.invalid")
}

// ValidateMode is Validate for who has not uploaded yet.
func (p Publication) ValidateMode() error {
	var f fault.Places
	p.check(&f)
	return f.Err("publication.invalid")
}

func (p Publication) check(f *fault.Places) {
	f.Require(slices.Contains([]Mode{Replace, Append, Correct}, p.Mode), "mode", "mode.unknown")
	f.Require(p.Base >= 0 && (p.Base == 0 || p.Mode != Replace), "base", "base.not_for_mode")
	f.Require((p.Corrects != "") == (p.Mode == Correct), "corrects", "corrects.not_for_mode")
	f.Require(p.Corrects == "" || IsLabel(p.Corrects), "corrects", "label.invalid")
	f.Require(p.Label == "" || IsLabel(p.Label), "label", "label.invalid")
	f.Require(p.Label == "" || p.Mode != Correct, "label", "label.not_for_mode")
}

// maxLabel is the longest label, in bytes.
const maxLabel = 64

// IsLabel reports whether s can name a part: letters, digits, dots, hyphens and underscores, the first of them a
// letter or a digit.
func IsLabel(s string) bool {
	plain := func(b byte) bool {
		return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
	}
	if s == "" || len(s) > maxLabel || !plain(s[0]) {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(b byte) bool {
		return !plain(b) && b != '.' && b != '-' && b != '_'
	})
}

// Fold returns the parts of a new version: the base's, with the new one beside them or in place of the one it
// corrects. base is nil for a version that stands alone. The new part gets its label here; its other members are
// the caller's.
//
// It fails with Conflict part.unknown when there is nothing to correct, part.duplicate when the same bytes are a
// part already (their rows would count twice), and label.taken.
func (p Publication) Fold(base *Manifest, part Part) ([]Part, error) {
	if part.Label = p.Label; part.Label == "" {
		part.Label = fmt.Sprintf("v%d", part.Version)
	}
	if p.Mode == Replace || base == nil {
		return []Part{part}, nil
	}
	parts := base.Labelled()
	at := slices.IndexFunc(parts, func(o Part) bool { return o.Label == p.Corrects })
	if p.Mode == Correct {
		if at < 0 {
			return nil, fault.New(fault.Conflict, "part.unknown")
		}
		part.Label = p.Corrects
	}
	if slices.ContainsFunc(parts, func(o Part) bool { return o.Digest == part.Digest }) {
		return nil, fault.New(fault.Conflict, "part.duplicate")
	}
	if p.Mode == Correct {
		parts[at] = part
		return parts, nil
	}
	if slices.ContainsFunc(parts, func(o Part) bool { return o.Label == part.Label }) {
		return nil, fault.New(fault.Conflict, "label.taken")
	}
	return append(parts, part), nil
}

// Labelled returns the parts under the names form 2 has: those of form 1 are named after the version they came
// with.
func (m Manifest) Labelled() []Part {
	parts := slices.Clone(m.Parts)
	for i := range parts {
		if parts[i].Label != "" {
			continue
		}
		parts[i].Label, parts[i].Version, parts[i].AddedAt = fmt.Sprintf("v%d", m.Number), m.Number, m.Created
		if len(parts) > 1 {
			parts[i].Label += fmt.Sprintf(".%d", i+1)
		}
	}
	return parts
}

// Stamp is a time as a manifest has it: UTC, whole seconds.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
