package browsertest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console/paper"
)

// A page with everything hands take hold of, and one that tells what was sent.
const desk = `<!DOCTYPE html><html lang="en"><title>desk</title><h1>Desk <small>open</small></h1>
<form action="/sent" method="get">
<label>Name <small>short</small> <input name="name" value="before"></label>
<label>Day <input type="date" name="day"></label>
<label>Kind <select name="kind"><option value="1">one</option><option value="2">two</option><option value="3">three</option></select></label>
<label><input type="checkbox" name="yes"> Yes, indeed</label>
<label>Paper <input type="file" id="paper"></label><input name="size" aria-label="Size">
<button>Send</button></form>
<table><tr><td>first<td><a href="/first">Open</a></tr><tr><td>second<td><form action="/second"><button>Open</button></form></tr></table>
<a href="/paper" download="paper.pdf">Save</a>
<div role="region" aria-label="Figures"><table><tr><th>a<th>b <small>sum</small></tr><tr><td>1<td>2</tr></table></div>
<script>paper.onchange = () => { document.querySelector('[name=size]').value = paper.files[0].size }</script>`

// TestHands does on a page what people do, and reads what they read.
func TestHands(t *testing.T) {
	pdf, err := paper.Certificate(paper.Content{Title: "a paper", Check: "scan it", Address: "https://example.org/check#0f0f"})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, desk) })
	mux.HandleFunc("/sent", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		_, _ = fmt.Fprintf(w, "<h1>%s %s %s %s %s</h1>", q.Get("name"), q.Get("day"), q.Get("kind"), q.Get("yes"), q.Get("size"))
	})
	mux.HandleFunc("/second", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "<h1>the second</h1>") })
	mux.HandleFunc("/paper", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		_, _ = w.Write(pdf)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := browsertest.Start(t).Tab(t)
	tab.Open(server.URL)
	if got := tab.Save("Save"); !bytes.Equal(got, pdf) {
		t.Errorf("saved %d bytes of %d", len(got), len(pdf))
	}
	if got := browsertest.Scan(t, pdf); got != "https://example.org/check#0f0f" {
		t.Errorf("the code on the paper says %q", got)
	}
	if got := fmt.Sprint(tab.Heading(), tab.Table("Figures"), tab.Has("Send"), tab.Has("Throw")); got != "Desk[[a b] [1 2]] true false" {
		t.Errorf("read %s", got)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	tab.Fill("Name", "after")
	tab.Date("Day", "2026-03-04")
	tab.Choose("Kind", "three")
	tab.Tick("Yes, indeed")
	tab.Attach("Paper", file)
	tab.Filled("Size")
	tab.Follow("Send")
	tab.Sees("after 2026-03-04 3 on 5")
	tab.Open(server.URL)
	tab.Follow("Open", "second")
	tab.Sees("the second")
}

// TestPressesAreRepeated presses on a page that puts another control in the place of its own all the time, as a live part
// does.
func TestPressesAreRepeated(t *testing.T) {
	const restless = `<!DOCTYPE html><title>live</title><div id="live"></div><script>
		let n = 0;
		setInterval(() => { live.innerHTML = '<p>' + '<br>'.repeat(n++ % 3) + '</p><form action="/there"><button>Go</button></form>' }, 7)</script>`
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, restless) })
	mux.HandleFunc("/there", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "<h1>there</h1>") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := browsertest.Start(t).Tab(t)
	for range 5 {
		tab.Open(server.URL)
		tab.Follow("Go")
		tab.Sees("there")
	}
}
