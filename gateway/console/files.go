package console

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// download is one line of the table of what pages lead to and is no page.
type download struct {
	path string // below Prefix
	load func(call) (file, error)
}

func files() []download {
	return append([]download{
		{"/releases/{number}/proofs.json", releaseProofs},
		{"/releases/{number}/product/{form}", productFile},
		{"/releases/{number}/certificate.json", certificateJSON},
		{"/releases/{number}/certificate.pdf", certificatePDF},
		{"/trace/{entry}/proof.json", entryProof},
	}, exports()...)
}

// file is one answer that is no page. A file with a name is to be saved.
type file struct {
	kind string
	name string
	body []byte
}

func jsonFile(name string, v any) (file, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return file{}, fmt.Errorf("encoding %s: %w", name, err)
	}
	return file{kind: "application/json", name: name, body: body}, nil
}

// serveFile serves a file to people with a session.
func (c *Console) serveFile(d download) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := c.caller(w, r)
		var f file
		if err == nil {
			lang, _ := lookOf(r)
			f, err = d.load(call{ctx: r.Context(), cat: c.Catalog, who: who, r: r, now: c.Now(), base: c.BaseURL, words: c.looks[lang].words, look: c.looks[lang]})
		}
		if err != nil {
			c.refuse(w, r, err)
			return
		}
		f.send(w)
	})
}

func (f file) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", f.kind)
	if f.name != "" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	}
	_, _ = w.Write(f.body) // who hung up gets no more
}
