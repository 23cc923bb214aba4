package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/gateway/wire"
)

// assertionLife is how long an assertion of ours may be used: as long as the strictest rules let it.
const assertionLife = 2 * time.Minute

// session returns a token in force, and gets one when there is none.
func (c *Client) session(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" {
		return c.token, nil
	}
	token, err := c.login(ctx)
	c.token = token.AccessToken
	return c.token, err
}

// Token returns a fresh token of the client's person, for another program to use. The client's own is another.
func (c *Client) Token(ctx context.Context) (wire.Token, error) { return c.login(ctx) }

// forget drops a token that has ended.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = ""
}

// login exchanges a signed assertion for a token (RFC 7523).
func (c *Client) login(ctx context.Context) (wire.Token, error) {
	if c.key == nil {
		return wire.Token{}, ErrNoKey
	}
	now, err := c.clock(ctx)
	if err != nil {
		return wire.Token{}, err
	}
	address := c.base + prefix + "/token"
	assertion, err := c.assertion(address, now)
	if err != nil {
		return wire.Token{}, fmt.Errorf("signing assertion: %w", err)
	}
	body, err := c.tokenRequest(ctx, url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	})
	if err != nil {
		return wire.Token{}, err
	}
	var token wire.Token
	if err := json.Unmarshal(body, &token); err != nil {
		return wire.Token{}, fmt.Errorf("reading token: %w", err)
	}
	return token, nil
}

// tokenRequest sends a form to the token endpoint.
func (c *Client) tokenRequest(ctx context.Context, form url.Values) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+prefix+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("making token request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.receive(r)
}

// challenge is what a verifier is proven by later (RFC 7636 4.2, S256).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ErrNoKey says that a session given from outside has ended and there is no key to open another with.
var ErrNoKey = errors.New("the session has ended: log in again")

// assertion says, signed, that the holder of the key stands before one server now.
func (c *Client) assertion(audience string, now time.Time) (string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	payload, err := json.Marshal(map[string]any{
		"iss": c.fingerprint, "sub": c.fingerprint, "aud": audience, "jti": hex.EncodeToString(id),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	key := jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: c.key, KeyID: c.fingerprint}}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// clock returns the server's time, which is what it judges an assertion by: a person's own clock may be wrong.
// An assertion names its one server, so a server that lies about the time gains nothing by it.
func (c *Client) clock(ctx context.Context) (time.Time, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/healthz", nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("making request: %w", err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return time.Time{}, &lostError{err}
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return time.Time{}, errors.New("the server is not healthy")
	}
	now, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the server's time: %w", err)
	}
	return now, nil
}
