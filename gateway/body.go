package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Bounds of a request's body.
const (
	maxJSON       = 1 << 20          // bytes, unless the instance is configured otherwise
	jsonPatience  = 15 * time.Second // likewise
	chunkPatience = 60 * time.Second // likewise, between two reads of a chunk
)

// bodyReader reads or refuses the body of a request before its verb, and returns what it read whole.
type bodyReader func(w http.ResponseWriter, r *http.Request) ([]byte, error)

// noBody refuses bytes nobody would read, also those of no said length.
func noBody(_ http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength != 0 {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "body", Code: "body.unexpected"})
	}
	return nil, nil
}

// jsonBody reads a JSON text strictly and leaves it where huma finds it: UTF-8, one value, bounded in bytes,
// depth and numbers, no member twice and none that is not spelt like ours. What stands for one thing to a
// reader must not stand for another to us.
func jsonBody(most int64, patience time.Duration) bodyReader {
	return func(w http.ResponseWriter, r *http.Request) ([]byte, error) {
		if err := mediaType(r, "application/json"); err != nil {
			return nil, err
		}
		slow := time.AfterFunc(patience, func() { giveUp(w) })
		defer slow.Stop()
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
		if err != nil {
			return nil, unread(err)
		}
		if code := checkJSON(text); code != "" {
			return nil, fault.Bad("request.invalid", fault.Place{Location: "body", Code: code})
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		return text, nil
	}
}

// chunkBody bounds a chunk in bytes and in silence; its verb reads it as it comes. A digest of the content must
// come with it (RFC 9530).
func chunkBody(most int64, patience time.Duration) bodyReader {
	return func(w http.ResponseWriter, r *http.Request) ([]byte, error) {
		if err := mediaType(r, "application/octet-stream"); err != nil {
			return nil, err
		}
		if r.ContentLength > most {
			return nil, tooLarge()
		}
		if r.ContentLength == 0 {
			return nil, fault.Bad("request.invalid", fault.Place{Location: "body", Code: "body.missing"})
		}
		if _, err := contentDigest(r); err != nil {
			return nil, err
		}
		r.Body = &patient{http.MaxBytesReader(w, r.Body, most), w, patience}
		return nil, nil
	}
}

// contentDigest reads the SHA-256 of a request's content from its Content-Digest field (RFC 9530 2): the field
// stands there once, and other algorithms beside SHA-256 do not count.
func contentDigest(r *http.Request) (name.Digest, error) {
	bad := func(code string) error {
		return fault.Bad("request.invalid", fault.Place{Location: "header.content-digest", Code: code})
	}
	fields := r.Header.Values("Content-Digest")
	if len(fields) == 0 {
		return "", bad("digest.missing")
	}
	for member := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(member), "sha-256=:")
		value, ends := strings.CutSuffix(value, ":")
		if !ok || !ends {
			continue
		}
		sum, err := base64.StdEncoding.Strict().DecodeString(value)
		if err != nil || len(sum) != sha256.Size {
			return "", bad("digest.invalid")
		}
		return name.DigestSum([sha256.Size]byte(sum)), nil
	}
	return "", bad("digest.missing")
}

// patient gives up on a sender who sends nothing for as long as it waits.
type patient struct {
	io.ReadCloser
	w     http.ResponseWriter
	waits time.Duration
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	slow := time.AfterFunc(p.waits, func() { giveUp(p.w) })
	defer slow.Stop()
	n, err := p.ReadCloser.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unread(err) // a line that broke is the sender's, not a failure of ours
	}
	return n, err
}

// giveUp ends a read under way.
func giveUp(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // a writer without deadlines has no socket
}

// mediaType refuses other types than the wanted one, other character sets than UTF-8, and encodings.
func mediaType(r *http.Request, want string) error {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := parameters["charset"]
	switch {
	case err != nil || kind != want:
		return &mediaError{"media.type"}
	case named && !strings.EqualFold(charset, "utf-8"):
		return &mediaError{"media.charset"}
	case r.Header.Get("Content-Encoding") != "":
		return &mediaError{"media.encoding"}
	}
	return nil
}

// mediaError refuses a body by its headers (415).
type mediaError struct{ code string }

// Error implements error with the code.
func (m *mediaError) Error() string { return m.code }

// unread says why a body could not be read: too long, too slow, or broken off.
func unread(err error) error {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return fault.Bad("request.invalid", fault.Place{Location: "body", Code: "body.broken"})
}

func tooLarge() error { return &http.MaxBytesError{} }

// Bounds of a JSON text. None of ours comes near them.
const (
	maxDepth  = 32
	maxNumber = 32 // characters
)

// finite reports whether a number fits what every reader of JSON holds.
func finite(literal string) bool {
	f, err := strconv.ParseFloat(literal, 64)
	return err == nil && !math.IsInf(f, 0) && len(literal) <= maxNumber
}
