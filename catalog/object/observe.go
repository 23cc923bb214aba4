package object

import (
	"net/http"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Observer is told of every call of the store: its method, the answer's status (0 for none), and how long the
// head of the answer took.
type Observer struct {
	Now  func() time.Time
	Took func(method string, status int, took time.Duration)
}

// reachable is a transport that tells a store which does not answer from one that answers badly.
type reachable struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t reachable) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err != nil && r.Context().Err() == nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Code: "store.unavailable", Cause: err}
	}
	return answer, err
}

// observed is a transport that tells an observer.
type observed struct {
	http.RoundTripper
	observer Observer
}

// RoundTrip implements http.RoundTripper.
func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	began, status := o.observer.Now(), 0
	answer, err := o.RoundTripper.RoundTrip(r)
	if err == nil {
		status = answer.StatusCode
	}
	o.observer.Took(r.Method, status, o.observer.Now().Sub(began))
	return answer, err
}
