package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestChunkStopsAtItsBound: a chunk without a length is stopped where it passes the bound, not after.
func TestChunkStopsAtItsBound(t *testing.T) {
	for size, ok := range map[int]bool{10: true, 11: false, 1 << 20: false} {
		r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(strings.Repeat("x", size))))
		r.Header.Set("Content-Type", "application/octet-stream")
		r.Header.Set("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
		r.ContentLength = -1
		w := httptest.NewRecorder()
		if _, err := chunkBody(10, time.Minute)(w, r); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		status, _ := classify(err)
		if err == nil != ok || !ok && status != http.StatusRequestEntityTooLarge || len(got) > 10 {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
	}
}

// TestInternalErrorsHideTheirText: what nobody classed is 500 without a word of it.
func TestInternalErrorsHideTheirText(t *testing.T) {
	status, code := classify(errors.New("secret of the record"))
	if status != http.StatusInternalServerError || code != "internal" {
		t.Fatalf("got %d %s", status, code)
	}
}

// FuzzCheckJSON: what passes is JSON to every reader, and means one thing: written again by the decoder, it has
// the same members.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":1,"a":2}`, `[{"a":[]},{}]`, `{"a":{"b":null}}`, `"x"`, `1e400`, `{`, `{} {}`, "\xff", `{"A":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		code := checkJSON(text)
		var v any
		err := json.Unmarshal(text, &v)
		if code == "" && err != nil {
			t.Fatalf("passed what no reader takes: %v", err)
		}
		if code != "" {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if n, m := bytes.Count(text, []byte(`:`)), bytes.Count(again, []byte(`:`)); !bytes.ContainsAny(text, `"`) && n != m {
			t.Fatalf("%d members became %d", n, m)
		}
		if checkJSON(again) != "" {
			t.Fatal("its own rewriting does not pass")
		}
	})
}
