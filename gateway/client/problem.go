package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Exit codes of a command, as design 8 has them.
const (
	ExitOK      = 0
	ExitFailed  = 1
	ExitUsage   = 2
	ExitRefused = 3
	ExitUnknown = 4
	ExitTimeout = 5
)

// Problem is what the server answered instead of what was asked for.
type Problem struct {
	wire.Problem
	After time.Duration // what the server said of when to try again; 0: nothing
}

// Error implements error with every reason and what helps.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", p.Title, p.Code)
	for _, r := range p.Reasons {
		fmt.Fprintf(&b, "\n  %s: %s", r.Code, r.Remedy)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", e.Location, e.Code)
	}
	return b.String()
}

// Codes lists the codes of every reason, or of every place, or the problem's own.
func (p *Problem) Codes() []string {
	var codes []string
	for _, r := range p.Reasons {
		codes = append(codes, r.Code)
	}
	for _, e := range p.Errors {
		codes = append(codes, e.Code)
	}
	if len(codes) == 0 {
		return []string{p.Code}
	}
	return codes
}

// Has reports whether a code is the problem's own or among its reasons and places.
func (p *Problem) Has(code string) bool { return p.Code == code || slices.Contains(p.Codes(), code) }

// ExitCode is what a command that met the problem ends with.
func (p *Problem) ExitCode() int {
	switch p.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return ExitUsage
	case http.StatusForbidden:
		return ExitRefused
	case http.StatusNotFound:
		return ExitUnknown
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return ExitTimeout
	}
	return ExitFailed
}

// problemOf reads a failed answer: a problem, an OAuth error, or something that is neither.
func problemOf(answer *http.Response, body []byte) *Problem {
	var p Problem
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.After = time.Duration(seconds) * time.Second
	}
	if err := json.Unmarshal(body, &p.Problem); err == nil && p.Code != "" {
		return &p
	}
	var o wire.OAuthError
	status := answer.StatusCode
	p.Problem = wire.Problem{Status: status, Code: "answer.foreign", Title: http.StatusText(status)}
	if err := json.Unmarshal(body, &o); err == nil && o.Error != "" {
		p.Problem = wire.Problem{Status: status, Code: "oauth." + o.Error, Title: o.Description}
	}
	return &p
}

// unauthenticated reports whether an error says that the token does not count any more.
func unauthenticated(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized && p.Code == "token.unknown"
}

// missing reports whether an error says that a thing is not there.
func missing(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// Remedy says what helps, in English, for a key that a finding carries.
func Remedy(key string) string { return RemedyIn(messages.English, key) }

// RemedyIn is Remedy in a language.
func RemedyIn(l messages.Language, key string) string {
	texts, err := messages.Embedded()
	if err != nil {
		return key
	}
	return texts.Remedy(l, key)
}
