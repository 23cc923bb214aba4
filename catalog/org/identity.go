package org

import (
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// IdentityFlow is the life of a link between a person here and their name at an OpenID provider.
func IdentityFlow() flow.Table {
	const admin = "own org: org_admin"
	return flow.Table{
		Noun: "identity", Title: "Identity", Source: "A provider says who somebody is there; an administrator says who that is here.",
		States: []flow.State{Offered, Admitted, Revoked},
		Ends:   []flow.State{Revoked},
		Moves: []flow.Move{
			{From: flow.None, Act: "offer", To: Offered, Who: "whoever the provider let in, naming a login here"},
			{From: Offered, Act: "admit", To: Admitted, Who: "own org: org_admin; the platform's system_admin for the first", Rule: "not one's own; the subject was compared"},
			{From: Offered, Act: "revoke", To: Revoked, Who: admin},
			{From: Admitted, Act: "revoke", To: Revoked, Who: admin, Rule: "its tokens end"},
		},
	}
}

// IdentityView is a link as shown to an administrator.
type IdentityView struct {
	ID         string     `json:"id"`
	Login      string     `json:"login"`
	Issuer     string     `json:"issuer"`
	Subject    string     `json:"subject"` // the name that counts at the issuer
	Label      string     `json:"label"`   // what the issuer calls the person
	State      string     `json:"state"`
	OfferedAt  time.Time  `json:"offered_at"`
	AdmittedAt *time.Time `json:"admitted_at,omitempty"`
	LastUsed   *time.Time `json:"last_used,omitempty"`
}

// Attempt is a login on its way to a provider and back: what must fit when it returns.
type Attempt struct {
	Nonce     string // the provider's token must carry it (OpenID Connect Core 3.1.2.1)
	Verifier  string // between us and the provider (RFC 7636)
	Redirect  string // where the program that asked listens
	Challenge string // between us and that program: S256 of its verifier
	Relay     string // that program's own state
	Org       string // who they say they are here, for an offer; may be empty
	Login     string
}

// Arrival is what a provider said of somebody whose attempt returned. Without a subject it said nothing good.
type Arrival struct {
	Attempt
	Issuer  string
	Subject string
	Label   string
	Strong  bool // the provider saw a second factor, as configured
}

// Redemption is what a program brings for a token: its code, and that it is the one that asked.
type Redemption struct {
	Code     string
	Verifier string
	Redirect string
}

// Shown reports whether a provider's name of a person can be shown as theirs.
func Shown(s string) bool { return name.IsLine(s, maxShown) }
