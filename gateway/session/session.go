// Package session says who is calling. A person proves possession of their own key by a signed assertion
// (private_key_jwt: RFC 7523, RFC 7521 4.2), or who they are at an OpenID provider (login.go), and gets a short
// opaque token for it; a token becomes a policy subject, once a request, as the record has that person now. It
// decides nothing: every act that follows does.
//
// What an assertion may be is as narrow as it can: EdDSA only, the exact audience, no longer than the rules let it live, an
// identifier that counts once. Nothing tells a forger which of these failed.
package session

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/policy"
)

// Sessions is the record's side: keys, spent assertions, tokens.
type Sessions interface {
	// PublicKey returns the admitted key of a fingerprint; Unauthenticated when there is none.
	PublicKey(ctx context.Context, fingerprint string) (ed25519.PublicKey, error)
	// AssertionLife is how long an assertion may live.
	AssertionLife() time.Duration
	// Open spends a verified assertion and returns a token and its life; Unauthenticated when it was spent.
	Open(ctx context.Context, a org.Assertion) (token string, life time.Duration, err error)
	// Subject returns who stands behind a token now, over a connection with a certificate of that digest or ""
	// for none; Unauthenticated when nobody does.
	Subject(ctx context.Context, token, certificate string) (policy.Subject, error)
	// Suppose returns who stands behind it if nothing has changed since it was last asked, and a context on that premise.
	Suppose(ctx context.Context, token, certificate string) (on context.Context, who policy.Subject, ok bool)
	// Begin keeps a login on its way to a provider; Attempt spends its state, once.
	Begin(ctx context.Context, a org.Attempt) (state string, err error)
	Attempt(ctx context.Context, state string) (org.Attempt, error)
	// Arrive returns a code, which is good exactly when the error is nil; Redeem spends it for a token.
	Arrive(ctx context.Context, a org.Arrival) (code string, err error)
	Redeem(ctx context.Context, r org.Redemption) (token string, life time.Duration, err error)
	// Refused traces that a proof was refused.
	Refused(ctx context.Context, code string) error
}

// Config is what a Gate is made of.
type Config struct {
	Sessions Sessions
	TokenURL string    // the one audience an assertion may name
	Provider *Provider // where people may prove themselves too; nil: nowhere
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
	token := Token(r)
	if token == "" {
		return policy.Subject{}, fault.New(fault.Unauthenticated, "session.missing")
	}
	who, err := g.Sessions.Subject(r.Context(), token, certificate(r))
	if fault.Code(err) == otherCertificate {
		return who, g.stolen(r.Context())
	}
	return who, err
}

// Suppose returns who sent a request if nothing has changed since they last did, and a context for what is done on that
// premise. ok is false where Subject must tell.
func (g *Gate) Suppose(r *http.Request) (on context.Context, who policy.Subject, ok bool) {
	token := Token(r)
	if token == "" {
		return r.Context(), who, false
	}
	return g.Sessions.Suppose(r.Context(), token, certificate(r))
}

// Token returns the token a request came with, "" for none.
func Token(r *http.Request) string {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return ""
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || len(token) > maxToken {
		return ""
	}
	return token
}

// otherCertificate is the code of a bound token that came over the wrong connection.
const otherCertificate = "certificate.other"

// stolen traces the use of a bound token without its certificate, and answers as to any token that does not
// count: whoever stole it learns nothing.
func (g *Gate) stolen(ctx context.Context) error {
	if err := g.Sessions.Refused(ctx, otherCertificate); err != nil {
		return fmt.Errorf("tracing a refusal: %w", err)
	}
	return fault.New(fault.Unauthenticated, "token.unknown")
}

// certificate names the certificate a request's connection came with, "" for none. The handshake proved that
// the other side holds its key; who may use it is for the record to say, so no authority is asked (RFC 8705 2.2).
func certificate(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return string(name.DigestOf(r.TLS.PeerCertificates[0].Raw))
}
