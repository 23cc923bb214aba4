package session

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/catalog/org"
)

const issuer = "https://provider.example"

// TestForgedIDTokens: an ID token counts when the provider signed it for us alone, now, for this attempt (OpenID
// Connect Core 3.1.3.7). None of these is one, and no answer says why.
func TestForgedIDTokens(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	p := NewProvider(ProviderConfig{Issuer: issuer, ClientID: "sluice", StrongAMR: []string{"otp"}, StrongACR: []string{"gold"}}, "", func() time.Time { return now })
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Public()}}
	f := &found{verifier: oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: "sluice", SupportedSigningAlgs: algorithms(), Now: p.now})}
	attempt := org.Attempt{Nonce: "the nonce"}
	claims := func(change func(map[string]any)) map[string]any {
		c := map[string]any{
			"iss": issuer, "sub": "u1", "aud": "sluice", "nonce": "the nonce", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			"email": "u1@provider.example",
		}
		if change != nil {
			change(c)
		}
		return c
	}
	set := func(name string, value any) map[string]any {
		return claims(func(c map[string]any) { c[name] = value })
	}
	without := func(name string) map[string]any {
		return claims(func(c map[string]any) { delete(c, name) })
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"alg none":                  unsignedToken(t, claims(nil)),
		"HS256 with the public key": signedToken(t, jose.HS256, public, claims(nil)),
		"another key":               signedToken(t, jose.RS256, other, claims(nil)),
		"another issuer":            signedToken(t, jose.RS256, key, set("iss", "https://elsewhere.example")),
		"another audience":          signedToken(t, jose.RS256, key, set("aud", "somebody else")),
		"two audiences":             signedToken(t, jose.RS256, key, set("aud", []string{"sluice", "somebody else"})),
		"no audience":               signedToken(t, jose.RS256, key, without("aud")),
		"expired":                   signedToken(t, jose.RS256, key, set("exp", now.Add(-time.Second).Unix())),
		"no expiry":                 signedToken(t, jose.RS256, key, without("exp")),
		"another nonce":             signedToken(t, jose.RS256, key, set("nonce", "another nonce")),
		"no nonce":                  signedToken(t, jose.RS256, key, without("nonce")),
		"no subject":                signedToken(t, jose.RS256, key, without("sub")),
		"nothing":                   "",
		"garbage":                   "a.b.c",
	} {
		t.Run(name, func(t *testing.T) {
			if who, err := p.identify(context.Background(), f, attempt, raw); !errors.Is(err, errProvider) || who.Subject != "" {
				t.Fatalf("got %+v, %v", who, err)
			}
		})
	}
	for name, tt := range map[string]struct {
		claims map[string]any
		strong bool
	}{
		"a plain word":    {claims(nil), false},
		"a second factor": {set("amr", []string{"pwd", "otp"}), true},
		"another factor":  {set("amr", []string{"pwd", "sms"}), false},
		"a class":         {set("acr", "gold"), true},
		"another class":   {set("acr", "silver"), false},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := p.identify(context.Background(), f, attempt, signedToken(t, jose.RS256, key, tt.claims))
			if err != nil || who.Subject != "u1" || who.Strong != tt.strong || who.Label != "u1@provider.example" {
				t.Fatalf("got %+v, %v", who, err)
			}
		})
	}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signedToken(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func unsignedToken(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(`{"alg":"none"}`)) + "." + b64(payload) + "."
}
