// Package client speaks to a gateway as one person, under that person's own key. The command line and the demo
// use nothing else. It makes what only the person may make: signed assertions, offers, votes and profile
// statements. And it checks what nobody should believe a server about: releases and the trace, offline.
//
// The private key never leaves it. Tokens are got when they are needed and got anew when they end.
package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

// prefix is where the API lies below a server's address.
const prefix = "/api/v1"

// Client is one person at one gateway. It is safe for concurrent use.
type Client struct {
	Orgs          Orgs
	Members       Members
	Keys          Keys
	Identities    Identities
	Factors       Factors
	Datasets      Datasets
	Uploads       Uploads
	Registrations Registrations
	Agreements    Agreements
	Grants        Grants
	Jobs          Jobs
	Usage         Usage
	Outputs       Outputs
	Requests      Requests
	Releases      Releases
	Destructions  Destructions
	Images        Images
	Trace         Trace
	Platform      Platform

	base        string
	key         ed25519.PrivateKey
	certificate []byte // DER; nil: none
	fingerprint string
	http        *http.Client
	language    string
	rehearsing  bool
	patience    time.Duration

	mu    sync.Mutex
	token string
}

// New returns a client for a server's address ("http://127.0.0.1:8443") and a person's key. It speaks to
// nobody yet.
func New(server string, key ed25519.PrivateKey) *Client {
	c := &Client{base: strings.TrimRight(server, "/"), key: key, http: transport(), patience: usualPatience}
	if len(key) == ed25519.PrivateKeySize { // without a key only what everybody may ask can be asked
		c.fingerprint = org.Fingerprint(ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
	}
	c.Orgs, c.Members, c.Keys = Orgs{c}, Members{c}, Keys{c}
	c.Identities, c.Factors = Identities{c}, Factors{c}
	c.Datasets, c.Uploads, c.Destructions, c.Images = Datasets{c}, Uploads{c}, Destructions{c}, Images{c}
	c.Registrations, c.Agreements, c.Grants = Registrations{c}, Agreements{c}, Grants{c}
	c.Jobs, c.Usage, c.Outputs, c.Requests, c.Releases, c.Trace = Jobs{c}, Usage{c}, Outputs{c}, Requests{c}, Releases{c}, Trace{c}
	c.Platform = Platform{c}
	return c
}

// In makes the server answer in a language ("zh", "en").
func (c *Client) In(language string) *Client {
	c.language = language
	return c
}

// Fingerprint names the client's key.
func (c *Client) Fingerprint() string { return c.fingerprint }

// Whoami returns who the server says this client is.
func (c *Client) Whoami(ctx context.Context) (wire.Me, error) {
	return get[wire.Me](ctx, c, "me")
}

// transport never follows a redirect: it would carry a token elsewhere. A server that refuses an upload does so
// before the bytes are sent.
func transport() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: 5 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// message is one request. Its body can be sent again.
type message struct {
	method      string
	path        []string
	query       url.Values
	contentType string
	body        []byte
	digest      string // Content-Digest of the body, where the route wants one
	public      bool   // goes without a token
	key         string // Idempotency-Key of a change; do makes one
}

// get reads one thing.
func get[V any](ctx context.Context, c *Client, path ...string) (V, error) {
	return exchange[V](ctx, c, message{method: http.MethodGet, path: path})
}

// list reads all elements of a list, part by part.
func list[V any](ctx context.Context, c *Client, path ...string) ([]V, error) {
	return narrowed[V](ctx, c, nil, path...)
}

// act does something that needs no more than its path.
func act[V any](ctx context.Context, c *Client, path ...string) (V, error) {
	return exchange[V](ctx, c, message{method: http.MethodPost, path: path})
}

// send does something with a body.
func send[V any](ctx context.Context, c *Client, body any, path ...string) (v V, err error) {
	m, err := encoded(body, path...)
	if err != nil {
		return v, err
	}
	return exchange[V](ctx, c, m)
}

// encoded makes a message with a body.
func encoded(body any, path ...string) (message, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return message{}, fmt.Errorf("encoding request: %w", err)
	}
	return message{method: http.MethodPost, path: path, contentType: "application/json", body: text}, nil
}

func exchange[V any](ctx context.Context, c *Client, m message) (v V, err error) {
	answer, err := c.do(ctx, m)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return v, fmt.Errorf("reading answer of %s: %w", strings.Join(m.path, "/"), err)
	}
	return v, nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 512 << 20

// do sends a message and returns the answer's bytes. A token that has ended is got anew, once.
func (c *Client) do(ctx context.Context, m message) ([]byte, error) {
	if c.rehearsing && m.method != http.MethodGet {
		return nil, c.rehearse(ctx, m)
	}
	if m.method != http.MethodGet && m.key == "" {
		m.key = newOnce()
	}
	answer, err := c.again(ctx, m)
	if m.public || !unauthenticated(err) {
		return answer, err
	}
	c.forget()
	return c.again(ctx, m)
}

func (c *Client) once(ctx context.Context, m message) ([]byte, error) {
	r, err := c.request(ctx, m)
	if err != nil {
		return nil, err
	}
	return c.receive(r)
}

// request makes the HTTP request of a message, with a token unless it is public.
func (c *Client) request(ctx context.Context, m message) (*http.Request, error) {
	address := c.base + prefix + "/" + strings.Join(escaped(m.path), "/")
	if len(m.query) > 0 {
		address += "?" + m.query.Encode()
	}
	var body io.Reader
	if m.contentType != "" {
		body = bytes.NewReader(m.body)
	}
	r, err := http.NewRequestWithContext(ctx, m.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("making request: %w", err)
	}
	if m.contentType != "" {
		r.Header.Set("Content-Type", m.contentType)
	}
	if m.digest != "" {
		r.Header.Set("Content-Digest", m.digest)
	}
	if c.language != "" {
		r.Header.Set("Accept-Language", c.language)
	}
	if m.public {
		return r, nil
	}
	if m.key != "" {
		r.Header.Set("Idempotency-Key", m.key)
	}
	return r, c.authorize(ctx, r)
}

// authorize puts the token in force on a request.
func (c *Client) authorize(ctx context.Context, r *http.Request) error {
	token, err := c.session(ctx)
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return err
}

// receive sends a request and reads its answer; a failure is a *Problem.
func (c *Client) receive(r *http.Request) ([]byte, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, &lostError{err}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, &lostError{err}
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, problemOf(answer, body)
	}
	return body, nil
}

// Healthy reports whether a server answers.
func Healthy(ctx context.Context, server string) error {
	_, err := New(server, nil).clock(ctx)
	return err
}
