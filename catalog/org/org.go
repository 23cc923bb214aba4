// Package org holds organizations, what they may act as, the people in them and the keys people prove
// themselves with. It is pure: no store, no clock. Who may do what with which capacity and role is policy's
// table; here is only which capacities and roles exist and which exclude each other.
package org

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Organization is a legal person or a body that acts here.
type Organization struct {
	ID          name.ID         `json:"id"`
	Number      name.Number     `json:"number"` // ORG-0001
	Name        string          `json:"name"`
	CreditCode  name.CreditCode `json:"credit_code,omitempty"` // absent for the platform's own
	Division    string          `json:"division"`              // GB/T 2260, six digits
	State       flow.State      `json:"state"`
	Designation []Designation   `json:"designations"`
}

// Designation is one capacity with the document it rests on. A designation without an end is open.
type Designation struct {
	Capacity Capacity      `json:"capacity"`
	Document string        `json:"document"`
	From     calendar.Date `json:"from"`
	To       calendar.Date `json:"to"` // last day; zero: open
}

// InForce reports whether the designation holds on a day.
func (d Designation) InForce(day calendar.Date) bool {
	return !d.From.IsZero() && !day.Before(d.From) && (d.To.IsZero() || !day.After(d.To))
}

// Capacities returns the capacities in force on a day, sorted, as a policy subject carries them. A suspended
// organization has none.
func (o Organization) Capacities(day calendar.Date) []string {
	cs := []string{}
	for _, d := range o.Designation {
		if d.InForce(day) && o.State == Verified {
			cs = append(cs, string(d.Capacity))
		}
	}
	slices.Sort(cs)
	return slices.Compact(cs)
}

// Validate checks what an organization says of itself.
func (o Organization) Validate() error {
	var p fault.Places
	p.Require(o.Name != "" && len(o.Name) <= 200, "name", "name.invalid")
	p.Require(division(o.Division), "division", "division.invalid")
	cs := make([]Capacity, len(o.Designation))
	for i, d := range o.Designation {
		at := fmt.Sprintf("designations[%d]", i)
		cs[i] = d.Capacity
		p.Require(d.Capacity.Known(), at+".capacity", "capacity.unknown")
		p.Require(!d.From.IsZero(), at+".from", "date.missing")
		p.Require(d.To.IsZero() || !d.To.Before(d.From), at+".to", "term.reversed")
		p.Require(d.Document != "" || d.Capacity == Platform, at+".document", "document.missing")
	}
	if !slices.Contains(cs, Platform) {
		_, err := name.ParseCreditCode(string(o.CreditCode))
		p.Require(err == nil, "credit_code", "credit_code.invalid")
	}
	for _, pair := range excluded(cs, capacityPairs()) {
		p.Add("designations", "capacity.excluded."+pair)
	}
	return p.Err("org.invalid")
}

func division(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == 6
}

// Member is a person in an organization. One person in two organizations is two members.
type Member struct {
	ID    name.ID    `json:"id"`
	Org   name.ID    `json:"org"`
	Login name.Login `json:"login"` // unique in the organization
	Name  string     `json:"name"`
	Roles []Role     `json:"roles"`
	State flow.State `json:"state"`
}

// Purpose says what a key proves.
type Purpose string

// The closed list of purposes. One key has one purpose: who steals a login cannot vote.
const (
	Login Purpose = "login" // signs assertions for tokens
	Vote  Purpose = "vote"  // signs votes and profiles
)

// Key is a public key of a member. The private half never reaches us.
type Key struct {
	ID       name.ID    `json:"id"`
	Member   name.ID    `json:"member"`
	Purpose  Purpose    `json:"purpose"`
	Alg      string     `json:"alg"`    // envelope.Ed25519
	Public   []byte     `json:"public"` // 32 bytes
	State    flow.State `json:"state"`
	Offered  time.Time  `json:"offered"`
	Admitted *time.Time `json:"admitted,omitempty"`
	Admitter name.ID    `json:"admitter,omitempty"` // who vouched for it: never the owner, but for the first
	Revoked  *time.Time `json:"revoked,omitempty"`
}

// Fingerprint names the key by its bytes; people compare it before admitting.
func (k Key) Fingerprint() name.Digest { return name.DigestOf(k.Public) }

// Validate checks an offered key.
func (k Key) Validate() error {
	var p fault.Places
	p.Require(k.Purpose == Login || k.Purpose == Vote, "purpose", "purpose.unknown")
	p.Require(k.Alg == "ed25519", "alg", "alg.unknown")
	p.Require(len(k.Public) == 32, "public", "public.length")
	return p.Err("key.invalid")
}
