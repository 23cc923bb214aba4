package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// TestOneLineARequest: each request leaves one line, which knows it by its pattern: nothing the caller wrote into
// path, query, header or body is in it, and neither is it in what is counted.
func TestOneLineARequest(t *testing.T) {
	i := gatewaytest.Start(t)
	lines := &gatewaytest.Lines{}
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(gateway.New(gateway.Config{
		Catalog: i.Catalog, BaseURL: i.URL, Log: slog.New(slog.NewJSONHandler(lines, nil)), Now: i.Now,
		Observe: func(s gateway.Seen) {
			mu.Lock()
			defer mu.Unlock()
			seen[s.Route]++
		},
	}))
	const canary = "canary-5121"
	for _, r := range []struct{ method, path, body string }{
		{"GET", "/healthz", ""},
		{"GET", "/api/v1/jobs/" + canary, ""},
		{"GET", "/api/v1/jobs/" + canary + "?q=" + canary, ""},
		{"POST", "/api/v1/keys", `{"org":"` + canary + `"}`},
		{"GET", "/" + canary, ""},
		{canary, "/healthz", ""},
		{"GET", "/a%2f" + canary, ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = canary + ".example"
		request.Header.Set("Authorization", "Bearer "+canary)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Request-Id", canary)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	server.Close() // waits for every handler
	want := map[string]int{"GET /healthz": 1, "GET /api/v1/jobs/{number}": 2, "POST /api/v1/keys": 1, "other": 3}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	text := lines.String()
	if strings.Contains(text, canary) {
		t.Errorf("the log holds what a caller wrote:\n%s", text)
	}
	var requests int
	for line := range strings.Lines(text) {
		var entry struct {
			Msg       string `json:"msg"`
			RequestID string `json:"request_id"`
			Status    int    `json:"status"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("not JSON: %q", line)
		}
		if entry.Msg == "request" {
			requests++
		}
		if len(entry.RequestID) != 32 {
			t.Errorf("no request id: %s", line)
		}
	}
	if requests != 7 {
		t.Errorf("%d lines for 7 requests:\n%s", requests, text)
	}
}

func TestBodyBoundIsConfigured(t *testing.T) {
	i := gatewaytest.Start(t)
	handler := gateway.New(gateway.Config{Catalog: i.Catalog, BaseURL: i.URL, Log: slog.New(slog.DiscardHandler), Now: i.Now, BodyBytes: 1 << 10})
	for size, want := range map[int]int{1000: http.StatusUnprocessableEntity, 1100: http.StatusRequestEntityTooLarge} {
		body := `{"org":"` + strings.Repeat("a", size-10) + `"}`
		r := httptest.NewRequest(http.MethodPost, "/api/v1/keys", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%d bytes: %d, want %d: %s", size, w.Code, want, w.Body)
		}
	}
}
