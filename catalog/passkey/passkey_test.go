package passkey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/passkey/passkeytest"
)

const (
	origin = "https://sluice.example:8443"
	host   = "sluice.example"
)

func site(t *testing.T) passkey.Site {
	t.Helper()
	s, err := passkey.NewSite(origin)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSites: passkeys count at names, over TLS or on localhost.
func TestSites(t *testing.T) {
	for address, want := range map[string]string{
		"https://sluice.example": "sluice.example", "https://Sluice.Example:8443/": "sluice.example", "http://localhost:8080": "localhost",
		"http://chief.localhost:8080": "chief.localhost", "http://sluice.example": "", "http://127.0.0.1:8080": "", "https://10.0.0.7": "",
		"https://[::1]:8443": "", "https://sluice.example/console": "", "https://a@sluice.example": "", "": "", "ftp://localhost": "",
	} {
		s, err := passkey.NewSite(address)
		if s.Host() != want || (err == nil) != (want != "") || s.Known() != (want != "") {
			t.Errorf("%q: %q, %v", address, s.Host(), err)
		}
	}
	if _, _, err := (passkey.Site{}).SignIn(time.Now()); !errors.Is(err, passkey.ErrSite) {
		t.Errorf("nowhere: %v", err)
	}
}

// enrolled returns a person with one passkey, and the authenticator that holds it.
func enrolled(t *testing.T) (passkey.Person, *passkeytest.Authenticator) {
	t.Helper()
	who := passkey.Person{Handle: "a-member", Login: "chief", Name: "Chief"}
	ask, c, err := site(t).Enrol(who, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := passkeytest.New(t, origin, host)
	made, err := site(t).Enrolled(who, c, a.Create(t, ask), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if string(made.Public) != string(a.Public()) || string(made.ID) != string(a.ID) {
		t.Fatal("another key was enrolled than the authenticator's")
	}
	who.Held = []passkey.Credential{made}
	return who, a
}

// TestForgedEnrolments: what does not come from this site, with its owner verified, in time, is no enrolment.
func TestForgedEnrolments(t *testing.T) {
	for what, forge := range map[string]func(*passkeytest.Authenticator){
		"another origin": func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" },
		"another port":   func(a *passkeytest.Authenticator) { a.Origin = "https://sluice.example" },
		"another site":   func(a *passkeytest.Authenticator) { a.Host = "evil.example" },
		"nobody there":   func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified },
		"not verified":   func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Present },
		"a sign-in":      func(a *passkeytest.Authenticator) { a.Type = "webauthn.get" },
	} {
		who := passkey.Person{Handle: "a-member", Login: "chief", Name: "Chief"}
		ask, c, err := site(t).Enrol(who, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		a := passkeytest.New(t, origin, host)
		forge(a)
		if _, err := site(t).Enrolled(who, c, a.Create(t, ask), time.Now()); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	who := passkey.Person{Handle: "a-member", Login: "chief", Name: "Chief"}
	ask, c, err := site(t).Enrol(who, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer := passkeytest.New(t, origin, host).Create(t, ask)
	if _, err := site(t).Enrolled(who, c, answer, time.Now().Add(6*time.Minute)); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("too late: %v", err)
	}
	if _, err := site(t).Enrolled(passkey.Person{Handle: "another", Login: "a", Name: "a"}, c, answer, time.Now()); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("another person's: %v", err)
	}
}

// TestSignIns: a passkey signs its owner in, and nothing that is not exactly that does.
func TestSignIns(t *testing.T) {
	tests := map[string]struct {
		forge func(*passkeytest.Authenticator)
		good  bool
	}{
		"as it should":     {func(*passkeytest.Authenticator) {}, true},
		"no counter":       {func(a *passkeytest.Authenticator) { a.Count, a.Stuck = 0, true }, true},
		"another origin":   {func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" }, false},
		"without TLS":      {func(a *passkeytest.Authenticator) { a.Origin = "http://sluice.example:8443" }, false},
		"another site":     {func(a *passkeytest.Authenticator) { a.Host = "evil.example" }, false},
		"not verified":     {func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Present }, false},
		"nobody there":     {func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified }, false},
		"an enrolment":     {func(a *passkeytest.Authenticator) { a.Type = "webauthn.create" }, false},
		"another person":   {func(a *passkeytest.Authenticator) { a.Handle = "b-member" }, false},
		"no person":        {func(a *passkeytest.Authenticator) { a.Handle = "" }, false},
		"synced now":       {func(a *passkeytest.Authenticator) { a.Flags |= passkeytest.Synced }, false},
		"another's number": {func(a *passkeytest.Authenticator) { a.ID = []byte("another number!!") }, false},
	}
	for what, tt := range tests {
		who, a := enrolled(t)
		ask, c, err := site(t).SignIn(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		tt.forge(a)
		_, err = site(t).SignedIn(c, a.Get(t, ask), time.Now(), func([]byte) (passkey.Person, error) { return who, nil })
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSignInsCount: an answer is to one question, in time, of somebody known, under the key that is kept; and a counter
// that does not count up is a copy's.
func TestSignInsCount(t *testing.T) {
	who, a := enrolled(t)
	find := func([]byte) (passkey.Person, error) { return who, nil }
	in := func(c passkey.Ceremony, answer []byte, now time.Time, holder func([]byte) (passkey.Person, error)) error {
		used, err := site(t).SignedIn(c, answer, now, holder)
		if err == nil {
			who.Held[0] = used
		}
		return err
	}
	ask, c, err := site(t).SignIn(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := site(t).SignIn(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer := a.Get(t, ask)
	for what, err := range map[string]error{
		"another question": in(other, answer, time.Now(), find),
		"too late":         in(c, answer, time.Now().Add(6*time.Minute), find),
		"nobody known":     in(c, answer, time.Now(), func([]byte) (passkey.Person, error) { return passkey.Person{}, errors.New("nobody") }),
		"another key": in(c, answer, time.Now(), func([]byte) (passkey.Person, error) {
			with := who
			with.Held = []passkey.Credential{{ID: a.ID, Public: passkeytest.New(t, origin, host).Public()}}
			return with, nil
		}),
		"no answer": in(c, []byte(`{}`), time.Now(), find),
	} {
		if !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	a.Count = 7
	if err := in(c, a.Get(t, ask), time.Now(), find); err != nil || who.Held[0].Count != 8 {
		t.Fatalf("counted to %d: %v", who.Held[0].Count, err)
	}
	for what, count := range map[string]uint32{"the same": 7, "back": 2} {
		a.Count = count
		if err := in(c, a.Get(t, ask), time.Now(), find); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// said is a statement of this test's own.
type said struct {
	What string `json:"what"`
}

const (
	saidType  envelope.Type = "application/vnd.sluice.test.v1+json"
	otherType envelope.Type = "application/vnd.sluice.other.v1+json"
)

// TestStatements: a passkey signs a statement through its challenge; the envelope verifies with nothing but the key and
// the site, and no forgery of it does.
func TestStatements(t *testing.T) {
	who, a := enrolled(t)
	sign := func(forge func(*passkeytest.Authenticator)) envelope.Envelope {
		t.Helper()
		s, err := site(t).Ask(saidType, said{"yes"}, who.Held)
		if err != nil {
			t.Fatal(err)
		}
		with := *a
		forge(&with)
		e, id, err := passkey.Sealed(saidType, s.Payload, with.Get(t, s.Ask))
		if err != nil || string(id) != string(with.ID) {
			t.Fatalf("%x: %v", id, err)
		}
		return e
	}
	asIs := func(*passkeytest.Authenticator) {}
	key := passkey.Key{Site: site(t), Public: who.Held[0].Public}
	var got said
	if err := sign(asIs).OpenWith(saidType, key, &got); err != nil || got.What != "yes" {
		t.Fatalf("got %+v, %v", got, err)
	}
	signIn := func() envelope.Envelope { // an answer to a sign-in is no signature of a statement
		ask, _, err := site(t).SignIn(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := passkey.Sealed(saidType, sign(asIs).Payload, a.Get(t, ask))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	changed := func(change func(*envelope.Envelope)) envelope.Envelope {
		e := sign(asIs)
		change(&e)
		return e
	}
	for what, e := range map[string]envelope.Envelope{
		"another origin":     sign(func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" }),
		"another site":       sign(func(a *passkeytest.Authenticator) { a.Host = "evil.example" }),
		"not verified":       sign(func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Present }),
		"nobody there":       sign(func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified }),
		"an enrolment":       sign(func(a *passkeytest.Authenticator) { a.Type = "webauthn.create" }),
		"another key":        sign(func(with *passkeytest.Authenticator) { *with = *passkeytest.New(t, origin, host) }),
		"a sign-in":          signIn(),
		"another statement":  changed(func(e *envelope.Envelope) { e.Payload = []byte(`{"what":"no"}`) }),
		"another type":       changed(func(e *envelope.Envelope) { e.Type = otherType }),
		"another scheme":     changed(func(e *envelope.Envelope) { e.Scheme = envelope.Ed25519 }),
		"a flag changed":     changed(func(e *envelope.Envelope) { e.AuthenticatorData[32] |= 0x02 }),
		"a counter changed":  changed(func(e *envelope.Envelope) { e.AuthenticatorData[36]++ }),
		"client data gone":   changed(func(e *envelope.Envelope) { e.ClientData = nil }),
		"authenticator gone": changed(func(e *envelope.Envelope) { e.AuthenticatorData = nil }),
		"no signature":       changed(func(e *envelope.Envelope) { e.Signature = nil }),
		"too long":           sign(func(a *passkeytest.Authenticator) { a.Extra = strings.Repeat("x", 5<<10) }),
	} {
		if err := e.OpenWith(saidType, key, new(said)); err == nil {
			t.Errorf("%s verifies", what)
		}
	}
	if err := sign(asIs).OpenWith(saidType, passkey.Key{Public: key.Public}, new(said)); err == nil {
		t.Error("it verifies without a site")
	}
	if err := sign(asIs).OpenWith(saidType, envelope.Ed25519Key(make([]byte, 32)), new(said)); err == nil {
		t.Error("it verifies under an ed25519 key")
	}
}

// TestStatementsCount: the counter of a statement's signature counts up as a sign-in's does.
func TestStatementsCount(t *testing.T) {
	who, a := enrolled(t)
	s, err := site(t).Ask(saidType, said{"yes"}, who.Held)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		before, kept uint32
		flags        byte
		good         bool
	}{{0, 0, 0, true}, {4, 4, 0, true}, {4, 5, 0, false}, {4, 9, 0, false}, {4, 4, passkeytest.Synced, false}} {
		a.Count, a.Flags = tt.before, passkeytest.Present|passkeytest.Verified|tt.flags
		e, _, err := passkey.Sealed(saidType, s.Payload, a.Get(t, s.Ask))
		if err != nil {
			t.Fatal(err)
		}
		held := passkey.Credential{Count: tt.kept}
		got, err := held.Counted(e)
		if (err == nil) != tt.good || tt.good && got.Count != tt.before+1 {
			t.Errorf("after %d with %d kept: %+v, %v", tt.before, tt.kept, got, err)
		}
	}
}
