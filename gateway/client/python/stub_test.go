package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stub misbehaves as servers and networks do, once for each way to.
type stub struct {
	mu   sync.Mutex
	seen map[string]int // requests of a kind so far
	made []sent
}

// sent is what of a creating request must be the same when it is sent again.
type sent struct{ Key, Body string }

// again counts the requests of a kind, from 0.
func (s *stub) again(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[kind]++
	return s.seen[kind] - 1
}

func (s *stub) serve() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/things", s.pages)
	mux.HandleFunc("POST /api/v1/things", s.create)
	mux.HandleFunc("GET /api/v1/things/{id}", s.show)
	mux.HandleFunc("DELETE /api/v1/things/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("POST /api/v1/things/{id}/import", s.decide)
	mux.HandleFunc("POST /api/v1/things/{id}/content", s.upload)
	mux.HandleFunc("GET /api/v1/things/{id}/content", s.cut)
	mux.HandleFunc("GET /api/v1/things/{id}/events", s.events)
	return mux
}

func thing(w http.ResponseWriter, id string) {
	fmt.Fprintf(w, `{"id":%q,"in":[],"made_at":"2026-01-02T03:04:05Z"}`, id)
}

func problem(w http.ResponseWriter, status int, code, after string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"title":"it is so","request_id":"r","reasons":[{"code":"a.b","remedy":"try","new":1}]}`, code)
}

// pages has three pages of up to two things.
func (s *stub) pages(w http.ResponseWriter, r *http.Request) {
	next := map[string]string{"": `"next_cursor":"p/2",`, "p/2": `"next_cursor":"p/3",`, "p/3": ""}
	items := map[string][]string{"": {"a", "b"}, "p/2": {"c", "d"}, "p/3": {"e"}}
	cursor := r.URL.Query().Get("cursor")
	if r.URL.Query().Get("limit") != "2" || r.Header.Get("Accept-Language") != "zh" || r.Header.Get("Authorization") != "Bearer token-0" {
		problem(w, 422, "request.odd", "")
		return
	}
	fmt.Fprintf(w, `{%s"items":[`, next[cursor])
	for i, id := range items[cursor] {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"id":%q,"in":[],"made_at":"2026-01-02T03:04:05Z","unheard":{"of":1}}`, id)
	}
	fmt.Fprint(w, `],"total":5}`)
}

// create is busy twice.
func (s *stub) create(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.made = append(s.made, sent{r.Header.Get("Idempotency-Key"), string(body)})
	s.mu.Unlock()
	switch s.again("create") {
	case 0:
		problem(w, 503, "part.away", "7")
	case 1:
		problem(w, 429, "rate.limited", "Thu, 01 Jan 2026 00:00:00 GMT") // long over
	default:
		w.WriteHeader(201)
		_, _ = w.Write(body)
	}
}

func (s *stub) show(w http.ResponseWriter, r *http.Request) {
	switch id := r.PathValue("id"); id {
	case "ended":
		if r.Header.Get("Authorization") == "Bearer token-0" {
			problem(w, 401, "token.unknown", "")
			return
		}
		thing(w, id)
	case "refused":
		problem(w, 401, "token.unknown", "")
	case "patient":
		problem(w, 429, "rate.limited", "3600")
	case "away":
		problem(w, 503, "part.away", "")
	case "dropped":
		if s.again("dropped") == 0 {
			panic(http.ErrAbortHandler)
		}
		thing(w, id)
	case "moved":
		http.Redirect(w, r, "/api/v1/things/stolen", http.StatusFound)
	case "other":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<h1>no</h1>")
	case "broken":
		fmt.Fprint(w, `{"id":"x"}`)
	case "tagged":
		w.Header().Set("ETag", `"v1"`)
		thing(w, id)
	default:
		problem(w, 404, "unknown", "")
	}
}

func (s *stub) decide(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("If-Match") != `"v1"` || r.Header.Get("Idempotency-Key") == "" || r.ContentLength > 0 {
		problem(w, 412, "object.changed", "")
		return
	}
	w.Header().Set("ETag", `"v2"`)
	thing(w, r.PathValue("id"))
}

// upload counts bytes. It is busy once for what has a length, and reads nothing of what is huge.
func (s *stub) upload(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if id == "huge" {
		problem(w, 413, "body.too_large", "")
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	streams := id == "pieces" || id == "away"
	switch {
	case streams != (r.ContentLength < 0):
		problem(w, 411, "length.odd", "")
	case id == "bytes" && r.Header.Get("Content-Type") != "text/csv":
		problem(w, 415, "media.type", "")
	case id == "away", id == "file" && s.again("file") == 0:
		problem(w, 503, "part.away", "0")
	default:
		w.WriteHeader(202)
		thing(w, fmt.Sprint(n))
	}
}

// cut breaks its first answer off in the middle.
func (s *stub) cut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	if s.again("cut") == 0 {
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "wh")
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, "whole")
}

// events breaks off after the first event, in the middle of the second.
func (s *stub) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	switch r.Header.Get("Last-Event-ID") {
	case "":
		fmt.Fprint(w, ": a remark\n\nid: 1\nevent: state\ndata: {\"state\": \"queued\"}\n\nid: 2\ndata: tw")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "1":
		fmt.Fprint(w, "id: 2\ndata: two\ndata: lines\n\nevent: nothing\n\nid: 3\r\nevent: state\r\ndata:{\"état\":3}\r\n\r\n")
	}
}

// TestProtocol runs the client of a small description against a server that misbehaves.
func TestProtocol(t *testing.T) {
	text, err := os.ReadFile("testdata/api.json")
	if err != nil {
		t.Fatal(err)
	}
	client, err := render(text)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sluice.py"), client, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &stub{}
	server := httptest.NewUnstartedServer(s.serve())
	server.Config.ErrorLog = nil
	server.Start()
	defer server.Close()
	got := python(t, folder, folder, "testdata/protocol.py", server.URL)
	want := "pages\ntokens\nretries\npatience\nlost\nforeign\nconditions\nuploads\nevents\nwaits\nvalues\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if len(s.made) != 4 || s.made[0].Key == "" || s.made[0] != s.made[1] || s.made[1] != s.made[2] {
		t.Errorf("not the same three times: %+v", s.made)
	}
	if last := s.made[len(s.made)-1]; last.Key != "mine" || last.Body != s.made[0].Body {
		t.Errorf("another key or body than given: %+v", last)
	}
}
