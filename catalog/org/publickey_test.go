package org_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/org"
)

// publicPEM is a public key as openssl writes it.
func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestPublicKeys(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	good := publicPEM(t, public)
	read, err := (org.KeySpec{PEM: "\n" + good + "\n"}).Check()
	if err != nil || !read.Equal(public) {
		t.Fatalf("a good key: %v", err)
	}
	for what, tt := range map[string]struct {
		spec org.KeySpec
		want string
	}{
		"nothing":        {org.KeySpec{}, "key.not_pem"},
		"words":          {org.KeySpec{PEM: "my key"}, "key.not_pem"},
		"two":            {org.KeySpec{PEM: good + good}, "key.not_pem"},
		"no key in it":   {org.KeySpec{PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}))}, "key.not_pem"},
		"another block":  {org.KeySpec{PEM: strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE")}, "key.not_pem"},
		"too long":       {org.KeySpec{PEM: good + strings.Repeat(" ", 5000)}, "key.not_pem"},
		"another curve":  {org.KeySpec{PEM: publicPEM(t, &other.PublicKey)}, "key.not_ed25519"},
		"a private key":  {org.KeySpec{PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))}, "key.private"},
		"no fingerprint": {org.KeySpec{PEM: good, Replaces: "the old one"}, "digest.invalid"},
	} {
		_, err := tt.spec.Check()
		if diff := cmp.Diff([]string{tt.want}, codes(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
