package session

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/wire"
)

// The values of the two fields that say what is asked for and how it is proven (RFC 6749 4.4, RFC 7523 2.2).
const (
	GrantType     = "client_credentials"
	AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// maxForm bounds the body of a token request, in bytes.
const maxForm = 16 << 10

// Refusal is a token request that failed, as RFC 6749 5.2 answers it.
type Refusal struct {
	Status int
	wire.OAuthError
	Cause error // for the log only; nil when the caller is at fault
}

// Error implements error with the code.
func (r *Refusal) Error() string { return "token refused: " + r.OAuthError.Error }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

func refuse(status int, code, description string) *Refusal {
	return &Refusal{Status: status, OAuthError: wire.OAuthError{Error: code, Description: description}}
}

// Token answers a token request: a signed assertion for a short token.
func (g *Gate) Token(w http.ResponseWriter, r *http.Request) (wire.Token, error) {
	form, err := readForm(w, r)
	if err != nil {
		return wire.Token{}, err
	}
	if form.Get("grant_type") == CodeGrant && g.Provider != nil {
		return g.redeem(r, form)
	}
	if form.Get("grant_type") != GrantType {
		return wire.Token{}, refuse(http.StatusBadRequest, "unsupported_grant_type", "only "+GrantType)
	}
	if form.Get("client_assertion_type") != AssertionType {
		return wire.Token{}, refuse(http.StatusBadRequest, "invalid_request", "client_assertion_type: only "+AssertionType)
	}
	token, err := g.exchange(r, form.Get("client_assertion"), form.Get("client_id"))
	if err != nil {
		return wire.Token{}, g.refusal(r.Context(), err)
	}
	return token, nil
}

// exchange turns an assertion into a token. client_id may be left out; it must name the same key otherwise
// (RFC 7521 4.2).
func (g *Gate) exchange(r *http.Request, assertion, clientID string) (wire.Token, error) {
	proof, err := g.verify(r.Context(), assertion)
	if err != nil {
		return wire.Token{}, err
	}
	if clientID != "" && clientID != proof.Fingerprint {
		return wire.Token{}, errAssertion
	}
	proof.Certificate = certificate(r)
	token, life, err := g.Sessions.Open(r.Context(), proof)
	if err != nil {
		return wire.Token{}, err
	}
	return bearer(token, life), nil
}

func bearer(token string, life time.Duration) wire.Token {
	return wire.Token{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(life.Seconds())}
}

// refusal hides which check failed from the caller, tells it coarsely to the trace, and keeps for the log what is
// ours. A refusal that cannot be traced is an error of ours.
func (g *Gate) refusal(ctx context.Context, err error) *Refusal {
	code := "assertion.refused"
	if fault.Of(err) == fault.Unauthenticated {
		code = fault.Code(err)
	} else if !errors.Is(err, errAssertion) {
		return broken(err)
	}
	if err := g.Sessions.Refused(ctx, code); err != nil {
		return broken(err)
	}
	if code == "code.refused" || code == "login.unknown" {
		return refuse(http.StatusUnauthorized, "invalid_grant", "the login is not accepted")
	}
	return refuse(http.StatusUnauthorized, "invalid_client", "the assertion is not accepted")
}

// broken is a request that failed through no fault of the caller: now, while a part is away, or at all.
func broken(cause error) *Refusal {
	r := refuse(http.StatusInternalServerError, "server_error", "")
	if fault.Of(cause) == fault.Unavailable {
		r = refuse(http.StatusServiceUnavailable, "temporarily_unavailable", "")
	}
	r.Cause = cause
	return r
}

// readForm reads the fields of a token request. Each may come once, and none from the address: addresses are
// logged.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "send a form: application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "the form cannot be read")
	}
	for _, values := range r.PostForm {
		if len(values) != 1 {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "a field comes twice")
		}
	}
	return r.PostForm, nil
}
