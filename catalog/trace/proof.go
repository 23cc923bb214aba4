package trace

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows that a leaf is in the log a checkpoint signs (RFC 6962 2.1.1). Byte strings are base64.
type Proof struct {
	Version    int         `json:"v"`
	Leaf       []byte      `json:"leaf"`
	Index      int64       `json:"index"`
	Size       int64       `json:"size"`
	Hashes     []tlog.Hash `json:"hashes"`
	Checkpoint string      `json:"checkpoint"`
}

// Consistency shows that a log only grew between two checkpoints (RFC 6962 2.1.2).
type Consistency struct {
	Version int         `json:"v"`
	Old     string      `json:"old"`
	New     string      `json:"new"`
	Hashes  []tlog.Hash `json:"hashes"`
}

// proofVersion is the version of both forms.
const proofVersion = 1

// ParseProof reads a proof's JSON. Members it does not know are refused.
func ParseProof(raw []byte) (Proof, error) {
	var p Proof
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Proof{}, fmt.Errorf("reading proof: %w", err)
	}
	return p, nil
}

// Prove makes the proof of the leaf at index under a checkpoint. What it reads is checked against the
// checkpoint's root: a proof that comes out holds.
func Prove(ctx context.Context, r Reader, c Checkpoint, index int64) (Proof, error) {
	if index < 0 || index >= c.Size {
		return Proof{}, fmt.Errorf("proving entry: %w", ErrGap)
	}
	leaves, err := readBundle(ctx, r, index/width, c.Size)
	if err != nil {
		return Proof{}, fmt.Errorf("proving entry: %w", err)
	}
	path, err := tlog.ProveRecord(c.Size, index, hashes(ctx, r, c))
	if err != nil {
		return Proof{}, fmt.Errorf("proving entry: %w", err)
	}
	p := Proof{
		Version: proofVersion, Leaf: leaves[index%width], Index: index, Size: c.Size,
		Hashes: append([]tlog.Hash{}, path...), Checkpoint: c.Note,
	}
	if err := p.check(c); err != nil {
		return Proof{}, fmt.Errorf("proving entry: %w", err)
	}
	return p, nil
}

// VerifyInclusion checks a proof against nothing but the log's keys and returns the leaf and the checkpoint
// it is under. Whether that leaf is of a certain entry is for VerifyBodies.
func VerifyInclusion(p Proof, keys Keys) (Leaf, Checkpoint, error) {
	c, err := keys.Open(p.Checkpoint)
	if err != nil {
		return Leaf{}, Checkpoint{}, err
	}
	leaf, err := ParseLeaf(p.Leaf)
	if err != nil {
		return Leaf{}, Checkpoint{}, fmt.Errorf("verifying inclusion: %w", err)
	}
	if err := p.check(c); err != nil {
		return Leaf{}, Checkpoint{}, fmt.Errorf("verifying inclusion: %w", err)
	}
	return leaf, c, nil
}

func (p Proof) check(c Checkpoint) error {
	if p.Version != proofVersion || p.Size != c.Size || p.Index < 0 || p.Index >= p.Size {
		return ErrProof
	}
	if tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, tlog.RecordHash(p.Leaf)) != nil {
		return ErrProof
	}
	return nil
}

// ProveConsistency makes the proof that the log under one checkpoint grew out of that under another.
func ProveConsistency(ctx context.Context, r Reader, old, grown Checkpoint) (Consistency, error) {
	if old.Size > grown.Size {
		return Consistency{}, fmt.Errorf("proving consistency: %w", ErrGap)
	}
	out := Consistency{Version: proofVersion, Old: old.Note, New: grown.Note, Hashes: []tlog.Hash{}}
	if old.Size > 0 {
		path, err := tlog.ProveTree(grown.Size, old.Size, hashes(ctx, r, grown))
		if err != nil {
			return Consistency{}, fmt.Errorf("proving consistency: %w", err)
		}
		out.Hashes = append(out.Hashes, path...)
	}
	if err := out.check(old, grown); err != nil {
		return Consistency{}, fmt.Errorf("proving consistency: %w", err)
	}
	return out, nil
}

// VerifyConsistency checks a proof against nothing but the log's keys and returns both checkpoints.
func VerifyConsistency(p Consistency, keys Keys) (old, grown Checkpoint, err error) {
	if old, err = keys.Open(p.Old); err != nil {
		return Checkpoint{}, Checkpoint{}, err
	}
	if grown, err = keys.Open(p.New); err != nil {
		return Checkpoint{}, Checkpoint{}, err
	}
	if err = p.check(old, grown); err != nil {
		return Checkpoint{}, Checkpoint{}, fmt.Errorf("verifying consistency: %w", err)
	}
	return old, grown, nil
}

func (p Consistency) check(old, grown Checkpoint) error {
	if p.Version != proofVersion || old.Size > grown.Size {
		return ErrProof
	}
	if old.Size == 0 {
		return nil // everything grows out of nothing
	}
	if tlog.CheckTree(p.Hashes, grown.Size, grown.Root, old.Size, old.Root) != nil {
		return ErrProof
	}
	return nil
}
