package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/envelope"
)

type note struct {
	What string `json:"what"`
	At   int64  `json:"at"`
}

const noteType envelope.Type = "application/vnd.sluice.note+json"

func key(b byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)) }

func signed(t *testing.T) envelope.Envelope {
	t.Helper()
	e, err := envelope.Sign(noteType, "k1", key(1), note{"x", 7})
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return e
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[32:]) }

func TestOpen(t *testing.T) {
	raw, err := json.Marshal(signed(t))
	if err != nil {
		t.Fatal(err)
	}
	var e envelope.Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	var n note
	if err := e.Open(noteType, public(key(1)), &n); err != nil || n != (note{"x", 7}) {
		t.Fatalf("Open: %v, %+v", err, n)
	}
	if got, want := string(e.Payload), `{"at":7,"what":"x"}`; got != want {
		t.Fatalf("payload %s, want %s", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*envelope.Envelope)
		key   byte
		typ   envelope.Type
		want  error
	}{
		{"flipped payload", func(e *envelope.Envelope) { e.Payload[6] ^= 1 }, 1, noteType, envelope.ErrSignature},
		{"flipped signature", func(e *envelope.Envelope) { e.Signature[0] ^= 1 }, 1, noteType, envelope.ErrSignature},
		{"no signature", func(e *envelope.Envelope) { e.Signature = nil }, 1, noteType, envelope.ErrSignature},
		{"another key", func(*envelope.Envelope) {}, 2, noteType, envelope.ErrSignature},
		{"another purpose", func(*envelope.Envelope) {}, 1, "other", envelope.ErrType},
		{"relabelled", func(e *envelope.Envelope) { e.Type = "other" }, 1, "other", envelope.ErrSignature},
		{"another scheme", func(e *envelope.Envelope) { e.Scheme = "none" }, 1, noteType, envelope.ErrScheme},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := signed(t)
			tt.spoil(&e)
			if err := e.Open(tt.typ, public(key(tt.key)), new(note)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := envelope.Sign(noteType, "k1", nil, note{}); !errors.Is(err, envelope.ErrKey) {
		t.Fatalf("signed without a key: %v", err)
	}
	if err := signed(t).Open(noteType, nil, new(note)); !errors.Is(err, envelope.ErrKey) {
		t.Fatalf("no key: %v", err)
	}
}

// A signer may be honest and its encoder not: a second spelling of a statement must not open.
func TestOpenRefusesOtherSpelling(t *testing.T) {
	e := signed(t)
	e.Payload = []byte(`{"what":"x","at":7}`)
	e.Signature = ed25519.Sign(key(1), envelope.Encode(noteType, e.Payload))
	if err := e.Open(noteType, public(key(1)), new(note)); !errors.Is(err, canon.ErrNotCanonical) {
		t.Fatalf("got %v", err)
	}
}

// The example of the DSSE protocol document.
func TestEncode(t *testing.T) {
	got := string(envelope.Encode("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}
