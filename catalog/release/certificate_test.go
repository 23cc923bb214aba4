package release_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/release"
)

const keyID = "certificate-0123456789abcdef"

func key(b byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)) }
func pub(b byte) ed25519.PublicKey  { return ed25519.PublicKey(key(b)[32:]) }

func certificate() release.Certificate {
	d := func(s string) name.Digest { return name.DigestOf([]byte(s)) }
	return release.Certificate{
		Format: 1, Release: "D-2026-0001", Output: "visits_by_plan", Product: d("a,b\n"), Size: 4, Job: "J-2026-0117", Code: d("code"),
		Inputs: []release.Input{{Dataset: "health-visits", Version: 1, Manifest: d("manifest"), Grant: "G-2026-0001"}},
		Votes:  []name.Digest{d("v1"), d("v2")}, Policy: "rev1", RuleSet: "cq-2025-04-08",
		Trace:  release.Entry{Origin: "sluice.example/trace", Index: 41, Leaf: d("leaf"), Size: 42, Root: d("root")},
		Issued: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Key: keyID,
	}
}

func TestCertificate(t *testing.T) {
	e, err := certificate().Sign(keyID, key(1))
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	c, err := release.Open(e, pub(1))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if diff := cmp.Diff(certificate(), c); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// The form must last: a changed digest here is a changed format.
	if got, want := name.DigestOf(e.Payload), name.Digest("sha256:e09c958183cb097c947b41718a16491e726bcee6145c97dc5499df5b6a9a13ad"); got != want {
		t.Errorf("payload digest %s, want %s\n%s", got, want, e.Payload)
	}
	if !c.Describes([]byte("a,b\n")) || c.Describes([]byte("a,c\n")) || c.Describes([]byte("a,b\n\n")) || c.Describes(nil) {
		t.Error("Describes")
	}
}

func TestOpenRefuses(t *testing.T) {
	e, err := certificate().Sign(keyID, key(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Open(e, pub(2)); !errors.Is(err, envelope.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	flipped := e
	flipped.Payload = bytes.Clone(e.Payload)
	flipped.Payload[len(flipped.Payload)/2] ^= 1
	if _, err := release.Open(flipped, pub(1)); !errors.Is(err, envelope.ErrSignature) {
		t.Errorf("one flipped byte: %v", err)
	}
	// The key id outside the signature is what trust.json is asked for: it must be the one inside.
	relabelled := e
	relabelled.Key = "certificate-fedcba9876543210"
	if _, err := release.Open(relabelled, pub(1)); !errors.Is(err, envelope.ErrKey) {
		t.Errorf("another key id: %v", err)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		want  string
		spoil func(*release.Certificate)
	}{
		{"format", func(c *release.Certificate) { c.Format = 2 }},
		{"release", func(c *release.Certificate) { c.Release = "J-2026-0117" }},
		{"job", func(c *release.Certificate) { c.Job = "" }},
		{"output", func(c *release.Certificate) { c.Output = "a/b" }},
		{"product", func(c *release.Certificate) { c.Product = "" }},
		{"code", func(c *release.Certificate) { c.Code = "" }},
		{"size", func(c *release.Certificate) { c.Size = -1 }},
		{"policy", func(c *release.Certificate) { c.Policy = "" }},
		{"rule_set", func(c *release.Certificate) { c.RuleSet = "" }},
		{"key", func(c *release.Certificate) { c.Key = "" }},
		{"votes", func(c *release.Certificate) { c.Votes = c.Votes[:1] }},
		{"votes", func(c *release.Certificate) { c.Votes[1] = c.Votes[0] }},
		{"votes[1]", func(c *release.Certificate) { c.Votes[1] = "x" }},
		{"inputs", func(c *release.Certificate) { c.Inputs = nil }},
		{"inputs[0].dataset", func(c *release.Certificate) { c.Inputs[0].Dataset = "" }},
		{"inputs[0].version", func(c *release.Certificate) { c.Inputs[0].Version = 0 }},
		{"inputs[0].manifest", func(c *release.Certificate) { c.Inputs[0].Manifest = "" }},
		{"inputs[0].grant", func(c *release.Certificate) { c.Inputs[0].Grant = "" }},
		{"trace.index", func(c *release.Certificate) { c.Trace.Index = 42 }},
		{"trace.leaf", func(c *release.Certificate) { c.Trace.Leaf = "" }},
		{"trace.root", func(c *release.Certificate) { c.Trace.Root = "" }},
		{"trace.origin", func(c *release.Certificate) { c.Trace.Origin = "" }},
		{"issued", func(c *release.Certificate) { c.Issued = time.Time{} }},
	}
	for _, tt := range tests {
		c := certificate()
		tt.spoil(&c)
		err := c.Validate()
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Location != tt.want {
			t.Errorf("%s: got %v", tt.want, err)
		}
	}
}
