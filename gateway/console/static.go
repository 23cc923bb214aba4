package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static/*.css static/*.js static/*.svg static/*.txt
var assetFiles embed.FS

// Islands are the scripts that few pages load, and what each may cost on its way to a browser, in bytes, by its address's
// path. See islands for what they are made from.
func Islands() map[string]int {
	return map[string]int{Prefix + "/static/editor.js": 180 << 10, Prefix + "/static/chart.js": 200 << 10}
}

// asset is one file a browser loads.
type asset struct {
	body   []byte
	gzip   []byte // the same, pressed once
	digest string // 16 characters: an address with it is of these bytes for good
	kind   string
}

// assets are the files by name. They never change.
type assets map[string]asset

func readAssets() (assets, error) {
	entries, err := assetFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("reading the console's files: %w", err)
	}
	all := assets{}
	for _, e := range entries {
		body, err := assetFiles.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the console's files: %w", err)
		}
		small, err := pressed(body)
		if err != nil {
			return nil, fmt.Errorf("pressing the console's files: %w", err)
		}
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{body: body, gzip: small, digest: hex.EncodeToString(sum[:8]), kind: mime.TypeByExtension(path.Ext(e.Name()))}
	}
	return all, nil
}

// pressed returns gzip (RFC 1952) of bytes. Pages themselves travel as they are: what is secret in them must not show in
// their length.
func pressed(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// address is where a browser finds a file.
func (a assets) address(name string) (string, error) {
	file, found := a[name]
	if !found {
		return "", fmt.Errorf("no file %s", name)
	}
	return Prefix + "/static/" + name + "?v=" + file.digest, nil
}

// serveAsset hands out a file. Under its digest it may be kept for good.
func (c *Console) serveAsset(w http.ResponseWriter, r *http.Request) {
	file, found := c.assets[r.PathValue("file")]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	if r.URL.Query().Get("v") == file.digest {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Vary", "Accept-Encoding")
	body := file.body
	if takesGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	_, _ = w.Write(body) // who hung up gets no more
}

// takesGzip tells whether a browser names gzip without a weight: every one that takes it does (RFC 9110 12.5.3).
func takesGzip(r *http.Request) bool {
	for _, coding := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}
