package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
)

// front is what every request passes first.
func (e *edge) front(inner http.Handler, observed func(http.Handler) http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.problems.write(w, r, fault.New(fault.Denied, "origin.foreign"))
	}))
	return e.named(observed(e.caught(protected(e.framed(e.plain(guard.Handler(inner)))))))
}

// requestKey is where a request's id waits.
type requestKey struct{}

// requestID returns the id made for a request: 32 characters.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// named gives every request an id of ours; what a caller sends for one counts for nothing.
func (e *edge) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw := make([]byte, 16)
		_, _ = rand.Read(raw) // it never fails: crypto/rand ends the program instead
		id := hex.EncodeToString(raw)
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// caught turns a panic into a problem, when nothing was answered yet, and a line in the log.
func (e *edge) caught(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			e.problems.log.ErrorContext(r.Context(), "a request panicked",
				"request_id", requestID(r.Context()), "method", r.Method, "cause", cause)
			e.problems.write(w, r, errors.New("panicked"))
		}()
		next.ServeHTTP(w, r)
	})
}

// protected sets the headers of every answer: nothing is kept by a cache, framed, sniffed or run.
func protected(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// framed refuses a body in chunks: everything but a file's knows its length. Go drops the Content-Length of a request
// that names both framings (RFC 9112 6.3), so nothing behind it can see the pair; a part in between may have gone by
// the other one, and would take what follows for somebody else's request. So a connection ends with a body in chunks,
// and with any request of HTTP/1.0, where Go drops the chunks' header instead.
func (e *edge) framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunked := len(r.TransferEncoding) > 0
		if chunked || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		if chunked && r.Method != http.MethodPut {
			e.problems.write(w, r, errLength)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errLength refuses a body that does not say its length (400).
var errLength = errors.New("body does not say its length")

// plain refuses paths that are not spelt as ours are: steps up, empty steps, escapes, other alphabets. The
// router would redirect some of them and decode others into names.
func (e *edge) plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL.EscapedPath()) {
			e.problems.write(w, r, errPath)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errPath refuses a path (400).
var errPath = errors.New("path is not spelt like ours")

func plainPath(escaped string) bool {
	for i := range len(escaped) {
		c := escaped[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("/-_.:", rune(c)) {
			return false
		}
	}
	return path.Clean(escaped) == escaped
}

// writeJSON writes an answer huma does not write.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // the status is out: who hung up gets no more
}
