package trace_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sluicedata/sluice/catalog/trace"
)

func TestProofsAreChecked(t *testing.T) {
	dir, _ := openDir(t)
	s := trace.NewSequencer(dir, signer(t, 1))
	old := extend(t, s, 0, 5)
	c := extend(t, s, 5, 20)
	p, err := trace.Prove(t.Context(), dir, c, 7)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = trace.ParseProof(raw); err != nil {
		t.Fatal(err)
	}
	leaf, under, err := trace.VerifyInclusion(p, keys(t, 9, 1))
	if err != nil || leaf.ID != entry(t, 7).ID || under.Size != 20 {
		t.Fatalf("got %+v, %v", leaf, err)
	}
	for what, change := range map[string]func(*trace.Proof){
		"leaf":        func(p *trace.Proof) { p.Leaf[30] ^= 1 },
		"short leaf":  func(p *trace.Proof) { p.Leaf = p.Leaf[:56] },
		"index":       func(p *trace.Proof) { p.Index++ },
		"negative":    func(p *trace.Proof) { p.Index = -1 },
		"size":        func(p *trace.Proof) { p.Size-- },
		"hash":        func(p *trace.Proof) { p.Hashes[0][0] ^= 1 },
		"fewer":       func(p *trace.Proof) { p.Hashes = p.Hashes[1:] },
		"version":     func(p *trace.Proof) { p.Version = 2 },
		"older head":  func(p *trace.Proof) { p.Checkpoint = old.Note },
		"head's size": func(p *trace.Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n20\n", "\n21\n", 1) },
		"no head":     func(p *trace.Proof) { p.Checkpoint = "" },
	} {
		bad, err := trace.ParseProof(raw)
		if err != nil {
			t.Fatal(err)
		}
		change(&bad)
		if _, _, err := trace.VerifyInclusion(bad, keys(t, 1)); err == nil {
			t.Errorf("%s changed: proof held", what)
		}
	}
	if _, _, err := trace.VerifyInclusion(p, keys(t, 2)); !errors.Is(err, trace.ErrCheckpoint) {
		t.Errorf("another key: got %v", err)
	}
	grown, err := trace.ProveConsistency(t.Context(), dir, old, c)
	if err != nil {
		t.Fatal(err)
	}
	grown.Hashes[0][0] ^= 1
	if _, _, err := trace.VerifyConsistency(grown, keys(t, 1)); !errors.Is(err, trace.ErrProof) {
		t.Errorf("changed consistency: got %v", err)
	}
	if _, err := trace.Prove(t.Context(), dir, c, 20); !errors.Is(err, trace.ErrGap) {
		t.Errorf("past the end: got %v", err)
	}
}

// The checkpoint is the text C2SP asks for, byte for byte.
func TestCheckpointText(t *testing.T) {
	dir, _ := openDir(t)
	c := extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 3)
	root := mth(leaves(t, 0, 3))
	text := fmt.Sprintf("%s\n3\n%s\n", origin, base64.StdEncoding.EncodeToString(root[:]))
	_, public := keyPair(t, 1)
	signed, line, ok := strings.Cut(c.Note, "\n\n— "+origin+" ")
	if !ok || signed+"\n" != text {
		t.Fatalf("note %q", c.Note)
	}
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	if err != nil || len(sig) != 4+64 || !ed25519.Verify(public, []byte(text), sig[4:]) {
		t.Fatalf("signature does not verify: %v", err)
	}
	id := sha256.Sum256(append([]byte(origin+"\n\x01"), public...))
	if !bytes.Equal(id[:4], sig[:4]) {
		t.Fatal("key id is not C2SP's")
	}
}

func TestKeysOpenOnlyTheirLog(t *testing.T) {
	private, public := keyPair(t, 1)
	elsewhere, err := trace.NewSigner("other.test/trace", private)
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := openDir(t)
	c, err := trace.NewSequencer(dir, elsewhere).Append(t.Context(), 0, leaves(t, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys(t, 1).Open(c.Note); !errors.Is(err, trace.ErrCheckpoint) {
		t.Errorf("another log's checkpoint: got %v", err)
	}
	if _, err := (trace.Keys{}).Open(c.Note); !errors.Is(err, trace.ErrCheckpoint) {
		t.Errorf("no keys: got %v", err)
	}
	// A key of this log over another log's text.
	secret, verifier, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(verifier, "+", 3)[2])
	if err != nil {
		t.Fatal(err)
	}
	known, err := trace.NewKeys(origin, raw[1:])
	if err != nil {
		t.Fatal(err)
	}
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for text, want := range map[string]bool{
		origin + "\n1\n" + root + "\n":                  true,
		origin + "\n1\n" + root + "\nextension later\n": true,
		"other.test/trace\n1\n" + root + "\n":           false,
		origin + "\n01\n" + root + "\n":                 false,
		origin + "\n-1\n" + root + "\n":                 false,
		origin + "\n1\nAAAA\n":                          false,
		origin + "\n1\n":                                false,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, mine)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := known.Open(string(signed)); (err == nil) != want {
			t.Errorf("%q: got %v, want opened %v", text, err, want)
		}
	}
	for _, bad := range []string{"", "a b", "a+b"} {
		if _, err := trace.NewKeys(bad, public); err == nil {
			t.Errorf("origin %q passed", bad)
		}
	}
}
