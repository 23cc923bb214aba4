// Package trace is the log of every decision: its entries, its Merkle tree, the proofs drawn from it and
// their verification without the server.
//
// An entry's body and salt stay in the record, where they can be read, shown and erased. What the log holds
// for ever is the leaf: version, id, time and SHA-256(salt ‖ body). Without the salt a leaf tells nothing of
// its body, so erasing both keeps every proof valid.
//
// The tree is RFC 6962 over SHA-256, laid out as C2SP tlog-tiles with entry bundles, its head signed as a
// C2SP tlog-checkpoint: other people's programs read it. The Sequencer is the only writer; the order of its
// steps is chosen for the crash: tiles first, each written once, then the checkpoint, replaced only by who
// saw the last one. Two writers cannot fork the log: one of them loses.
//
// All but Sequencer, Prove and Verify's reading is pure. Package tilestore keeps the log in S3 or in a folder.
package trace

import (
	"context"
	"errors"
	"fmt"
)

// Reader reads the files of a log by their tlog-tiles path. An absent file is fs.ErrNotExist. It must be safe
// for concurrent use.
type Reader interface {
	Get(ctx context.Context, path string) ([]byte, error)
}

// Storage is where a Sequencer keeps a log. It must be safe for concurrent use.
type Storage interface {
	Reader
	// Put writes a file once, durably. The same bytes there already are success, others ErrForked.
	Put(ctx context.Context, path string, data []byte) error
	// Head returns the checkpoint and a tag for this state of it; no checkpoint: nil, "", nil.
	Head(ctx context.Context) (checkpoint []byte, tag string, err error)
	// Swap replaces the checkpoint whose state is tag ("": there is none) and returns the new tag. ErrStale:
	// it is another by now. After any other error it may have been replaced or not.
	Swap(ctx context.Context, checkpoint []byte, tag string) (next string, err error)
}

// CheckpointPath is where a log's checkpoint lies.
const CheckpointPath = "checkpoint"

// Errors of this package, wrapped with what was being done.
var (
	// ErrStale says that another sequencer moved the log. The caller appends again.
	ErrStale = errors.New("the log moved in between")
	// ErrForked says that other leaves than these were written at their place before. It never heals by
	// itself: somebody has to look.
	ErrForked = errors.New("the log holds other leaves at this place")
	// ErrGap says that leaves begin after the log's end.
	ErrGap = errors.New("leaves missing before these")
	// ErrCorrupt says that stored tiles do not give the signed root.
	ErrCorrupt = errors.New("stored log does not match its checkpoint")
	// ErrProof says that a proof does not hold. It never tells why.
	ErrProof = errors.New("proof does not hold")
	// ErrCheckpoint says that a checkpoint is not signed by a known key of this log, or is none.
	ErrCheckpoint = errors.New("not a checkpoint of this log")
	// ErrLeaf refuses bytes that are no leaf.
	ErrLeaf = errors.New("not a leaf")
	// ErrEntry refuses an entry no leaf can be made of.
	ErrEntry = errors.New("not an entry")
)

// Fault is what verification finds: the first entry that is not proven sound, and why. Index is exact when
// the leaf itself differs, else the first entry below the part that does; all entries before it are sound.
type Fault struct {
	Index  int64
	Reason string // stable: "leaf.differs", "entries.missing", …
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("entry %d: %s", f.Index, f.Reason) }
