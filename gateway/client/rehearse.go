package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Rehearsed is a change that a rehearsing client would have sent. It comes back as an error in the answer's
// place, so that no caller takes it for one.
type Rehearsed struct {
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Body     json.RawMessage `json:"body,omitempty"`
	Unsigned bool            `json:"unsigned,omitempty"` // the body would be signed first, by the caller's own key
}

// Error implements error.
func (r *Rehearsed) Error() string { return "rehearsed: " + r.Method + " " + r.Path }

// Rehearse makes the client read as ever and send no change: each call that would change something looks
// whether the object it is about is there, and returns what it would have sent as *Rehearsed.
func (c *Client) Rehearse() *Client {
	c.rehearsing = true
	return c
}

// Earnest makes a rehearsing client send changes again.
func (c *Client) Earnest() *Client {
	c.rehearsing = false
	return c
}

// rehearse returns what a message would have changed, or what the server says of the object it names.
func (c *Client) rehearse(ctx context.Context, m message) error {
	if err := c.there(ctx, m); err != nil {
		return err
	}
	r := &Rehearsed{Method: m.method, Path: prefix + "/" + strings.Join(escaped(m.path), "/")}
	if json.Valid(m.body) {
		r.Body = m.body
	}
	return r
}

// there looks whether the object a change is about exists. Who may change may not always look: only that there
// is none counts.
func (c *Client) there(ctx context.Context, m message) error {
	shown := []string{"orgs", "datasets", "registrations", "agreements", "grants", "jobs", "requests", "releases", "uploads"}
	if len(m.path) < 3 || !slices.Contains(shown, m.path[0]) {
		return nil
	}
	_, err := c.again(ctx, message{method: http.MethodGet, path: m.path[:2]})
	var problem *Problem
	if errors.As(err, &problem) && !missing(err) && !unauthenticated(err) {
		return nil
	}
	return err
}

// unsigned is the rehearsal of a change whose body is signed: a signed statement would be the vote itself to
// whoever sees it, so it is shown as it would be signed.
func (c *Client) unsigned(ctx context.Context, statement any, path ...string) error {
	m, err := encoded(statement, path...)
	if err != nil {
		return err
	}
	err = c.rehearse(ctx, m)
	var r *Rehearsed
	if errors.As(err, &r) {
		r.Unsigned = true
	}
	return err
}

func escaped(path []string) []string {
	steps := make([]string, 0, len(path))
	for _, step := range path {
		steps = append(steps, url.PathEscape(step))
	}
	return steps
}
