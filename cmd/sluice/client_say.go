package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
)

// failure is something this program has to say itself: a phrase of the message files, worded in the reader's
// language where it is shown, with the exit code it gives.
type failure struct {
	*texts.Fault
	code int
}

// Unwrap returns what is said.
func (e failure) Unwrap() error { return e.Fault }

// ExitCode is the program's exit code.
func (e failure) ExitCode() int { return e.code }

// because adds what it was caused by.
func (e failure) because(cause error) failure {
	e.Cause = cause
	return e
}

// usage says that the command line, or a file it names, is wrong.
func usage(key string, pairs ...any) failure { return failure{texts.Wrong(key, pairs...), exitUsage} }

// failed says that what was asked for could not be done.
func failed(key string, pairs ...any) failure {
	return failure{texts.Wrong(key, pairs...), exitFailed}
}

// unknown says that what was named is not there.
func unknown(key string, pairs ...any) failure {
	return failure{texts.Wrong(key, pairs...), exitUnknown}
}

// late says that patience ended first.
func late(key string, pairs ...any) failure {
	return failure{texts.Wrong(key, pairs...), exitTimeout}
}

// worded says an error in the language of the texts.
func worded(said texts.Texts, err error) string {
	var own *texts.Fault
	var told toldError
	var set *config.Error
	var faults *backup.FaultsError
	switch {
	case errors.As(err, &set):
		return set.Place + ": " + worded(said, set.Why)
	case errors.As(err, &own): // first: what was told may be its cause
		return said.Say(own.Key, own.Pairs...) + becauseOf(said, own)
	case errors.As(err, &faults):
		return faults.Say(said)
	case errors.As(err, &told):
		return told.text
	}
	if text := flagText(said, err); text != "" {
		return text
	}
	for _, known := range systemErrors() {
		if errors.Is(err, known.is) {
			return placed(err) + said.Say(known.key)
		}
	}
	if text := placesOf(said, err); text != "" {
		return text
	}
	var broken *trace.Fault
	if errors.As(err, &broken) {
		return said.Say("proof.entry", "index", broken.Index, "reason", broken.Reason)
	}
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return lookup.Name + ": " + said.Say("system.no_such_host")
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return said.Say("system.ended", "status", ended.String())
	}
	return err.Error()
}

// becauseOf says what a failure was caused by. A file that the failure names is not named again.
func becauseOf(said texts.Texts, own *texts.Fault) string {
	if own.Cause == nil {
		return ""
	}
	cause := worded(said, own.Cause)
	for _, named := range own.Pairs {
		cause = strings.TrimPrefix(cause, fmt.Sprint(named)+": ")
	}
	return said.Say("because", "cause", cause)
}

// placesOf lists every place of something that was checked whole, each with what is wrong there and what helps; "" for
// other errors.
func placesOf(said texts.Texts, err error) string {
	var checked *fault.Error
	if !errors.As(err, &checked) || len(checked.Places) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(checked.Code)
	if title := said.Title(checked.Code); title != "" {
		b.WriteString(said.Say("colon") + title)
	}
	c := &call{Texts: said}
	for _, p := range checked.Places {
		b.WriteString("\n  " + c.location(p.Location) + ": " + p.Code + helpLine(said.Say("colon"), said.Title(p.Code), remedyAt(said, p)))
	}
	return b.String()
}

// remedyAt says what helps at a place: of a figure of the rule set the range it may have.
func remedyAt(said texts.Texts, p fault.Place) string {
	least, most, ok := ruleset.Bounds(p.Location)
	switch remedy := said.Remedy(p.Code); {
	case ok && most == math.MaxInt32:
		return said.Say("rules.least", "least", least)
	case ok:
		return said.Say("rules.range", "least", least, "most", strconv.FormatFloat(most, 'f', -1, 64))
	case remedy != p.Code:
		return remedy
	}
	return ""
}

// placed names the file an error of the system is about.
func placed(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path + ": "
	}
	return ""
}

// systemError is an error of the system or of what verifies that people meet, and the phrase for it.
type systemError struct {
	is  error
	key string
}

func systemErrors() []systemError {
	return []systemError{
		{client.ErrProfileOpen, "profile.open"},
		{client.ErrNoKey, "session.ended"},
		{client.ErrProduct, "proof.other_bytes"},
		{client.ErrEntry, "proof.other_entry"},
		{trust.ErrUnknown, "proof.key_unknown"},
		{trust.ErrPurpose, "proof.key_purpose"},
		{trust.ErrTime, "proof.key_time"},
		{trust.ErrRevoked, "proof.key_revoked"},
		{envelope.ErrSignature, "proof.signature"},
		{envelope.ErrKey, "proof.signature"},
		{envelope.ErrType, "proof.other_type"},
		{trace.ErrProof, "proof.not_held"},
		{trace.ErrCheckpoint, "proof.no_checkpoint"},
		{trace.ErrCorrupt, "proof.log_differs"},
		{os.ErrNotExist, "system.no_such_file"},
		{os.ErrExist, "system.exists"},
		{os.ErrPermission, "system.no_permission"},
		{syscall.EISDIR, "system.is_folder"},
		{syscall.EADDRINUSE, "system.port_taken"},
		{syscall.EADDRNOTAVAIL, "system.no_address"},
		{syscall.ENOSPC, "system.disk_full"},
		{syscall.EROFS, "system.read_only"},
		{syscall.ENOTDIR, "system.no_folder"},
		{syscall.ECONNREFUSED, "system.nobody_listens"},
		{context.DeadlineExceeded, "system.too_late"},
		{context.Canceled, "system.interrupted"},
	}
}

// flagText says what pflag found wrong with a flag; "" for other errors.
func flagText(said texts.Texts, err error) string {
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var malformed *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return said.Say("flag.unknown", "flag", dashes+unknown.GetSpecifiedName())
	case errors.As(err, &valueless):
		return said.Say("flag.no_value", "flag", "--"+valueless.GetFlag().Name)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return said.Say("flag.bad_value", "flag", "--"+f.Name, "value", invalid.GetValue(), "kind", said.Say("kind."+f.Value.Type()))
	case errors.As(err, &malformed):
		return said.Say("flag.malformed", "flag", malformed.GetSpecifiedFlag())
	}
	return ""
}

// spoken is the key texts travel under in a command's context.
type spoken struct{}

// withTexts returns a context in which commands speak a language.
func withTexts(ctx context.Context, said texts.Texts) context.Context {
	return context.WithValue(ctx, spoken{}, said)
}

func textsOf(ctx context.Context) texts.Texts {
	if ctx == nil { // cobra completes without one
		return texts.Texts{}
	}
	said, _ := ctx.Value(spoken{}).(texts.Texts)
	return said
}

// langFlag finds --lang before the command line is parsed: also what is wrong with it is said in that language.
func langFlag(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			return value
		}
		if arg == "--" {
			break
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
