package client_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
)

// proven is an entry of the trace as the console serves it to the page that proves it.
type proven struct {
	ID    string          `json:"id"`
	At    int64           `json:"at"` // milliseconds since 1970
	Salt  []byte          `json:"salt,omitempty"`
	Body  []byte          `json:"body,omitempty"`
	Proof trace.Proof     `json:"proof"`
	Trust json.RawMessage `json:"trust"`
}

// entry makes a log of three entries, and proves the second.
func (v *vault) entry(t *testing.T) proven {
	t.Helper()
	dir, err := tilestore.OpenDir(t.TempDir())
	must(t, err)
	defer dir.Close()
	signer, err := trace.NewSigner(v.document.Origin, v.checkpoint)
	must(t, err)
	var leaves [][]byte
	var entries []trace.Entry
	for range 3 {
		entry := trace.Entry{ID: name.NewID().String(), Time: v.issued, Salt: bytes.Repeat([]byte{7}, trace.SaltSize), Body: []byte(`{"act":"release.get","decision":"allow","object":{"kind":"release","name":"D-2026-0001"}}`)}
		leaf, err := entry.Leaf()
		must(t, err)
		leaves, entries = append(leaves, leaf), append(entries, entry)
	}
	head, err := trace.NewSequencer(dir, signer).Append(t.Context(), 0, leaves)
	must(t, err)
	proof, err := trace.Prove(t.Context(), dir, head, 1)
	must(t, err)
	document, err := v.document.Sign(v.root)
	must(t, err)
	e := entries[1]
	return proven{ID: e.ID, At: e.Time.UnixMilli(), Salt: e.Salt, Body: e.Body, Proof: proof, Trust: document}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// proves has the browser prove an entry. Its page does not begin by itself: its reader presses the button.
func (p *page) proves(t *testing.T, e proven, root ed25519.PublicKey) (holds bool, failed string) {
	t.Helper()
	p.key, p.proofs = root, e
	p.tab.Open(p.url + "/entry")
	if said := p.tab.Tell(`document.querySelector('.verdict').textContent`); said != "" {
		t.Errorf("before it is asked the page says %q", said)
	}
	p.tab.Click("again")
	return p.verdict(t)
}

// TestPageProvesEntries: the page proves an entry of the trace whole, and says which check fails when a byte of it is
// another. What is erased is still in the log.
func TestPageProvesEntries(t *testing.T) {
	v, other, p := newVault(t), newVault(t), newPage(t)
	second := v.entry(t) // of another log under the same keys
	for what, c := range map[string]struct {
		change func(*proven)
		failed string
	}{
		"whole":                  {func(*proven) {}, ""},
		"erased":                 {func(e *proven) { e.Salt, e.Body = nil, nil }, ""},
		"a byte of the body":     {func(e *proven) { e.Body[2] ^= 1 }, "body"},
		"a longer body":          {func(e *proven) { e.Body = append(e.Body, '\n') }, "body"},
		"a byte of the salt":     {func(e *proven) { e.Salt[0] ^= 1 }, "body"},
		"a byte of the id":       {func(e *proven) { e.ID = e.ID[:35] + flipped(e.ID[35:]) }, "body"},
		"a millisecond":          {func(e *proven) { e.At++ }, "body"},
		"another version's leaf": {func(e *proven) { e.Proof.Leaf[0] ^= 1 }, "body,path"},
		"a byte of the leaf":     {func(e *proven) { e.Proof.Leaf[40] ^= 1 }, "body,path"},
		"a byte of the path":     {func(e *proven) { e.Proof.Hashes[0][0] ^= 1 }, "path"},
		"another place":          {func(e *proven) { e.Proof.Index = 0 }, "path"},
		"another size":           {func(e *proven) { e.Proof.Size = 4 }, "checkpoint"},
		"a byte of the root":     {func(e *proven) { e.Proof.Checkpoint = otherRoot(e.Proof.Checkpoint) }, "path,checkpoint"},
		"another log's proof":    {func(e *proven) { e.Proof = second.Proof }, "body"},
		"another root's trust":   {func(e *proven) { e.Trust = other.entry(t).Trust }, "path,checkpoint,trust"},
		"a revoked key":          {func(e *proven) { e.Trust = v.revoked(t) }, "path,checkpoint"},
	} {
		e := v.entry(t)
		p.about = e.ID
		c.change(&e)
		if holds, failed := p.proves(t, e, public(v.root)); failed != c.failed || holds != (failed == "") {
			t.Errorf("%s: the page says %t, failing %q, not %q", what, holds, failed, c.failed)
		}
	}
	p.about = second.ID
	if holds, failed := p.proves(t, v.entry(t), public(v.root)); holds || failed != "body" {
		t.Errorf("another entry's whole proof: the page says %t, failing %q", holds, failed)
	}
	if told := p.tells(t, second); told != "release.get D-2026-0001 allow" {
		t.Errorf("the page tells of the entry %q", told)
	}
	if holds, failed := p.proves(t, second, public(other.root)); holds || failed != "trust" {
		t.Errorf("under another root the page says %t, failing %q", holds, failed)
	}
}

// tells is what the page says that the entry is.
func (p *page) tells(t *testing.T, e proven) string {
	t.Helper()
	p.proves(t, e, p.key)
	return p.tab.Tell(`document.querySelector('[data-check=body] .told').textContent`)
}

// flipped is another hexadecimal digit.
func flipped(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

// otherRoot is a checkpoint in which the root has another first character.
func otherRoot(checkpoint string) string {
	lines := strings.SplitN(checkpoint, "\n", 4)
	first := "A"
	if strings.HasPrefix(lines[2], first) {
		first = "B"
	}
	lines[2] = first + lines[2][1:]
	return strings.Join(lines, "\n")
}

// revoked is trust.json in which the log's key signs no newest checkpoint any more.
func (v *vault) revoked(t *testing.T) json.RawMessage {
	t.Helper()
	now := v.issued.Add(time.Hour)
	document := v.document
	document.Keys = append(document.Keys[:1:1], v.document.Keys[1])
	document.Keys[1].RevokedAt = &now
	signed, err := document.Sign(v.root)
	must(t, err)
	return signed
}
