package release_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/release"
)

func recall() release.Recall {
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	return release.Recall{
		Release: "D-2026-0001", Product: name.DigestOf([]byte("a product")), Reason: release.ReasonDisclosure,
		Recalled: at, Issued: at.Add(time.Second),
	}
}

func TestRecallIsSigned(t *testing.T) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	public, _ := key.Public().(ed25519.PublicKey)
	signed, err := recall().Sign("certificate-1", key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := release.OpenRecall(signed, public)
	if err != nil || got.Product != recall().Product || got.Reason != release.ReasonDisclosure || got.Key != "certificate-1" {
		t.Fatalf("opened %+v, %v", got, err)
	}
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", ed25519.SeedSize)))
	otherPublic, _ := other.Public().(ed25519.PublicKey)
	if _, err := release.OpenRecall(signed, otherPublic); err == nil {
		t.Error("opens under another key")
	}
	moved := signed
	moved.Key = "certificate-2"
	if _, err := release.OpenRecall(moved, public); err == nil {
		t.Error("opens under another key's name")
	}
	bent := signed
	bent.Payload = append([]byte(nil), signed.Payload...)
	bent.Payload[len(bent.Payload)/2] ^= 1
	if _, err := release.OpenRecall(bent, public); err == nil {
		t.Error("opens with another byte")
	}
}

func TestRecallNeedsAReason(t *testing.T) {
	for name, bend := range map[string]func(*release.Recall){
		"reason":  func(r *release.Recall) { r.Reason = "because" },
		"release": func(r *release.Recall) { r.Release = "J-2026-0001" },
		"product": func(r *release.Recall) { r.Product = "sha256:1" },
		"time":    func(r *release.Recall) { r.Issued = r.Recalled.Add(-time.Hour) },
	} {
		r := recall()
		bend(&r)
		if _, err := r.Sign("certificate-1", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))); err == nil {
			t.Errorf("signed with a bad %s", name)
		}
	}
	if err := (release.RecallSpec{Reason: "because"}).Validate(); err == nil {
		t.Error("asked for without a reason of the list")
	}
	for _, reason := range release.Reasons() {
		if err := (release.RecallSpec{Reason: reason}).Validate(); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
