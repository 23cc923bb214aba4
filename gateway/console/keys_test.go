package console_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
)

// madeKey makes a pair, and the public half as a page takes it.
func madeKey(t *testing.T) (private ed25519.PrivateKey, fingerprint, text string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return private, org.Fingerprint(public), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestClientKeys: a public key is added in a strong session, counts once an administrator admitted it, and then ends the
// one whose place it takes; nobody replaces another's.
func TestClientKeys(t *testing.T) {
	w := newTown(t)
	officer := w.signedIn(t, "officer")
	private, fingerprint, text := madeKey(t)
	before := w.keys["officer"].Fingerprint()
	officer.get(t, "/keys").shows(t, "the keys", before, "已准入")
	officer.act(t, "/keys/add", once("pem", text)).refused(t, "a weak session", 403, "session.strength", "BEGIN PUBLIC KEY")
	officer.strong(t, "officer")
	officer.act(t, "/keys/add", once("pem", "my key", "once", "123456789abcdef0")).refused(t, "no key", 422, "key.not_pem")
	officer.act(t, "/keys/add", once("pem", text, "replaces", w.keys["developer"].Fingerprint(), "once", "23456789abcdef01")).refused(t, "in another's place", 404)
	added := once("pem", text, "replaces", before, "once", "3456789abcdef012")
	officer.act(t, "/keys/add", added).leads(t, "the key", "/keys")
	officer.act(t, "/keys/add", added).leads(t, "the same form again", "/keys")
	officer.get(t, "/keys").shows(t, "the keys", fingerprint, "接替")
	if _, err := w.Client(private).Whoami(t.Context()); err == nil {
		t.Error("a key nobody admitted counts")
	}
	if _, err := w.keys["officer"].Whoami(t.Context()); err != nil {
		t.Errorf("the old one until then: %v", err)
	}
	if _, err := w.keys["developer"].Keys.Admit(t.Context(), fingerprint); err != nil {
		t.Fatal(err)
	}
	if me, err := w.Client(private).Whoami(t.Context()); err != nil || me.Login != "officer" {
		t.Errorf("the new one: %v %v", me, err)
	}
	if _, err := w.keys["officer"].Whoami(t.Context()); err == nil {
		t.Error("the old one goes on")
	}
	if got := officer.post(t, "/profile/keys/"+fingerprint+"/end", "same-origin", url.Values{}); got.status != http.StatusSeeOther {
		t.Errorf("ending it: %d", got.status)
	}
	if _, err := w.Client(private).Whoami(t.Context()); err == nil {
		t.Error("an ended key goes on")
	}
}
