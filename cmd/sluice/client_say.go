package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
)

// failure is something this program has to say itself: a phrase of the message files, worded in the reader's
// language where it is shown, with the exit code it gives.
type failure struct {
	code  int
	key   string
	pairs []any // names and values of the phrase
	cause error
}

// Error names the phrase; worded says it.
func (e failure) Error() string {
	if e.cause != nil {
		return e.key + ": " + e.cause.Error()
	}
	return e.key
}

// Unwrap returns the cause.
func (e failure) Unwrap() error { return e.cause }

// ExitCode is the program's exit code.
func (e failure) ExitCode() int { return e.code }

// because adds what it was caused by.
func (e failure) because(cause error) failure {
	e.cause = cause
	return e
}

// usage says that the command line, or a file it names, is wrong.
func usage(key string, pairs ...any) failure { return failure{code: exitUsage, key: key, pairs: pairs} }

// failed says that what was asked for could not be done.
func failed(key string, pairs ...any) failure {
	return failure{code: exitFailed, key: key, pairs: pairs}
}

// unknown says that what was named is not there.
func unknown(key string, pairs ...any) failure {
	return failure{code: exitUnknown, key: key, pairs: pairs}
}

// late says that patience ended first.
func late(key string, pairs ...any) failure {
	return failure{code: exitTimeout, key: key, pairs: pairs}
}

// worded says an error in the language of the texts.
func worded(said texts.Texts, err error) string {
	var own failure
	var told toldError
	switch {
	case errors.As(err, &own): // first: what was told may be its cause
		return said.Say(own.key, own.pairs...) + becauseOf(said, own)
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
	var fault *trace.Fault
	if errors.As(err, &fault) {
		return said.Say("proof.entry", "index", fault.Index, "reason", fault.Reason)
	}
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return lookup.Name + ": " + said.Say("system.no_such_host")
	}
	return err.Error()
}

// becauseOf says what a failure was caused by. A file that the failure names is not named again.
func becauseOf(said texts.Texts, own failure) string {
	if own.cause == nil {
		return ""
	}
	cause := worded(said, own.cause)
	for _, named := range own.pairs {
		cause = strings.TrimPrefix(cause, fmt.Sprint(named)+": ")
	}
	return said.Say("because", "cause", cause)
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
