package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// toldError is a failure as it is shown to people, with the exit code it gives.
type toldError struct {
	text  string
	code  int
	cause error
}

// Error implements error.
func (e toldError) Error() string { return e.text }

// Unwrap returns the cause.
func (e toldError) Unwrap() error { return e.cause }

// ExitCode is the program's exit code.
func (e toldError) ExitCode() int { return e.code }

// explain turns what a command failed with into text that teaches: every reason with what helps.
func explain(err error) error {
	var problem *client.Problem
	var local *fault.Error
	var usage usageError
	switch {
	case err == nil || errors.As(err, &usage):
		return err
	case errors.As(err, &problem):
		return toldError{problemText(problem.Problem), problem.ExitCode(), err}
	case errors.Is(err, context.DeadlineExceeded):
		return toldError{printable(err.Error()), exitTimeout, err}
	case errors.As(err, &local) && local.Kind == fault.Invalid:
		return toldError{invalidText(local), exitUsage, err}
	}
	return err
}

// problemText lays a problem out: what happened, every reason with code, names and remedy, every place.
func problemText(p wire.Problem) string {
	var b strings.Builder
	b.WriteString(headline(p))
	for _, r := range p.Reasons {
		b.WriteString(reasonText(r))
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", e.Location, e.Code)
	}
	if p.From != "" {
		fmt.Fprintf(&b, "\n  it is %s and cannot become %s; from here: %s", p.From, orDash(p.To), orDash(strings.Join(p.Allowed, ", ")))
	}
	if p.Status == http.StatusUnauthorized {
		b.WriteString("\n  has an administrator of your organization admitted this key? (`sluice key admit FINGERPRINT`)")
	}
	if p.RequestID != "" {
		fmt.Fprintf(&b, "\n  request %s", p.RequestID)
	}
	return printable(b.String())
}

// headline says what kind of failure it is.
func headline(p wire.Problem) string {
	what := p.Code
	if p.Title != "" && p.Title != p.Code {
		what += ": " + p.Title
	}
	switch {
	case p.Status == http.StatusForbidden && len(p.Reasons) == 1:
		return "refused, for one reason"
	case p.Status == http.StatusForbidden && len(p.Reasons) > 1:
		return fmt.Sprintf("refused, for %d reasons", len(p.Reasons))
	case p.Status == http.StatusForbidden:
		return "refused: " + what
	case p.Status == http.StatusNotFound:
		return "not found: no such object, or not yours to see"
	}
	return what
}

func reasonText(r wire.Reason) string {
	line := "\n  " + r.Code
	if r.Input != "" {
		line += " (input " + r.Input + ")"
	}
	if len(r.What) > 0 {
		line += ": " + strings.Join(r.What, ", ")
	}
	if r.Remedy != "" {
		line += "\n      → " + r.Remedy
	}
	return line
}

// invalidText tells the faults of a person's own file, with the parser's words where there are any.
func invalidText(e *fault.Error) string {
	text := e.Code
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return printable(text + placesText(e.Places))
}
