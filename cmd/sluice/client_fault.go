package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// toldError is a failure that is worded already, with the exit code it gives.
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

// explain turns what a command failed with into text that teaches: every reason with what helps. What was only
// rehearsed is no failure: it is shown.
func (c *call) explain(err error) error {
	var problem *client.Problem
	var local *fault.Error
	var own *texts.Fault
	switch r := rehearsed(err); {
	case r != nil:
		return c.showRehearsed(r)
	case err == nil || errors.As(err, &own):
		return err
	case errors.As(err, &problem):
		return toldError{c.problemText(problem.Problem), problem.ExitCode(), err}
	case errors.As(err, &local) && local.Kind == fault.Invalid:
		return toldError{c.invalidText(local), exitUsage, err}
	}
	return err
}

// mostAllowed is up to how many values are told that could stand where a wrong one stood; more hide what was wrong.
const mostAllowed = 40

// problemText lays a problem out: what happened, every reason with code, names and remedy, every place.
func (c *call) problemText(p wire.Problem) string {
	var b strings.Builder
	b.WriteString(c.headline(p))
	if len(p.Reasons) == 0 && p.Status != http.StatusNotFound {
		b.WriteString(helpLine("\n  ", "", p.Remedy))
	}
	for _, r := range p.Reasons {
		b.WriteString(c.reasonText(r))
	}
	for _, e := range p.Errors {
		b.WriteString("\n  " + e.Location + ": " + c.coded(e.Code) + helpLine("\n      ", "", e.Remedy))
	}
	if p.From == "" && 0 < len(p.Allowed) && len(p.Allowed) <= mostAllowed {
		b.WriteString("\n  " + c.Say("problem.allowed", "allowed", joined(p.Allowed)))
	}
	if p.From != "" {
		allowed := orDash(words(c, p.Allowed))
		b.WriteString("\n  " + c.Say("problem.moves", "from", word(c, p.From), "to", orDash(word(c, p.To)), "allowed", allowed))
	}
	if p.Status == http.StatusUnauthorized {
		b.WriteString("\n  " + c.Say("problem.admitted"))
	}
	if p.RequestID != "" {
		b.WriteString("\n  " + c.Say("problem.request", "id", p.RequestID))
	}
	return printable(b.String())
}

// headline says what kind of failure it is.
func (c *call) headline(p wire.Problem) string {
	what := p.Code
	if p.Title != "" && p.Title != p.Code {
		what += c.Say("colon") + p.Title
	}
	switch {
	case p.Status == http.StatusForbidden && len(p.Reasons) == 1:
		return c.Say("refused.one")
	case p.Status == http.StatusForbidden && len(p.Reasons) > 1:
		return c.Say("refused.many", "n", len(p.Reasons))
	case p.Status == http.StatusForbidden:
		return c.Say("refused.plain", "what", what)
	case p.Status == http.StatusNotFound:
		return c.Say("unknown")
	}
	return what
}

// reasonText tells one reason: its code, what it concerns, what it means and what helps. Title and remedy are in
// the reader's language: the remedy came so from the server.
func (c *call) reasonText(r wire.Reason) string {
	line := "\n  " + r.Code
	if r.Input != "" {
		line += c.Say("reason.input", "input", r.Input)
	}
	if len(r.What) > 0 {
		line += ": " + strings.Join(r.What, ", ")
	}
	return line + helpLine("\n      ", c.Title(r.Code), r.Remedy)
}

// helps tells below a finding what it means and what helps.
func (c *call) helps(start, code, remedy string) string {
	if remedy != "" {
		remedy = c.Remedy(remedy)
	}
	return helpLine(start, c.Title(code), remedy)
}

func helpLine(start, title, remedy string) string {
	switch {
	case title == "" && remedy == "":
		return ""
	case remedy == "":
		return start + title
	case title == "":
		return start + "→ " + remedy
	}
	return start + title + " → " + remedy
}

// coded shows a stable code with what it means.
func (c *call) coded(code string) string {
	if title := c.Title(code); title != "" {
		return code + c.Say("colon") + title
	}
	return code
}

// invalidText tells the faults of a person's own file, with the parser's words where there are any.
func (c *call) invalidText(e *fault.Error) string {
	text := c.coded(e.Code)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return printable(text + c.placesText(e.Places))
}

// placesText lists faults of an input below each other.
func (c *call) placesText(places fault.Places) string {
	var b strings.Builder
	b.WriteString(c.Say("file.nothing_sent"))
	for _, p := range places {
		what := c.Say(p.Code) // the reader of files has words of its own
		if what == p.Code {
			what = c.coded(p.Code)
		}
		b.WriteString("\n  " + c.location(p.Location) + ": " + what)
	}
	return b.String()
}

// location names a place of a file: "line 7: columns[0].level" with its first words in the reader's language.
func (c *call) location(at string) string {
	rest, ok := strings.CutPrefix(at, "line ")
	if !ok {
		return at
	}
	line, member, _ := strings.Cut(rest, ": ")
	at = c.Say("place.line", "n", line)
	if member != "" {
		at += ": " + member
	}
	return at
}
