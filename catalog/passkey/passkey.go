// Package passkey checks what people's passkeys sign (W3C Web Authentication Level 3): their enrolment, sign-ins, and
// statements in envelopes of the scheme webauthn. It keeps nothing and knows no clock. Origin and relying party are
// pinned by a Site; user verification is always required; attestation is not asked for, since an administrator admits
// a passkey as any other key. The one signature an authenticator makes covers its own data and a challenge: a sign-in's
// is random, a statement's is envelope.Challenge.
//
// What a browser shows before a person touches their authenticator is the gateway's word: a passkey proves that its
// owner meant to sign on this site, not what they read.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Errors. None tells more: a forger learns nothing from a refusal.
var (
	ErrSite    = errors.New("passkeys need an address with a name, not a bare IP, over https or on localhost")
	ErrRefused = errors.New("the passkey's answer is not accepted")
)

// Site is where the passkeys of an instance count. The zero Site is nowhere.
type Site struct{ origin, host string }

// NewSite returns the site at an address, scheme://host[:port] with nothing after it. Browsers refuse passkeys on bare
// IP addresses, and without TLS everywhere but on localhost (Secure Contexts 3.1).
func NewSite(address string) (Site, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Site{}, ErrSite
	}
	host := strings.ToLower(u.Hostname())
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	secure := u.Scheme == "https" || u.Scheme == "http" && local
	if !secure || net.ParseIP(host) != nil || protocol.ValidateRPID(host) != nil {
		return Site{}, ErrSite
	}
	return Site{origin: u.Scheme + "://" + strings.ToLower(u.Host), host: host}, nil
}

// Known reports whether passkeys count anywhere.
func (s Site) Known() bool { return s.host != "" }

// Origin is the address that browsers put into what is signed.
func (s Site) Origin() string { return s.origin }

// Host is the relying party's id.
func (s Site) Host() string { return s.host }

// Credential is a passkey as it is kept.
type Credential struct {
	ID     []byte
	Public []byte // COSE_Key (RFC 9052 7)
	// Count is the signature counter last seen; 0 when the authenticator keeps none.
	Count uint32
	// Synced tells that the owner's other devices may hold it too. It never changes (WebAuthn 6.1.3).
	Synced bool
}

// Person is whose passkeys are at stake.
type Person struct {
	Handle string // at most 64 bytes; an authenticator keeps it and hands it back at a sign-in
	Login  string
	Name   string
	Held   []Credential
}

// Ceremony is what is remembered between asking a browser and its answer. It counts once: whoever keeps it forgets it
// with the first answer.
type Ceremony struct {
	Session webauthn.SessionData `json:"session"`
	Until   time.Time            `json:"until"`
}

// patience is how long a person has to touch their authenticator.
const patience = 5 * time.Minute

// Enrol begins an enrolment. ask is what navigator.credentials.create takes, as JSON
// (PublicKeyCredentialCreationOptionsJSON).
func (s Site) Enrol(who Person, now time.Time) (ask json.RawMessage, c Ceremony, err error) {
	w, err := s.party()
	if err != nil {
		return nil, c, err
	}
	held := webauthn.Credentials(user{who}.WebAuthnCredentials()).CredentialDescriptors()
	options, session, err := w.BeginRegistration(user{who}, webauthn.WithExclusions(held),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, c, fmt.Errorf("beginning enrolment: %w", err)
	}
	return begun(options.Response, session, now)
}

// Enrolled ends an enrolment with what the browser answered (RegistrationResponseJSON).
func (s Site) Enrolled(who Person, c Ceremony, answer []byte, now time.Time) (Credential, error) {
	w, err := s.party()
	if err != nil {
		return Credential{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil || !now.Before(c.Until) {
		return Credential{}, ErrRefused
	}
	made, err := w.CreateCredential(user{who}, c.Session, parsed)
	if err != nil {
		return Credential{}, ErrRefused
	}
	return kept(*made), nil
}

// SignIn begins a sign-in by whoever holds a passkey of this site. ask is what navigator.credentials.get takes
// (PublicKeyCredentialRequestOptionsJSON).
func (s Site) SignIn(now time.Time) (ask json.RawMessage, c Ceremony, err error) {
	w, err := s.party()
	if err != nil {
		return nil, c, err
	}
	options, session, err := w.BeginDiscoverableLogin()
	if err != nil {
		return nil, c, fmt.Errorf("beginning sign-in: %w", err)
	}
	return begun(options.Response, session, now)
}

// SignedIn ends a sign-in with what the browser answered (AuthenticationResponseJSON). holder finds who has a
// credential; an error of it refuses. The credential comes back with its new counter: one that did not count up is
// refused, since somebody may have copied it (WebAuthn 7.2, step 22).
func (s Site) SignedIn(c Ceremony, answer []byte, now time.Time, holder func(credential []byte) (Person, error)) (Credential, error) {
	w, err := s.party()
	if err != nil {
		return Credential{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil || !now.Before(c.Until) {
		return Credential{}, ErrRefused
	}
	_, used, err := w.ValidatePasskeyLogin(func(id, _ []byte) (webauthn.User, error) {
		who, err := holder(id)
		return user{who}, err
	}, c.Session, parsed)
	if err != nil || used.Authenticator.CloneWarning {
		return Credential{}, ErrRefused
	}
	return kept(*used), nil
}

// begun encodes what a ceremony begins with.
func begun(options any, session *webauthn.SessionData, now time.Time) (json.RawMessage, Ceremony, error) {
	ask, err := json.Marshal(options)
	if err != nil {
		return nil, Ceremony{}, fmt.Errorf("encoding options: %w", err)
	}
	return ask, Ceremony{Session: *session, Until: now.Add(patience)}, nil
}

// party is the site as the library knows it.
func (s Site) party() (*webauthn.WebAuthn, error) {
	if !s.Known() {
		return nil, ErrSite
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: s.host, RPDisplayName: "Sluice", RPOrigins: []string{s.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing passkeys: %w", err)
	}
	return w, nil
}

// user is a person as the library asks for one.
type user struct{ Person }

// WebAuthnID implements webauthn.User.
func (u user) WebAuthnID() []byte { return []byte(u.Handle) }

// WebAuthnName implements webauthn.User.
func (u user) WebAuthnName() string { return u.Login }

// WebAuthnDisplayName implements webauthn.User.
func (u user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, c := range u.Held {
		all = append(all, webauthn.Credential{
			ID: c.ID, PublicKey: c.Public, Authenticator: webauthn.Authenticator{SignCount: c.Count},
			Flags: webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: c.Synced},
		})
	}
	return all
}

func kept(c webauthn.Credential) Credential {
	return Credential{ID: c.ID, Public: c.PublicKey, Count: c.Authenticator.SignCount, Synced: c.Flags.BackupEligible}
}
