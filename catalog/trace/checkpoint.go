package trace

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the head of a log, signed (C2SP tlog-checkpoint). The zero value is the head of an empty log.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Note   string // the signed note, as it is stored and shown
}

// Signer signs the checkpoints of one log.
type Signer struct {
	origin string
	signer note.Signer
	keys   Keys
}

// NewSigner returns a signer for the log named origin: a name like "sluice.example.org/trace", without
// scheme, spaces or plus signs, fixed for the log's life. It is also the key's name in the note.
func NewSigner(origin string, key ed25519.PrivateKey) (Signer, error) {
	if len(key) != ed25519.PrivateKeySize {
		return Signer{}, ErrCheckpoint
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return Signer{}, ErrCheckpoint
	}
	encoded := base64.StdEncoding.EncodeToString(append([]byte{noteEd25519}, key.Seed()...))
	text := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, noteKeyHash(origin, public), encoded)
	signer, err := note.NewSigner(text)
	if err != nil {
		return Signer{}, fmt.Errorf("preparing checkpoint key: %w", ErrCheckpoint) // the cause may quote the key
	}
	keys, err := NewKeys(origin, public)
	return Signer{origin: origin, signer: signer, keys: keys}, err
}

// noteEd25519 is the signature type of C2SP signed-note for Ed25519.
const noteEd25519 = 1

// noteKeyHash is the key id of C2SP signed-note.
func noteKeyHash(name string, public ed25519.PublicKey) uint32 {
	text := append([]byte(name+"\n"), noteEd25519)
	sum := sha256.Sum256(append(text, public...))
	return binary.BigEndian.Uint32(sum[:])
}

// sign returns the signed head of a tree.
func (s Signer) sign(size int64, root tlog.Hash) (Checkpoint, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", s.origin, size, root)
	signed, err := note.Sign(&note.Note{Text: text}, s.signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("signing checkpoint: %w", err)
	}
	return Checkpoint{Origin: s.origin, Size: size, Root: root, Note: string(signed)}, nil
}

// Keys are the public keys a log's checkpoints may be signed with: today's and those before it.
type Keys struct {
	origin string
	known  note.Verifiers
}

// NewKeys returns the keys of the log named origin. Which keys were valid when is for trust.json to say.
func NewKeys(origin string, public ...ed25519.PublicKey) (Keys, error) {
	var list []note.Verifier
	for _, p := range public {
		text, err := note.NewEd25519VerifierKey(origin, p)
		if err != nil {
			return Keys{}, fmt.Errorf("reading checkpoint key: %w", err)
		}
		v, err := note.NewVerifier(text)
		if err != nil {
			return Keys{}, fmt.Errorf("reading checkpoint key: %w", err)
		}
		list = append(list, v)
	}
	return Keys{origin: origin, known: note.VerifierList(list...)}, nil
}

// Open verifies a signed checkpoint and reads it. Signatures by unknown keys beside a known one are ignored,
// as are extension lines: later versions and witnesses may add them.
func (k Keys) Open(signed string) (Checkpoint, error) {
	if k.known == nil {
		return Checkpoint{}, ErrCheckpoint
	}
	n, err := note.Open([]byte(signed), k.known)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifying checkpoint: %w", ErrCheckpoint)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil || c.Origin != k.origin {
		return Checkpoint{}, fmt.Errorf("reading checkpoint: %w", ErrCheckpoint)
	}
	c.Note = signed
	return c, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	const least = 4 // origin, size, root, and what follows the last newline
	if len(lines) < least {
		return Checkpoint{}, ErrCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, ErrCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// ReadCheckpoint takes a signed checkpoint apart without verifying it: for a process that reads it from its
// own record. Whoever gets one from elsewhere opens it with Keys.
func ReadCheckpoint(signed string) (Checkpoint, error) {
	c, err := parseCheckpoint(signed)
	c.Note = signed
	return c, err
}
