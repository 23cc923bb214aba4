package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
)

//go:embed static/*.css static/*.js
var assetFiles embed.FS

// asset is one file a browser loads.
type asset struct {
	body   []byte
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
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{body: body, digest: hex.EncodeToString(sum[:8]), kind: mime.TypeByExtension(path.Ext(e.Name()))}
	}
	return all, nil
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
	_, _ = w.Write(file.body) // who hung up gets no more
}
