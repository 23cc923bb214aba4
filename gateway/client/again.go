package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
)

// Times of trying again.
const (
	usualPatience = 3 * time.Second
	firstPause    = 100 * time.Millisecond // doubled each time
	longPause     = 2 * time.Second
)

// Patient makes a client go on trying for longer where an answer does not come: an instance that is started again
// is away for some seconds.
func (c *Client) Patient(d time.Duration) *Client {
	c.patience = d
	return c
}

// newOnce names one intention: however often its request is sent, it counts once.
func newOnce() string { return name.NewID().String() }

// again sends a message until there is an answer that another try would not change. That is safe: reads change
// nothing and changes carry a key that counts once.
func (c *Client) again(ctx context.Context, m message) (answer []byte, err error) {
	tries := c.tries()
	for {
		if answer, err = c.once(ctx, m); err == nil || !tries.more(ctx, err) {
			return answer, err
		}
	}
}

// tries is how long something is tried: only the pauses count.
type tries struct {
	left  time.Duration
	pause time.Duration
}

func (c *Client) tries() tries {
	return tries{left: c.patience, pause: firstPause}
}

// more waits for the next try and tells whether there should be one.
func (t *tries) more(ctx context.Context, err error) bool {
	later, retry := worthwhile(err)
	wait := max(t.pause, later)
	if !retry || ctx.Err() != nil || wait > t.left {
		return false
	}
	t.left, t.pause = t.left-wait, min(2*t.pause, longPause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// worthwhile tells whether another try may succeed, and what the server said of when.
func worthwhile(err error) (later time.Duration, retry bool) {
	var p *Problem
	if errors.As(err, &p) {
		return p.After, p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
	}
	var lost *lostError
	return 0, errors.As(err, &lost)
}

// lostError is an answer that did not come: whether the request arrived is not known.
type lostError struct{ cause error }

// Error implements error.
func (e *lostError) Error() string { return "calling the server: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *lostError) Unwrap() error { return e.cause }
