package org

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Spec asks for a new organization.
type Spec struct {
	Name       string `json:"name"`
	CreditCode string `json:"credit_code,omitempty"` // GB 32100; empty for the platform's own
}

// Check returns every fault of a spec with its place.
func (s Spec) Check() error {
	var p fault.Places
	p.Require(name.IsLine(s.Name, maxShown), "name", "name.invalid")
	if s.CreditCode != "" {
		_, err := name.ParseCreditCode(s.CreditCode)
		p.Require(err == nil, "credit_code", "credit_code.invalid")
	}
	return p.Err("org.invalid")
}

// CapacitySpec asks for a capacity that rests on a designation document.
type CapacitySpec struct {
	Capacity Capacity `json:"capacity"`
	Document string   `json:"document"`
}

// Check returns every fault of a spec with its place.
func (s CapacitySpec) Check() error {
	var p fault.Places
	p.Require(s.Capacity.Known(), "capacity", "capacity.unknown")
	p.Require(name.IsLine(s.Document, maxShown), "document", "document.missing")
	return p.Err("capacity.invalid")
}

// MemberSpec asks for a new person.
type MemberSpec struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	Roles []Role `json:"roles"`
	// Machine adds a program of the organization: its key counts only over a connection with the certificate
	// that was offered with it, and it never decides.
	Machine bool `json:"machine,omitempty"`
}

// Check returns every fault of a spec with its place. Whether the roles fit the organization is
// CheckRoles' question.
func (s MemberSpec) Check() error {
	var p fault.Places
	_, err := name.ParseLogin(s.Login)
	p.Require(err == nil, "login", "login.invalid")
	p.Require(name.IsLine(s.Name, maxShown), "name", "name.invalid")
	for _, r := range s.Roles {
		p.Require(r.Known(), "roles", "role.unknown")
		p.Require(!s.Machine || slices.Contains(machineRoles(), r), "roles", "role.not_for_machine")
	}
	p.Require(len(s.Roles) > 0, "roles", "roles.missing")
	return p.Err("member.invalid")
}

// machineRoles lists what a program may be: it brings feeds and reads.
func machineRoles() []Role { return []Role{DataSteward, Developer} }

// FitsMachine reports whether a program may have these roles.
func FitsMachine(roles []Role) bool {
	return !slices.ContainsFunc(roles, func(r Role) bool { return !slices.Contains(machineRoles(), r) })
}

// RoleNames returns roles as sorted text, each once.
func RoleNames(roles []Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, string(r))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// OfferType is the domain of a key offer's signature.
const OfferType envelope.Type = "application/vnd.sluice.key-offer.v1+json"

// OfferStatement is what a new key signs to prove that its owner holds it.
type OfferStatement struct {
	Org   string `json:"org"`
	Login string `json:"login"`
	// Certificate names, by the digest of its DER form, the certificate that must come with the key; "": none.
	Certificate string `json:"certificate,omitempty"`
}

// KeyOffer is a key somebody made for a login, with proof of possession.
type KeyOffer struct {
	PublicKey []byte            `json:"public_key"` // ed25519, 32 bytes
	Proof     envelope.Envelope `json:"proof"`      // over OfferStatement, by that key
}

// Check verifies the proof and returns what is offered: for whom, and the key's fingerprint.
func (o KeyOffer) Check() (OfferStatement, string, error) {
	var said OfferStatement
	if len(o.PublicKey) != ed25519.PublicKeySize || len(o.Proof.Payload) > 1024 {
		return said, "", fault.Bad("key.invalid", fault.Place{Location: "public_key", Code: "key.length"})
	}
	if err := o.Proof.Open(OfferType, o.PublicKey, &said); err != nil {
		return said, "", fault.Bad("key.invalid", fault.Place{Location: "proof", Code: "signature.invalid"})
	}
	if !certificateName(said.Certificate) {
		return said, "", fault.Bad("key.invalid", fault.Place{Location: "proof.certificate", Code: "digest.invalid"})
	}
	return said, Fingerprint(o.PublicKey), nil
}

// Fingerprint names a public key: what people compare before one is admitted.
func Fingerprint(public ed25519.PublicKey) string { return string(name.DigestOf(public)) }

// View is an organization as it is shown.
type View struct {
	Number       string        `json:"number"`
	Name         string        `json:"name"`
	CreditCode   string        `json:"credit_code,omitempty"`
	Capacities   []string      `json:"capacities"`
	Designations []Designation `json:"designations"` // what each capacity rests on
	CreatedAt    time.Time     `json:"created_at"`
}

// Designation is a capacity in force with the document it rests on.
type Designation struct {
	Capacity string    `json:"capacity"`
	Document string    `json:"document"`
	Since    time.Time `json:"since"`
}

// MemberView is a person as shown to their administrator.
type MemberView struct {
	Login     string    `json:"login"`
	Name      string    `json:"name"`
	Roles     []string  `json:"roles"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	Machine   bool      `json:"machine,omitempty"`
}

// KeyView is a key as shown to an administrator.
type KeyView struct {
	Fingerprint string     `json:"fingerprint"`
	Login       string     `json:"login"`
	State       string     `json:"state"`
	OfferedAt   time.Time  `json:"offered_at"`
	AdmittedAt  *time.Time `json:"admitted_at,omitempty"`
	LastUsed    *time.Time `json:"last_used,omitempty"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"` // it does not count from then on
	RevokedAt   *time.Time `json:"revoked_at,omitempty"`
	Certificate string     `json:"certificate,omitempty"` // digest of the one that must come with it
	Scheme      string     `json:"scheme,omitempty"`      // how it signs: ed25519, or webauthn for a passkey
	Title       string     `json:"title,omitempty"`       // what its owner calls a passkey
	Replaces    string     `json:"replaces,omitempty"`    // fingerprint of the key that ends when this one is admitted
}

// PasskeySpec is a passkey somebody made in their browser.
type PasskeySpec struct {
	Title  string `json:"title"`  // for its owner to tell it from others
	Answer []byte `json:"answer"` // the browser's: RegistrationResponseJSON (WebAuthn 5.1)
}

// Check checks what its owner says of it.
func (s PasskeySpec) Check() error {
	var p fault.Places
	p.Require(name.IsLine(s.Title, maxShown), "title", "name.invalid")
	return p.Err("key.invalid")
}

// Me is what a person is told about themselves.
type Me struct {
	Member     string   `json:"member"` // id: what statements the person signs name as their signer
	Login      string   `json:"login"`
	Name       string   `json:"name"`
	Org        string   `json:"org"`
	OrgName    string   `json:"org_name"`
	Roles      []string `json:"roles"`
	Capacities []string `json:"capacities"`
	// Strength and Method say how well and by what this session was proven (policy.Strong, policy.ByKey).
	Strength string `json:"strength"`
	Method   string `json:"method"`
	// KeyExpiresAt is when the last of the person's keys ends; KeyExpiresSoon asks to rotate it.
	KeyExpiresAt   *time.Time `json:"key_expires_at,omitempty"`
	KeyExpiresSoon bool       `json:"key_expires_soon,omitempty"`
}

// maxShown bounds what organizations, people, keys and documents are called, in bytes.
const maxShown = 200
