// Package session says who is calling. A person proves possession of their own key by a signed assertion
// (private_key_jwt: RFC 7523, RFC 7521 4.2) and gets a short opaque token for it; a token becomes a policy
// subject, once a request, as the record has that person now. It decides nothing: every act that follows does.
//
// What an assertion may be is as narrow as it can: EdDSA only, the exact audience, five minutes at most, an
// identifier that counts once. Nothing tells a forger which of these failed.
package session

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/policy"
)

// Sessions is the record's side: keys, spent assertions, tokens.
type Sessions interface {
	// PublicKey returns the admitted key of a fingerprint; Unauthenticated when there is none.
	PublicKey(ctx context.Context, fingerprint string) (ed25519.PublicKey, error)
	// Open spends a verified assertion and returns a token and its life; Unauthenticated when it was spent.
	Open(ctx context.Context, fingerprint, jti string, expires time.Time) (token string, life time.Duration, err error)
	// Subject returns who stands behind a token now; Unauthenticated when nobody does.
	Subject(ctx context.Context, token string) (policy.Subject, error)
}

// Config is what a Gate is made of.
type Config struct {
	Sessions Sessions
	TokenURL string // the one audience an assertion may name
	Now      func() time.Time
}

// Gate lets callers in. It is safe for concurrent use.
type Gate struct{ Config }

// New returns a gate.
func New(c Config) *Gate { return &Gate{c} }

// maxToken bounds what is looked up; a token has 43 characters.
const maxToken = 128

// Subject returns who sent a request. Only a bearer header counts (RFC 6750 2.1): never a cookie, a query
// parameter, or a second header of the name.
func (g *Gate) Subject(r *http.Request) (policy.Subject, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return policy.Subject{}, fault.New(fault.Unauthenticated, "session.missing")
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return policy.Subject{}, fault.New(fault.Unauthenticated, "session.missing")
	}
	return g.Sessions.Subject(r.Context(), token)
}
