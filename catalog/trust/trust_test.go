package trust_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trust"
)

func private(b byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)) }
func public(b byte) ed25519.PublicKey   { return ed25519.PublicKey(private(b)[32:]) }

func day(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }

func key(b byte, p trust.Purpose, a trust.Alg) trust.Key {
	return trust.Key{ID: trust.KeyID(p, public(b)), Purpose: p, Alg: a, Public: public(b), NotBefore: day(1), NotAfter: day(20)}
}

func document() trust.Document {
	return trust.Document{
		Format: 1, Origin: "sluice.example/trace", Serial: 1, Issued: day(1),
		Keys: []trust.Key{
			key(1, trust.Checkpoint, trust.Ed25519), key(2, trust.Certificate, trust.Ed25519), key(3, trust.Wrap, trust.X25519),
		},
	}
}

func TestVerify(t *testing.T) {
	file, err := document().Sign(private(9))
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	got, err := trust.Verify(file, public(9))
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if diff := cmp.Diff(document(), got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if _, err := trust.Verify(file, public(8)); !errors.Is(err, envelope.ErrSignature) {
		t.Errorf("another root: %v", err)
	}
	other, err := document().Sign(private(8))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Verify(other, public(9)); !errors.Is(err, envelope.ErrSignature) {
		t.Errorf("signed by another: %v", err)
	}
	if _, err := trust.Verify([]byte("{"), public(9)); err == nil {
		t.Error("took half a file")
	}
	if _, err := document().Sign(nil); !errors.Is(err, envelope.ErrKey) {
		t.Errorf("no root: %v", err)
	}
}

func TestKey(t *testing.T) {
	d := document()
	revoked := day(10)
	d.Keys[1].RevokedAt = &revoked
	cert := d.Keys[1].ID
	tests := []struct {
		name string
		id   string
		p    trust.Purpose
		at   time.Time
		want error
	}{
		{"good", cert, trust.Certificate, day(9), nil},
		{"first instant", cert, trust.Certificate, day(1), nil},
		{"too early", cert, trust.Certificate, day(1).Add(-1), trust.ErrTime},
		{"at revocation", cert, trust.Certificate, day(10), trust.ErrRevoked},
		{"past its end", d.Keys[0].ID, trust.Checkpoint, day(20), trust.ErrTime},
		{"another purpose", cert, trust.Checkpoint, day(9), trust.ErrPurpose},
		{"unknown", "certificate-x", trust.Certificate, day(9), trust.ErrUnknown},
	}
	for _, tt := range tests {
		if _, err := d.Key(tt.id, tt.p, tt.at); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestFollows(t *testing.T) {
	early, late := day(5), day(6)
	next := func(change func(*trust.Document)) trust.Document {
		d := document()
		d.Serial = 2
		change(&d)
		return d
	}
	tests := []struct {
		name string
		next trust.Document
		want bool
	}{
		{"more keys", next(func(d *trust.Document) { d.Keys = append(d.Keys, key(4, trust.Certificate, trust.Ed25519)) }), true},
		{"revoked", next(func(d *trust.Document) { d.Keys[0].RevokedAt = &early }), true},
		{"shorter", next(func(d *trust.Document) { d.Keys[0].NotAfter = day(5) }), true},
		{"longer", next(func(d *trust.Document) { d.Keys[0].NotAfter = day(25) }), false},
		{"earlier start", next(func(d *trust.Document) { d.Keys[0].NotBefore = day(1).Add(-1) }), false},
		{"key gone", next(func(d *trust.Document) { d.Keys = d.Keys[1:] }), false},
		{"key swapped", next(func(d *trust.Document) { d.Keys[0].Public = public(5) }), false},
		{"same serial", next(func(d *trust.Document) { d.Serial = 1 }), false},
		{"another installation", next(func(d *trust.Document) { d.Origin = "x" }), false},
	}
	for _, tt := range tests {
		if got := tt.next.Follows(document()); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
	was := next(func(d *trust.Document) { d.Keys[0].RevokedAt = &early })
	unrevoked := next(func(d *trust.Document) { d.Serial = 3 })
	postponed := next(func(d *trust.Document) { d.Serial = 3; d.Keys[0].RevokedAt = &late })
	if unrevoked.Follows(was) || postponed.Follows(was) {
		t.Error("a revocation was taken back")
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		want  string
		spoil func(*trust.Document)
	}{
		{"format", func(d *trust.Document) { d.Format = 0 }},
		{"origin", func(d *trust.Document) { d.Origin = "" }},
		{"serial", func(d *trust.Document) { d.Serial = 0 }},
		{"issued", func(d *trust.Document) { d.Issued = time.Time{} }},
		{"keys[0].id", func(d *trust.Document) { d.Keys[0].ID = "checkpoint-1" }},
		{"keys[0].alg", func(d *trust.Document) { d.Keys[0].Alg = trust.X25519 }},
		{"keys[2].alg", func(d *trust.Document) { d.Keys[2].Alg = trust.Ed25519 }},
		{"keys[0].purpose", func(d *trust.Document) { d.Keys[0] = key(1, "all", trust.Ed25519) }},
		{"keys[0].public", func(d *trust.Document) {
			d.Keys[0].Public = []byte("short")
			d.Keys[0].ID = trust.KeyID(trust.Checkpoint, d.Keys[0].Public)
		}},
		{"keys[0].not_after", func(d *trust.Document) { d.Keys[0].NotAfter = day(1) }},
		{"keys[1]", func(d *trust.Document) { d.Keys[1] = key(1, trust.Certificate, trust.Ed25519) }},
	}
	for _, tt := range tests {
		d := document()
		tt.spoil(&d)
		_, err := d.Sign(private(9))
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Location != tt.want {
			t.Errorf("%s: got %v", tt.want, err)
		}
	}
}
