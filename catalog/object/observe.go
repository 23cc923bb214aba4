package object

import (
	"net/http"
	"time"
)

// Observer is told of every call of the store: its method, the answer's status (0 for none), and how long the
// head of the answer took.
type Observer struct {
	Now  func() time.Time
	Took func(method string, status int, took time.Duration)
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
