package gateway

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Seen is one answered request as its log line and the metrics have it: nothing a caller chose is in it.
type Seen struct {
	Route  string // pattern of the contents page, "GET /api/v1/jobs/{number}"; "other" for what has none
	Status int
	Bytes  int64 // of the answer's body
	Took   time.Duration
}

// observed logs one line a request and tells who counts. The pattern stands for the path: neither path nor query
// nor body is written, for they name people and data.
func (e *edge) observed(c Config) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := c.Now()
			out := &counted{ResponseWriter: w, status: http.StatusOK}
			next.ServeHTTP(out, r)
			seen := Seen{Route: routeOf(r), Status: out.status, Bytes: out.bytes, Took: c.Now().Sub(began)}
			method, pattern, known := strings.Cut(seen.Route, " ")
			if !known {
				method, pattern = "", seen.Route
			}
			c.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", requestID(r.Context())),
				slog.String("method", method), slog.String("route", pattern), slog.Int("status", seen.Status),
				slog.Int64("ms", seen.Took.Milliseconds()), slog.Int64("bytes", seen.Bytes))
			if c.Observe != nil {
				c.Observe(seen)
			}
		})
	}
}

// routeOf returns the pattern that answered. A method of nobody's and the path of no route are one "other".
func routeOf(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return "other"
	}
	return r.Pattern
}

// counted notes status and length of an answer on its way.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
	said   bool
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (c *counted) WriteHeader(status int) {
	if !c.said && status >= http.StatusOK {
		c.status, c.said = status, true
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	c.said = true
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}
