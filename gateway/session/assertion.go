package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
)

// Bounds of an assertion.
const (
	maxAssertion = 4 << 10 // bytes
	maxSkew      = 30 * time.Second
	minID        = 16 // characters of jti
	maxID        = 128
)

// errAssertion refuses an assertion. It never tells why: a forger learns nothing, and an honest client's
// clock, key and address are what to look at.
var errAssertion = errors.New("assertion refused")

// claims are the members of an assertion that count (RFC 7523 3).
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   int64    `json:"exp"` // unix seconds
	IssuedAt  *int64   `json:"iat"`
	NotBefore *int64   `json:"nbf"`
	ID        string   `json:"jti"`
}

// audience is one name, alone or in a list of one (RFC 7519 4.1.3). Naming a second one is refused: an
// assertion is for one server.
type audience string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err == nil {
		if len(list) != 1 {
			return errAssertion
		}
		*a = audience(list[0])
		return nil
	}
	return json.Unmarshal(raw, (*string)(a))
}

// verify checks an assertion under the admitted key that its header names. Whether its id was spent, the record
// knows.
func (g *Gate) verify(ctx context.Context, raw string) (org.Assertion, error) {
	if len(raw) > maxAssertion {
		return org.Assertion{}, errAssertion
	}
	// The list is what keeps "none" and keyed hashes over a public key out.
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return org.Assertion{}, errAssertion
	}
	fingerprint := signed.Signatures[0].Protected.KeyID
	if !name.Digest(fingerprint).Valid() {
		return org.Assertion{}, errAssertion
	}
	key, err := g.Sessions.PublicKey(ctx, fingerprint)
	if err != nil {
		return org.Assertion{}, fmt.Errorf("finding key: %w", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return org.Assertion{}, errAssertion
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return org.Assertion{}, errAssertion
	}
	if !c.hold(fingerprint, g.TokenURL, g.Now(), g.Sessions.AssertionLife()) {
		return org.Assertion{}, errAssertion
	}
	return org.Assertion{Fingerprint: fingerprint, ID: c.ID, Expires: time.Unix(c.Expires, 0)}, nil
}

// hold reports whether the claims are those of a fresh assertion of one key for one audience, which may live so long.
func (c claims) hold(fingerprint, audience string, now time.Time, life time.Duration) bool {
	expires := time.Unix(c.Expires, 0)
	switch {
	case c.Issuer != fingerprint || c.Subject != fingerprint:
		return false
	case string(c.Audience) != audience:
		return false
	case !expires.After(now) || expires.After(now.Add(life)):
		return false
	case len(c.ID) < minID || len(c.ID) > maxID || !printable(c.ID):
		return false
	}
	return c.begun(now, life)
}

// begun checks the two claims that need not be there: issued and valid by now, and not issued long before.
func (c claims) begun(now time.Time, life time.Duration) bool {
	latest := now.Add(maxSkew).Unix()
	if c.IssuedAt != nil && (*c.IssuedAt > latest || *c.IssuedAt < now.Add(-life-maxSkew).Unix()) {
		return false
	}
	return c.NotBefore == nil || *c.NotBefore <= latest
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
