// Package passkeytest is a browser with an authenticator inside, for tests: a P-256 key that answers what a site asks
// as the standard says (W3C Web Authentication Level 3), or wrongly where a test says so.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Flags of authenticator data (6.1).
const (
	Present  = 0x01
	Verified = 0x04
	Synced   = 0x08
	attested = 0x40
)

// Authenticator holds one passkey. Its exported members are what it says of itself: a test changes them to forge.
type Authenticator struct {
	Origin string // of the page that asks
	Host   string // relying party's id
	Type   string // of the ceremony, when it is not to be the right one
	Flags  byte
	Count  uint32 // signature counter: counted up before each signature, unless Stuck
	Stuck  bool
	ID     []byte
	Handle string // of the person, as an enrolment gave it
	Extra  string // what a browser adds to client data (5.8.1)

	key *ecdsa.PrivateKey
}

// New returns an authenticator in a browser that shows the page of an origin.
func New(t testing.TB, origin, host string) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &Authenticator{Origin: origin, Host: host, Flags: Present | Verified, ID: id, key: key}
}

// asked is what a site asks for, of both ceremonies.
type asked struct {
	Challenge string `json:"challenge"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
}

// Create answers navigator.credentials.create.
func (a *Authenticator) Create(t testing.TB, ask []byte) []byte {
	t.Helper()
	want := read(t, ask)
	handle, err := base64.RawURLEncoding.DecodeString(want.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.Handle = string(handle)
	data := a.data(a.Flags | attested)
	data = append(data, make([]byte, 16)...) // AAGUID: none
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), a.Public()...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(data)>>8), byte(len(data)))
	return a.answer(t, map[string]any{
		"clientDataJSON": encode(a.clientData(t, "webauthn.create", want.Challenge)), "attestationObject": encode(append(object, data...)),
		"transports": []string{"internal"},
	})
}

// Get answers navigator.credentials.get.
func (a *Authenticator) Get(t testing.TB, ask []byte) []byte {
	t.Helper()
	if !a.Stuck {
		a.Count++
	}
	client := a.clientData(t, "webauthn.get", read(t, ask).Challenge)
	data := a.data(a.Flags)
	said := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), said[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.answer(t, map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature),
		"userHandle": encode([]byte(a.Handle)),
	})
}

// Public is the key as a site keeps it: COSE_Key of ES256 (RFC 9053 2.1).
func (a *Authenticator) Public() []byte {
	point, err := a.key.PublicKey.Bytes() // 0x04, X, Y
	if err != nil {
		panic(err)
	}
	key := append([]byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), point[1:33]...)
	return append(append(key, "\x22\x58\x20"...), point[33:]...)
}

// data is authenticator data without what an enrolment adds (6.1).
func (a *Authenticator) data(flags byte) []byte {
	host := sha256.Sum256([]byte(a.Host))
	return binary.BigEndian.AppendUint32(append(host[:], flags), a.Count)
}

func (a *Authenticator) clientData(t testing.TB, kind, challenge string) []byte {
	t.Helper()
	if a.Type != "" {
		kind = a.Type
	}
	body, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false, "extra": a.Extra})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (a *Authenticator) answer(t testing.TB, response map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": encode(a.ID), "rawId": encode(a.ID), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func read(t testing.TB, ask []byte) (want asked) {
	t.Helper()
	if err := json.Unmarshal(ask, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
