package session

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"

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
	if form.Get("grant_type") != GrantType {
		return wire.Token{}, refuse(http.StatusBadRequest, "unsupported_grant_type", "only "+GrantType)
	}
	if form.Get("client_assertion_type") != AssertionType {
		return wire.Token{}, refuse(http.StatusBadRequest, "invalid_request", "client_assertion_type: only "+AssertionType)
	}
	return g.exchange(r.Context(), form.Get("client_assertion"), form.Get("client_id"))
}

// exchange turns an assertion into a token. client_id may be left out; it must name the same key otherwise
// (RFC 7521 4.2).
func (g *Gate) exchange(ctx context.Context, assertion, clientID string) (wire.Token, error) {
	proof, err := g.verify(ctx, assertion)
	if err != nil {
		return wire.Token{}, refusal(err)
	}
	if clientID != "" && clientID != proof.fingerprint {
		return wire.Token{}, refusal(errAssertion)
	}
	token, life, err := g.Sessions.Open(ctx, proof.fingerprint, proof.id, proof.expires)
	if err != nil {
		return wire.Token{}, refusal(err)
	}
	return wire.Token{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(life.Seconds())}, nil
}

// refusal hides which check failed, and keeps for the log what is ours.
func refusal(err error) *Refusal {
	if errors.Is(err, errAssertion) || fault.Of(err) == fault.Unauthenticated {
		return refuse(http.StatusUnauthorized, "invalid_client", "the assertion is not accepted")
	}
	r := refuse(http.StatusInternalServerError, "server_error", "")
	r.Cause = err
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
