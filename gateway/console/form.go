package console

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
)

// maxForm bounds the body of a form, in bytes.
const maxForm = 16 << 10

// readForm reads the fields of a form. Each may come once.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "body", Code: "query.invalid"})
	}
	return r.PostForm, once(r.PostForm, "body")
}

// once refuses fields that come twice: which one would count?
func once(values url.Values, where string) error {
	for _, v := range values {
		if len(v) != 1 {
			return fault.Bad("request.invalid", fault.Place{Location: where, Code: "query.invalid"})
		}
	}
	return nil
}

// inside returns the address of a page of the console, and its front page for anything else: nobody is led away.
func inside(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(address, Prefix+"/") ||
		strings.ContainsAny(address, "\\\r\n") || strings.Contains(u.Path, "..") {
		return Prefix
	}
	return u.RequestURI()
}

// challenge is what a verifier is proven against (RFC 7636 4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
