package org

import "github.com/sluicedata/sluice/catalog/fault"

// EnrolSpec begins a second factor, or another one in the place of the one that counts. Code is an administrator's
// one-time code; a strong session needs none.
type EnrolSpec struct {
	Code string `json:"code,omitempty"`
}

// FactorSecret is what a person's authenticator keeps, shown once.
type FactorSecret struct {
	Secret string `json:"secret"` // base32
	URI    string `json:"uri"`    // otpauth://totp/…, as the picture an authenticator reads
}

// ProofSpec proves a second factor by exactly one of its ways.
type ProofSpec struct {
	TOTP     string `json:"totp,omitempty"`     // six digits (RFC 6238)
	Recovery string `json:"recovery,omitempty"` // one of the codes shown at the confirmation; each counts once
}

// Bounds of what proves a second factor, in bytes.
const (
	maxTOTP     = 16
	maxRecovery = 64
)

// Check returns every fault of a spec with its place.
func (s ProofSpec) Check() error {
	var p fault.Places
	p.Require((s.TOTP == "") != (s.Recovery == ""), "totp", "proof.one")
	p.Require(len(s.TOTP) <= maxTOTP && len(s.Recovery) <= maxRecovery, "totp", "proof.length")
	return p.Err("factor.invalid")
}

// RecoveryCodes are shown once: whoever lost their authenticator proves themselves with one.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}

// EnrolmentCode lets one person enrol a second factor in a basic session, once. Their administrator hands it over.
type EnrolmentCode struct {
	Login string `json:"login"`
	Code  string `json:"code"`
}

// FactorView says that a person's second factor is gone.
type FactorView struct {
	Login string `json:"login"`
	State string `json:"state"` // none
}
