package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// hidden stands in the log for what must not be there.
const hidden = "(hidden)"

// newLog returns a log of one JSON object a line from a level on, with secrets hidden.
func newLog(w io.Writer, level string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level)) // config has checked it; else info
	return slog.New(redacting{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least}), newRedactor()})
}

// redactor finds secrets in text: by the names they are given under, and by how they look.
type redactor struct {
	names  []string
	shapes *regexp.Regexp
}

// newRedactor knows the secrets of an instance: database passwords, bearer tokens and signed assertions (RFC 6750,
// RFC 7523), tokens and secrets of 32 random bytes in base64, key files in PEM and age.
func newRedactor() redactor {
	return redactor{
		names: []string{"password", "passphrase", "secret", "token", "authorization", "assertion", "cookie", "private_key"},
		shapes: regexp.MustCompile(`(?i:password\s*=\s*)('[^']*'|\S+)` +
			`|(?i:bearer\s+)[A-Za-z0-9._~+/=-]{8,}` +
			`|://[^/\s:@]+:[^/\s@]+@` +
			`|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*` +
			`|AGE-SECRET-KEY-[A-Z0-9-]+` +
			`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?` +
			`|\b[A-Za-z0-9_/+-]{43}(=|\b)`),
	}
}

func (r redactor) text(s string) string { return r.shapes.ReplaceAllString(s, hidden) }

// attr hides what an attribute carries.
func (r redactor) attr(a slog.Attr) slog.Attr {
	lower := strings.ToLower(a.Key)
	for _, name := range r.names {
		if strings.Contains(lower, name) {
			return slog.String(a.Key, hidden)
		}
	}
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, r.text(v.String()))
	case slog.KindGroup:
		members := make([]slog.Attr, 0, len(v.Group()))
		for _, member := range v.Group() {
			members = append(members, r.attr(member))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(members...)}
	case slog.KindAny:
		// What it would be encoded as could hold anything: its text stands for it.
		return slog.String(a.Key, r.text(fmt.Sprint(v.Any())))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}

// redacting is a handler behind which no secret is written.
type redacting struct {
	slog.Handler
	redactor redactor
}

// Handle implements slog.Handler.
func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.redactor.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.redactor.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		clean = append(clean, h.redactor.attr(a))
	}
	return redacting{h.Handler.WithAttrs(clean), h.redactor}
}

// WithGroup implements slog.Handler.
func (h redacting) WithGroup(name string) slog.Handler {
	return redacting{h.Handler.WithGroup(name), h.redactor}
}
