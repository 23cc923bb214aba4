package destruction_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

func certificate() destruction.Certificate {
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	digest := name.DigestOf([]byte("bytes"))
	return destruction.Certificate{
		Dataset: "health-visits", Version: 1, Provider: "ORG-0002", Manifest: digest, Parts: []name.Digest{digest},
		Keys:   []name.ID{"019e0000-0000-7000-8000-000000000001", "019e0000-0000-7000-8000-000000000002"},
		Reason: destruction.ReasonRetention, Asked: destruction.Deed{By: "a", At: at}, Approved: destruction.Deed{By: "b", At: at.Add(time.Minute)},
		Erased: at.Add(2 * time.Minute), Issued: at.Add(3 * time.Minute),
		Trace: destruction.Entry{Origin: "sluice/test", Index: 3, Size: 4, Leaf: digest, Root: digest},
	}
}

func TestCertificateIsSigned(t *testing.T) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", ed25519.SeedSize)))
	signed, err := certificate().Sign("certificate-1", key)
	if err != nil {
		t.Fatal(err)
	}
	want := certificate()
	want.Format, want.Key = destruction.CertificateFormat, "certificate-1"
	got, err := destruction.Open(signed, key.Public().(ed25519.PublicKey))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := destruction.Open(signed, other.Public().(ed25519.PublicKey)); err == nil {
		t.Error("opens under another key")
	}
	moved := signed
	moved.Key = "certificate-2"
	if _, err := destruction.Open(moved, key.Public().(ed25519.PublicKey)); err == nil {
		t.Error("opens under another key's name")
	}
}

// A certificate that one person could have made alone, or that names no key, is never signed.
func TestCertificateRefuses(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for place, bend := range map[string]func(*destruction.Certificate){
		"approved.by": func(c *destruction.Certificate) { c.Approved.By = c.Asked.By },
		"asked.by":    func(c *destruction.Certificate) { c.Asked.By = "" },
		"keys":        func(c *destruction.Certificate) { c.Keys = nil },
		"keys[1]":     func(c *destruction.Certificate) { c.Keys[1] = c.Keys[0] },
		"keys[0]":     func(c *destruction.Certificate) { c.Keys[0] = "0" },
		"parts":       func(c *destruction.Certificate) { c.Parts = nil },
		"kept[0]":     func(c *destruction.Certificate) { c.Kept = []name.Digest{"x"} },
		"manifest":    func(c *destruction.Certificate) { c.Manifest = "x" },
		"dataset":     func(c *destruction.Certificate) { c.Dataset = "Ä" },
		"version":     func(c *destruction.Certificate) { c.Version = 0 },
		"provider":    func(c *destruction.Certificate) { c.Provider = "J-2026-0001" },
		"reason":      func(c *destruction.Certificate) { c.Reason = "because" },
		"issued":      func(c *destruction.Certificate) { c.Erased = c.Issued.Add(time.Hour) },
		"trace.index": func(c *destruction.Certificate) { c.Trace.Index = c.Trace.Size },
	} {
		c := certificate()
		bend(&c)
		_, err := c.Sign("certificate-1", key)
		var refused *fault.Error
		if !errors.As(err, &refused) || len(refused.Places) != 1 || refused.Places[0].Location != place {
			t.Errorf("a bad %s: %+v", place, err)
		}
	}
	if err := (destruction.Spec{Reason: "because"}).Validate(); err == nil {
		t.Error("asked for without a reason of the list")
	}
}
