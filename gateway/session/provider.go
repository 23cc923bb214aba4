package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sluicedata/sluice/catalog/org"
)

// ProviderConfig says which OpenID provider people may prove themselves at.
type ProviderConfig struct {
	Issuer       string `yaml:"issuer"` // https, or http on loopback for tests
	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"` // of a confidential client; "": a public one
	// StrongACR and StrongAMR list the values of acr and amr that say the provider saw a second factor (RFC 8176:
	// mfa, otp, hwk). Without any, its word alone is basic.
	StrongACR []string `yaml:"strong_acr"`
	StrongAMR []string `yaml:"strong_amr"`
}

// Provider speaks to one OpenID provider. It is found at the first login, not before: a provider that is away
// must not keep the gateway from starting. It is safe for concurrent use.
type Provider struct {
	ProviderConfig
	redirect string // where the provider sends browsers back: ours
	now      func() time.Time
	http     *http.Client

	mu    sync.Mutex
	found *found
}

// found is what discovery told (OpenID Connect Discovery 4).
type found struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// providerPatience bounds each call to a provider.
const providerPatience = 10 * time.Second

// NewProvider returns a provider that sends browsers back to redirect. It speaks to nobody yet.
func NewProvider(c ProviderConfig, redirect string, now func() time.Time) *Provider {
	return &Provider{ProviderConfig: c, redirect: redirect, now: now, http: &http.Client{
		Timeout:       providerPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errProvider says that a provider's answer proves nobody's identity. It never tells why.
var errProvider = errors.New("the provider's answer is not accepted")

// algorithms are those a provider may sign with: never none, never a shared secret.
func algorithms() []string {
	return []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.ES384, oidc.EdDSA}
}

// discover finds the provider, once it answers.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// The key set lives longer than this request, under the same bounded client.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.http), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("finding the provider: %w", err)
	}
	p.found = &found{
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: p.redirect,
			Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms(), Now: p.now}),
	}
	return p.found, nil
}

// address returns where a browser goes to prove who sits before it.
func (p *Provider) address(ctx context.Context, state string, a org.Attempt) (string, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return f.oauth.AuthCodeURL(state, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// arrive exchanges the provider's code and says who arrived; errProvider when that is nobody.
func (p *Provider) arrive(ctx context.Context, a org.Attempt, code string) (org.Arrival, error) {
	nobody := org.Arrival{Attempt: a}
	f, err := p.discover(ctx)
	if err != nil {
		return nobody, err
	}
	ctx = oidc.ClientContext(ctx, p.http)
	token, err := f.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return nobody, errProvider
	}
	if err != nil {
		return nobody, fmt.Errorf("asking the provider: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	return p.identify(ctx, f, a, raw)
}

// said are the claims that count beside the standard ones.
type said struct {
	ACR   string   `json:"acr"`
	AMR   []string `json:"amr"`
	Name  string   `json:"preferred_username"`
	Email string   `json:"email"`
}

// identify verifies an ID token (OpenID Connect Core 3.1.3.7): signature, issuer, expiry, that it is for us alone,
// and that it answers this attempt.
func (p *Provider) identify(ctx context.Context, f *found, a org.Attempt, raw string) (org.Arrival, error) {
	nobody := org.Arrival{Attempt: a}
	token, err := f.verifier.Verify(ctx, raw)
	if err != nil || len(token.Audience) != 1 || token.Subject == "" || len(token.Subject) > 255 {
		return nobody, errProvider
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.Nonce)) != 1 {
		return nobody, errProvider
	}
	var s said
	if err := token.Claims(&s); err != nil {
		return nobody, errProvider
	}
	return org.Arrival{Attempt: a, Issuer: token.Issuer, Subject: token.Subject, Label: s.label(), Strong: p.strong(s)}, nil
}

// strong reports whether the provider says that it saw a second factor.
func (p *Provider) strong(s said) bool {
	return slices.Contains(p.StrongACR, s.ACR) && s.ACR != "" ||
		slices.ContainsFunc(s.AMR, func(m string) bool { return slices.Contains(p.StrongAMR, m) })
}

// label is what the provider calls the person, when people can read it.
func (s said) label() string {
	for _, text := range []string{s.Email, s.Name} {
		if org.Shown(text) {
			return text
		}
	}
	return ""
}
