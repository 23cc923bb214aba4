package gateway

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strconv"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/gateway/session"
	"github.com/sluicedata/sluice/gateway/wire"
)

// problems turns errors into RFC 9457 problems in the reader's language.
type problems struct {
	texts messages.Messages
	log   *slog.Logger
}

// problem is one on its way out. It never holds what the caller sent.
type problem struct {
	wire.Problem
	headers http.Header
}

// Error implements error with the code.
func (p *problem) Error() string { return p.Code }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return wire.ProblemType }

// statuses is the one table from kinds of failure to HTTP.
func statuses() map[fault.Kind]int {
	return map[fault.Kind]int{
		fault.Internal:        http.StatusInternalServerError,
		fault.Invalid:         http.StatusUnprocessableEntity,
		fault.Unauthenticated: http.StatusUnauthorized,
		fault.Denied:          http.StatusForbidden,
		fault.Unknown:         http.StatusNotFound,
		fault.Conflict:        http.StatusConflict,
		fault.Unavailable:     http.StatusServiceUnavailable,
		fault.Changed:         http.StatusPreconditionFailed,
		fault.Limited:         http.StatusTooManyRequests,
	}
}

// of says what a caller may know of an error, and logs what is ours to mend.
func (p problems) of(r *http.Request, err error) *problem {
	status, code := classify(err)
	var f *fault.Error
	if !errors.As(err, &f) {
		f = &fault.Error{}
	}
	if status >= http.StatusInternalServerError {
		p.log.ErrorContext(r.Context(), "a request failed", "request_id", requestID(r.Context()),
			"method", r.Method, "route", r.Pattern, "code", code, "err", err)
	}
	out := p.new(r, status, code)
	if status == http.StatusInternalServerError {
		return out
	}
	out.Reasons, out.Errors = p.reasons(r, f), p.places(r, f.Places)
	out.From, out.To, out.Allowed = f.From, f.To, f.Allowed
	if f.Kind == fault.Limited {
		out.headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.After.Seconds()))))
	}
	return out
}

// classify finds status and code of an error. What has no kind is internal, and hides its text.
func classify(err error) (status int, code string) {
	var media *mediaError
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &media):
		return http.StatusUnsupportedMediaType, media.code
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge, "body.too_large"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "body.too_slow"
	case errors.Is(err, errPath):
		return http.StatusBadRequest, "path.invalid"
	case errors.Is(err, errLength):
		return http.StatusBadRequest, "length.missing"
	}
	return statuses()[fault.Of(err)], fault.Code(err)
}

// new makes a problem with its title and the headers its status asks for.
func (p problems) new(r *http.Request, status int, code string) *problem {
	out := &problem{
		Problem: wire.Problem{
			Type: "/problems/" + code, Title: p.texts.Title(language(r), code), Status: status, Code: code, Remedy: p.texts.Help(language(r), code),
			RequestID: requestID(r.Context()),
		},
		headers: http.Header{},
	}
	switch status {
	case http.StatusUnauthorized:
		out.headers.Set("WWW-Authenticate", `Bearer realm="sluice"`)
	case http.StatusServiceUnavailable:
		out.headers.Set("Retry-After", "1")
	}
	return out
}

func (p problems) reasons(r *http.Request, f *fault.Error) []wire.Reason {
	var out []wire.Reason
	for _, why := range f.Reasons {
		out = append(out, wire.Reason{
			Code: why.Code, Dimension: why.Dimension, Input: why.Input, What: why.What,
			Remedy: p.texts.Remedy(language(r), why.Remedy),
		})
	}
	return out
}

func (p problems) places(r *http.Request, all fault.Places) []wire.Place {
	var out []wire.Place
	l := language(r)
	for _, at := range all {
		out = append(out, wire.Place{Location: at.Location, Code: at.Code, Title: p.texts.Title(l, at.Code), Remedy: p.texts.Help(l, at.Code)})
	}
	return out
}

func language(r *http.Request) messages.Language {
	return messages.Choose(r.Header.Get("Accept-Language"))
}

// write answers with a problem where huma does not.
func (p problems) write(w http.ResponseWriter, r *http.Request, err error) {
	out := p.of(r, err)
	for name, values := range out.headers {
		w.Header()[name] = values
	}
	writeJSON(w, out.Status, wire.ProblemType, out.Problem)
}

// writeOAuth answers a refused token request.
func (p problems) writeOAuth(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *session.Refusal
	if !errors.As(err, &refusal) {
		refusal = &session.Refusal{Status: http.StatusInternalServerError, Cause: err}
	}
	if refusal.Cause != nil {
		p.log.ErrorContext(r.Context(), "a token request failed",
			"request_id", requestID(r.Context()), "err", refusal.Cause)
	}
	if refusal.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
	}
	writeJSON(w, refusal.Status, "application/json", refusal.OAuthError)
}
