package org

import (
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Bounds of what somebody unknown says of themselves, in bytes.
const (
	maxClaim    = 64
	maxPassword = 512
)

// SignIn is a try to come in by password and second factor.
type SignIn struct {
	Org      string // number
	Login    string
	Password string
	ProofSpec
	From string // address it came from, as it is counted; "" counts none
}

// Check returns every fault of a try with its place. It says nothing of who exists.
func (s SignIn) Check() error {
	var p fault.Places
	p.Require(s.Org != "" && len(s.Org) <= maxClaim, "org", "claim.length")
	p.Require(s.Login != "" && len(s.Login) <= maxClaim, "login", "claim.length")
	p.Require(s.Password != "" && len(s.Password) <= maxPassword, "password", "claim.length")
	p.Require((s.TOTP == "") != (s.Recovery == ""), "totp", "proof.one")
	p.Require(len(s.TOTP) <= maxTOTP && len(s.Recovery) <= maxRecovery, "totp", "proof.length")
	return p.Err("signin.invalid")
}

// Claim is who they say they are, however it is spelt.
func (s SignIn) Claim() (number, login string) {
	return strings.ToUpper(strings.TrimSpace(s.Org)), strings.ToLower(strings.TrimSpace(s.Login))
}

// EnrolmentLink lets one person make a password and a second factor, once. Their administrator hands it over.
type EnrolmentLink struct {
	Login     string    `json:"login"`
	Link      string    `json:"link"` // what the console's page of enrolment takes
	ExpiresAt time.Time `json:"expires_at"`
}

// Enrolment is what a link leads to.
type Enrolment struct {
	Login   string
	Name    string
	Org     string // number
	OrgName string
	// Secret is for the person's authenticator; nil when they have a second factor that counts.
	Secret *FactorSecret
}

// EnrolmentProof is what a link is spent with.
type EnrolmentProof struct {
	Password string
	TOTP     string // of the secret shown, or of the factor that counts
}

// PasswordChange puts a new password in the place of the old one.
type PasswordChange struct {
	Old string
	New string
}

// SessionView is a session as its owner sees it.
type SessionView struct {
	Method   string     `json:"method"` // policy.ByPassword, …
	Strength string     `json:"strength"`
	BeganAt  time.Time  `json:"began_at"`
	UsedAt   *time.Time `json:"used_at,omitempty"` // to within a minute
	EndsAt   time.Time  `json:"ends_at"`
	Current  bool       `json:"current"` // the one that asks
}
