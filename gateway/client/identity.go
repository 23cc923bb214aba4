package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Identities is who people are at an OpenID provider.
type Identities struct{ c *Client }

// Admit lets an offered identity in.
func (i Identities) Admit(ctx context.Context, id string) (wire.Identity, error) {
	return act[wire.Identity](ctx, i.c, "identities", id, "admit")
}

// Revoke ends an identity.
func (i Identities) Revoke(ctx context.Context, id string) (wire.Identity, error) {
	return act[wire.Identity](ctx, i.c, "identities", id, "revoke")
}

// List returns the identities of an organization's people.
func (i Identities) List(ctx context.Context, number string) ([]wire.Identity, error) {
	return list[wire.Identity](ctx, i.c, "orgs", number, "identities")
}

// Factors is second factors: the client's own, and for administrators other people's.
type Factors struct{ c *Client }

// Enrol begins a second factor of the client's own; a weak session needs an administrator's code.
func (f Factors) Enrol(ctx context.Context, code string) (wire.FactorSecret, error) {
	return send[wire.FactorSecret](ctx, f.c, wire.Enrolment{Code: code}, "me", "factor")
}

// Confirm shows that the authenticator works, and returns recovery codes, shown once.
func (f Factors) Confirm(ctx context.Context, totp string) (wire.Recovery, error) {
	return send[wire.Recovery](ctx, f.c, wire.FactorProof{TOTP: totp}, "me", "factor", "confirm")
}

// Renew makes the client's own recovery codes anew, shown once.
func (f Factors) Renew(ctx context.Context) (wire.Recovery, error) {
	return act[wire.Recovery](ctx, f.c, "me", "factor", "renew")
}

// Prove makes the client's session strong for a while.
func (f Factors) Prove(ctx context.Context, proof wire.FactorProof) (wire.Me, error) {
	return send[wire.Me](ctx, f.c, proof, "me", "strength")
}

// Code makes a person's one-time code to enrol with.
func (f Factors) Code(ctx context.Context, number, login string) (wire.EnrolCode, error) {
	return act[wire.EnrolCode](ctx, f.c, "orgs", number, "members", login, "factor", "code")
}

// Reset ends a person's second factor.
func (f Factors) Reset(ctx context.Context, number, login string) (wire.Factor, error) {
	return act[wire.Factor](ctx, f.c, "orgs", number, "members", login, "factor", "reset")
}

// Login is a login through the server's OpenID provider: the person opens Address in a browser, which comes back to
// the program's loopback address with state and code.
type Login struct {
	Address string
	State   string // what must come back

	redirect string
	verifier string
}

// BeginLogin prepares a login that comes back to redirect ("http://127.0.0.1:PORT/…"). Organization and login say
// who the person is here, for the first time; they may be empty.
func (c *Client) BeginLogin(redirect, number, login string) Login {
	l := Login{State: rand.Text(), redirect: redirect, verifier: rand.Text() + rand.Text()}
	query := url.Values{"redirect": {redirect}, "challenge": {challenge(l.verifier)}, "state": {l.State}}
	if number != "" {
		query.Set("org", number)
		query.Set("login", login)
	}
	l.Address = c.base + "/login/oidc?" + query.Encode()
	return l
}

// Redeem exchanges the code a login came back with for a token, and uses it from then on.
func (c *Client) Redeem(ctx context.Context, l Login, code string) (wire.Token, error) {
	var token wire.Token
	body, err := c.tokenRequest(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {l.verifier}, "redirect_uri": {l.redirect},
	})
	if err != nil {
		return token, err
	}
	if err := json.Unmarshal(body, &token); err != nil {
		return token, fmt.Errorf("reading token: %w", err)
	}
	c.Use(token.AccessToken)
	return token, nil
}

// Use makes the client speak under a token it was given.
func (c *Client) Use(token string) *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
	return c
}
