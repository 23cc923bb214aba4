package gateway

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
)

// Bounds of an Idempotency-Key, in characters.
const (
	minOnce = 16
	maxOnce = 128
)

// condition reads how a change is to be carried out: once under the caller's key (draft-ietf-httpapi-idempotency-
// key-header), and only on the object they saw (If-Match, RFC 9110 13.1.1). body is what was read of the request.
func condition(r *http.Request, body []byte) (catalog.Condition, error) {
	c := catalog.Condition{Key: r.Header.Get("Idempotency-Key")}
	var p fault.Places
	switch {
	case c.Key == "":
		p.Add("header.Idempotency-Key", "idempotency.missing")
	case len(r.Header.Values("Idempotency-Key")) > 1 || len(c.Key) < minOnce || len(c.Key) > maxOnce || !visible(c.Key):
		p.Add("header.Idempotency-Key", "idempotency.invalid")
	}
	if seen := r.Header.Get("If-Match"); seen != "" && seen != "*" {
		tag, ok := strongTag(seen)
		p.Require(ok, "header.If-Match", "tag.invalid")
		c.Seen = tag
	}
	sum := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, string(body)} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	sum.Sum(c.Asked[:0])
	return c, p.Err("request.invalid")
}

// strongTag takes one strong entity tag apart. A list or a weak one matches nothing of ours.
func strongTag(s string) (string, bool) {
	tag, ok := strings.CutPrefix(s, `"`)
	tag, closed := strings.CutSuffix(tag, `"`)
	return tag, ok && closed && tag != "" && !strings.ContainsAny(tag, `", `)
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// tagged describes the conditions of a change, and the tag of what is read.
func tagged(op *huma.Operation) {
	header := func(name, description string, required bool) *huma.Param {
		return &huma.Param{Name: name, In: "header", Description: description, Required: required, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	if op.Method != http.MethodGet {
		op.Parameters = append(op.Parameters,
			header("Idempotency-Key", "16 to 128 visible characters, new for each intention; the same again gets the same answer for 24 hours, or 409 where it was shown once", true),
			header("If-Match", "the ETag of the object decided on: 412 when it has changed since", false))
	}
}
