package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/envelope"
)

// Key verifies envelopes of the scheme webauthn: of one passkey, made on one site.
type Key struct {
	Site   Site
	Public []byte // COSE_Key
}

// Verifier verifies envelopes under a key as it is kept: by its scheme and, for a passkey, the origin it was enrolled
// at.
func Verifier(scheme envelope.Scheme, origin string, public []byte) envelope.Verifier {
	if scheme != envelope.WebAuthn {
		return envelope.Ed25519Key(public)
	}
	site, err := NewSite(origin)
	if err != nil {
		return Key{} // nothing verifies under it
	}
	return Key{Site: site, Public: public}
}

// maxData bounds each part of an envelope that a browser brings, in bytes.
const maxData = 4 << 10

// Verify implements envelope.Verifier: the statement's challenge was signed, on this site, by this passkey, after its
// owner was present and verified (WebAuthn 7.2). The counter is left to Counted, which needs the record.
func (k Key) Verify(e envelope.Envelope, t envelope.Type) error {
	switch {
	case e.Type != t:
		return envelope.ErrType
	case e.Scheme != envelope.WebAuthn || !k.Site.Known():
		return envelope.ErrScheme
	case len(k.Public) == 0:
		return envelope.ErrKey
	case len(e.AuthenticatorData) > maxData || len(e.ClientData) > maxData || len(e.Signature) > maxData:
		return envelope.ErrSignature
	}
	said, err := parsed(e)
	if err != nil {
		return envelope.ErrSignature
	}
	challenge := base64.RawURLEncoding.EncodeToString(envelope.Challenge(t, e.Payload))
	err = said.Verify(challenge, k.Site.host, "", []string{k.Site.origin}, nil, nil, protocol.TopOriginExplicitVerificationMode,
		false, true, true, k.Public, protocol.SignaturePolicy{})
	if flags := said.Response.AuthenticatorData.Flags; err != nil || flags.HasBackupState() && !flags.HasBackupEligible() {
		return envelope.ErrSignature
	}
	return nil
}

// parsed is an envelope as the library knows an assertion.
func parsed(e envelope.Envelope) (*protocol.ParsedCredentialAssertionData, error) {
	p := &protocol.ParsedCredentialAssertionData{}
	p.Raw.AssertionResponse.ClientDataJSON = e.ClientData
	p.Raw.AssertionResponse.AuthenticatorData = e.AuthenticatorData
	p.Response.Signature = e.Signature
	if err := json.Unmarshal(e.ClientData, &p.Response.CollectedClientData); err != nil {
		return nil, fmt.Errorf("reading client data: %w", err)
	}
	if err := p.Response.AuthenticatorData.Unmarshal(e.AuthenticatorData); err != nil {
		return nil, fmt.Errorf("reading authenticator data: %w", err)
	}
	return p, nil
}

// Counted returns a credential after a verified envelope of its key: with the new counter, or ErrRefused when that did
// not count up or the passkey became one that is synced.
func (c Credential) Counted(e envelope.Envelope) (Credential, error) {
	said, err := parsed(e)
	if err != nil {
		return c, ErrRefused
	}
	count := webauthn.Authenticator{SignCount: c.Count}
	count.UpdateCounter(said.Response.AuthenticatorData.Counter)
	if count.CloneWarning || said.Response.AuthenticatorData.Flags.HasBackupEligible() != c.Synced {
		return c, ErrRefused
	}
	c.Count = count.SignCount
	return c, nil
}

// Statement is a statement on its way to a passkey: what is to be signed, and what a browser is asked for it.
type Statement struct {
	Payload []byte          `json:"payload"` // canonical JSON
	Ask     json.RawMessage `json:"ask"`     // PublicKeyCredentialRequestOptionsJSON
}

// Ask prepares a statement of a type for one of a person's passkeys to sign.
func (s Site) Ask(t envelope.Type, statement any, held []Credential) (Statement, error) {
	payload, err := canon.Marshal(statement)
	if err != nil {
		return Statement{}, fmt.Errorf("encoding statement: %w", err)
	}
	w, err := s.party()
	if err != nil {
		return Statement{}, err
	}
	who := user{Person{Handle: "signer", Held: held}}
	options, _, err := w.BeginLogin(who, webauthn.WithChallenge(envelope.Challenge(t, payload)))
	if err != nil {
		return Statement{}, fmt.Errorf("asking for a signature: %w", err)
	}
	ask, err := json.Marshal(options.Response)
	if err != nil {
		return Statement{}, fmt.Errorf("encoding options: %w", err)
	}
	return Statement{Payload: payload, Ask: ask}, nil
}

// Sealed puts what a browser answered (AuthenticationResponseJSON) into the envelope of a statement, unverified. It
// returns the id of the credential that signed; naming its key in the envelope is the caller's.
func Sealed(t envelope.Type, payload, answer []byte) (e envelope.Envelope, credential []byte, err error) {
	p, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return e, nil, ErrRefused
	}
	return envelope.Envelope{
		Type: t, Scheme: envelope.WebAuthn, Payload: payload, Signature: p.Response.Signature,
		AuthenticatorData: p.Raw.AssertionResponse.AuthenticatorData, ClientData: p.Raw.AssertionResponse.ClientDataJSON,
	}, p.RawID, nil
}

// Fingerprint names a public key: what people compare before one is admitted, and what its envelopes name.
func Fingerprint(public []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(public)) }
