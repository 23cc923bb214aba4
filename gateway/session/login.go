package session

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

// A login through a provider, for a program on the person's own machine (RFC 8252):
//
//	program → GET LoginPath?redirect=http://127.0.0.1:PORT/…&challenge=…   in the person's browser
//	us      → the provider, with our own state, nonce and PKCE → the provider → CallbackPath
//	us      → the program's loopback address with a code → POST token with the code and the program's verifier
//
// Whatever the provider said, the program gets a code: only the token endpoint tells good from bad, and not why.

// CodeGrant asks for a token for a code (RFC 6749 4.1.3).
const CodeGrant = "authorization_code"

// Begin sends a browser to the provider.
func (g *Gate) Begin(w http.ResponseWriter, r *http.Request) error {
	if g.Provider == nil {
		return fault.NotFound()
	}
	a, err := attemptOf(r.URL.RawQuery)
	if err != nil {
		return err
	}
	return g.Send(w, r, a)
}

// Send sends a browser to the provider, for whoever waits at a.Redirect with the verifier of a.Challenge. That is the
// caller's to vouch for: what a stranger asks for goes through Begin.
func (g *Gate) Send(w http.ResponseWriter, r *http.Request, a org.Attempt) error {
	if g.Provider == nil {
		return fault.NotFound()
	}
	a.Nonce, a.Verifier = rand.Text(), oauth2.GenerateVerifier()
	state, err := g.Sessions.Begin(r.Context(), a)
	if err != nil {
		return err
	}
	address, err := g.Provider.address(r.Context(), state, a)
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Code: "provider.unavailable", Cause: err}
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the address is the configured provider's own
	return nil
}

// maxRelay bounds a program's own state, in bytes.
const maxRelay = 128

// attemptOf reads what a program asks for. Only loopback addresses are gone back to (RFC 8252 7.3).
func attemptOf(query string) (org.Attempt, error) {
	values, err := single(query)
	if err != nil {
		return org.Attempt{}, err
	}
	a := org.Attempt{
		Redirect: values.Get("redirect"), Challenge: values.Get("challenge"), Relay: values.Get("state"),
		Org: values.Get("org"), Login: values.Get("login"),
	}
	var p fault.Places
	p.Require(loopback(a.Redirect), "query.redirect", "redirect.not_loopback")
	p.Require(len(a.Challenge) == 43 && printable(a.Challenge), "query.challenge", "challenge.invalid")
	p.Require(len(a.Relay) <= maxRelay && printable(a.Relay), "query.state", "state.invalid")
	p.Require(len(a.Org) <= maxID && len(a.Login) <= maxID, "query.login", "login.invalid")
	return a, p.Err("login.invalid")
}

// single reads a query whose fields come once each.
func single(query string) (url.Values, error) {
	values, err := url.ParseQuery(query)
	for _, v := range values {
		if len(v) != 1 {
			err = errors.New("a field comes twice")
		}
	}
	if err != nil {
		return nil, fault.Bad("login.invalid", fault.Place{Location: "query", Code: "query.invalid"})
	}
	return values, nil
}

// loopback accepts http://127.0.0.1:PORT/… and http://[::1]:PORT/… spelt plainly: a name could be anybody's.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || host != "127.0.0.1" && host != "::1" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && len(address) <= 256 && printable(address)
}

// Callback takes a browser back from the provider and sends it on to the program that asked.
func (g *Gate) Callback(w http.ResponseWriter, r *http.Request) error {
	if g.Provider == nil {
		return fault.NotFound()
	}
	values, err := single(r.URL.RawQuery)
	if err != nil {
		return err
	}
	a, err := g.Sessions.Attempt(r.Context(), values.Get("state"))
	if err != nil {
		return g.refusal(r.Context(), err)
	}
	arrival, err := g.arrival(r, a, values)
	if err != nil && !errors.Is(err, errProvider) {
		return &fault.Error{Kind: fault.Unavailable, Code: "provider.unavailable", Cause: err}
	}
	code, unknown := g.Sessions.Arrive(r.Context(), arrival)
	if unknown != nil && fault.Of(unknown) != fault.Unauthenticated {
		return unknown
	}
	if reason := errors.Join(err, unknown); reason != nil {
		if err := g.Sessions.Refused(r.Context(), coarse(err, unknown)); err != nil {
			return broken(err)
		}
	}
	http.Redirect(w, r, a.Redirect+"?"+url.Values{"code": {code}, "state": {a.Relay}}.Encode(), http.StatusSeeOther)
	return nil
}

// arrival asks the provider about the code a browser brought, unless it brought none, or one of another issuer
// (RFC 9207).
func (g *Gate) arrival(r *http.Request, a org.Attempt, values url.Values) (org.Arrival, error) {
	if iss := values.Get("iss"); values.Get("code") == "" || iss != "" && iss != g.Provider.Issuer {
		return org.Arrival{Attempt: a}, errProvider
	}
	return g.Provider.arrive(r.Context(), a, values.Get("code"))
}

// coarse names the reason of a refusal for the trace: the provider's, else ours.
func coarse(provider, ours error) string {
	if provider != nil {
		return "provider.refused"
	}
	return fault.Code(ours)
}

// Enter exchanges a code for a token within our own process: for the console. A refusal is traced.
func (g *Gate) Enter(ctx context.Context, proof org.Redemption) (token string, err error) {
	token, _, err = g.Sessions.Redeem(ctx, proof)
	if fault.Of(err) == fault.Unauthenticated {
		return "", errors.Join(g.Sessions.Refused(ctx, fault.Code(err)), err)
	}
	return token, err
}

// redeem answers a token request with a code.
func (g *Gate) redeem(r *http.Request, form url.Values) (wire.Token, error) {
	token, life, err := g.Sessions.Redeem(r.Context(), org.Redemption{
		Code: form.Get("code"), Verifier: form.Get("code_verifier"), Redirect: form.Get("redirect_uri"),
	})
	if err != nil {
		return wire.Token{}, g.refusal(r.Context(), err)
	}
	return bearer(token, life), nil
}
