package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestVendoredFilesAreTheirs: what others wrote is byte for byte what they released.
func TestVendoredFilesAreTheirs(t *testing.T) {
	sums, err := os.ReadFile("static/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		body, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is changed", name)
		}
		listed++
	}
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		if vendored := strings.Contains(name, ".min."); vendored && !strings.Contains(string(sums), name) {
			t.Errorf("%s is not listed", name)
		}
	}
	if listed < 3 {
		t.Errorf("%d files are listed", listed)
	}
}

// TestFilesTravelPressed: a browser that takes gzip gets it, any other the bytes as they are, and a cache keeps them apart.
func TestFilesTravelPressed(t *testing.T) {
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	c := &Console{assets: all}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", c.serveAsset)
	for name, file := range all {
		for accepts, want := range map[string]string{"": "", "br": "", "gzip;q=0": "", "gzip, deflate, br": "gzip"} {
			r := httptest.NewRequest(http.MethodGet, "/static/"+name, nil)
			r.Header.Set("Accept-Encoding", accepts)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s for %q: %q, varies by %q", name, accepts, got, w.Header().Get("Vary"))
			}
			var body io.Reader = w.Body
			if want == "gzip" {
				if body, err = gzip.NewReader(w.Body); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, file.body) {
				t.Errorf("%s for %q is changed: %v", name, accepts, err)
			}
		}
	}
}
