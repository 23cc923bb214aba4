package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
)

// Bounds of trying again.
const (
	tries      = 4
	firstPause = 200 * time.Millisecond // doubled each time
	longPause  = 10 * time.Second
)

// newOnce names one intention: however often its request is sent, it counts once.
func newOnce() string { return name.NewID().String() }

// again sends a message until there is an answer that another try would not change. That is safe: reads change
// nothing and changes carry a key that counts once.
func (c *Client) again(ctx context.Context, m message) (answer []byte, err error) {
	wait := firstPause
	for try := 1; ; try++ {
		answer, err = c.once(ctx, m)
		later, retry := worthwhile(err)
		if !retry || try == tries || ctx.Err() != nil {
			return answer, err
		}
		timer := time.NewTimer(max(wait, later))
		select {
		case <-ctx.Done():
			timer.Stop()
			return answer, err
		case <-timer.C:
		}
		wait *= 2
	}
}

// worthwhile tells whether another try may succeed, and what the server said of when.
func worthwhile(err error) (later time.Duration, retry bool) {
	var p *Problem
	switch {
	case err == nil:
		return 0, false
	case errors.As(err, &p):
		retry = p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
		return min(p.After, longPause), retry
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
