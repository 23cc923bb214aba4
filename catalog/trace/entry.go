package trace

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/name"
)

// A leaf is 57 bytes, big-endian:
//
//	offset  0  version, 1
//	        1  id of the entry, UUIDv7 (16 bytes)
//	       17  time, milliseconds since 1970 in UTC (int64)
//	       25  SHA-256(salt ‖ body) (32 bytes); salt has 32 bytes, body is canonical JSON
const (
	leafVersion = 1
	// LeafSize is the length of a leaf in bytes.
	LeafSize = 57
	// SaltSize is the length of a salt in bytes.
	SaltSize = 32
)

// Body says what was done. It holds references, codes, counts and digests, never values; people appear as
// PersonHash. Its canonical JSON (RFC 8785) is what the leaf commits to.
type Body struct {
	Version  int               `json:"v"`
	Act      string            `json:"act"` // "job.submit"
	Actor    Actor             `json:"actor"`
	Object   Object            `json:"object"`
	Decision string            `json:"decision"` // allow | deny
	Reasons  []string          `json:"reasons,omitempty"`
	Revision string            `json:"revision,omitempty"` // of the policy bundle
	Refs     map[string]string `json:"refs,omitempty"`     // digests
	Detail   map[string]string `json:"detail,omitempty"`   // codes and counts
}

// Actor says who did it.
type Actor struct {
	Member  string `json:"member,omitempty"` // PersonHash; empty: a process
	Org     string `json:"org,omitempty"`
	Process string `json:"process,omitempty"`
}

// Object says to what.
type Object struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"` // number or id
}

// Decisions a body may hold.
const (
	Allow = "allow"
	Deny  = "deny"
)

// bodyVersion is the version EncodeBody writes.
const bodyVersion = 1

// EncodeBody returns the canonical JSON of a body. It sets the version.
func EncodeBody(b Body) ([]byte, error) {
	if b.Act == "" || b.Decision != Allow && b.Decision != Deny {
		return nil, fmt.Errorf("encoding body: %w", ErrEntry)
	}
	b.Version = bodyVersion
	raw, err := canon.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encoding body: %w", err)
	}
	return raw, nil
}

// DecodeBody reads what EncodeBody wrote.
func DecodeBody(raw []byte) (Body, error) {
	var b Body
	if err := canon.Unmarshal(raw, &b); err != nil {
		return Body{}, fmt.Errorf("decoding body: %w", err)
	}
	if b.Version != bodyVersion {
		return Body{}, fmt.Errorf("decoding body: %w", ErrEntry)
	}
	return b, nil
}

// PersonHash stands for a person: HMAC-SHA-256 under a key of the instance. Without the key nobody can go
// through the members and compare; when the key is destroyed nobody can at all.
func PersonHash(key []byte, member string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("sluice/trace/person/" + member))
	return hex.EncodeToString(h.Sum(nil))
}

// Entry is one entry as the record keeps it. Salt and Body are both nil once erased.
type Entry struct {
	ID   string // UUIDv7
	Time time.Time
	Salt []byte
	Body []byte // canonical JSON
}

// Erased tells whether the entry's content is gone.
func (e Entry) Erased() bool { return e.Salt == nil && e.Body == nil }

// Leaf returns the entry's leaf. An erased entry has none any more: its leaf is in the record and the log.
func (e Entry) Leaf() ([]byte, error) {
	id, err := uuid.Parse(e.ID)
	if err != nil || id.Version() != 7 || len(e.Salt) != SaltSize || len(e.Body) == 0 {
		return nil, fmt.Errorf("making leaf: %w", ErrEntry)
	}
	h := sha256.New()
	h.Write(e.Salt)
	h.Write(e.Body)
	leaf := make([]byte, 0, LeafSize)
	leaf = append(leaf, leafVersion)
	leaf = append(leaf, id[:]...)
	leaf = binary.BigEndian.AppendUint64(leaf, uint64(e.Time.UnixMilli()))
	return h.Sum(leaf), nil
}

// LeafHash is the RFC 6962 hash of a leaf: what the tree holds of it, and what a certificate names.
func LeafHash(leaf []byte) name.Digest {
	h := tlog.RecordHash(leaf)
	return name.Digest(fmt.Sprintf("sha256:%x", h[:]))
}

// Leaf is a leaf taken apart.
type Leaf struct {
	ID   string
	Time time.Time // UTC, to the millisecond
	Hash [sha256.Size]byte
}

// ParseLeaf takes a leaf apart.
func ParseLeaf(raw []byte) (Leaf, error) {
	if len(raw) != LeafSize || raw[0] != leafVersion {
		return Leaf{}, ErrLeaf
	}
	id := uuid.UUID(raw[1:17])
	if id.Version() != 7 {
		return Leaf{}, ErrLeaf
	}
	ms := int64(binary.BigEndian.Uint64(raw[17:25]))
	return Leaf{ID: id.String(), Time: time.UnixMilli(ms).UTC(), Hash: [32]byte(raw[25:])}, nil
}

// VerifyBodies compares entries with their leaves, the first of which has index first, and counts the erased
// ones, of which id and time are compared alone. A difference is a *Fault.
func VerifyBodies(first int64, leaves [][]byte, entries []Entry) (erased int, err error) {
	if len(leaves) != len(entries) {
		return 0, &Fault{first + int64(min(len(leaves), len(entries))), "entries.count"}
	}
	for i, e := range entries {
		if reason := compareBody(leaves[i], e); reason != "" {
			return erased, &Fault{first + int64(i), reason}
		}
		if e.Erased() {
			erased++
		}
	}
	return erased, nil
}

// compareBody tells why an entry is not the one of a leaf; "": it is.
func compareBody(raw []byte, e Entry) string {
	leaf, err := ParseLeaf(raw)
	if err != nil {
		return "leaf.malformed"
	}
	if leaf.ID != e.ID || leaf.Time.UnixMilli() != e.Time.UnixMilli() {
		return "entry.differs"
	}
	if e.Erased() {
		return ""
	}
	made, err := e.Leaf()
	if err != nil || !bytes.Equal(made, raw) {
		return "body.differs"
	}
	return ""
}
