package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway/admin"
	"github.com/sluicedata/sluice/policy"
)

func get(t *testing.T, a *admin.Admin, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestReadyNamesWhatFails(t *testing.T) {
	var log strings.Builder
	broken := errors.New("dial 10.0.0.9: refused")
	cause := error(nil)
	a := &admin.Admin{Metrics: admin.NewMetrics(), Log: slog.New(slog.NewTextHandler(&log, nil)), Checks: []admin.Check{
		{Name: "database", Remedy: "start it", Run: func(context.Context) error { return cause }},
		{Name: "store", Remedy: "start that", Run: func(context.Context) error { return nil }},
	}}
	type answer struct {
		Status string
		Checks []struct {
			Name, Remedy string
			OK           bool
		}
	}
	ask := func(want int) (got answer) {
		t.Helper()
		status, body := get(t, a, "/readyz")
		if status != want {
			t.Errorf("status %d, want %d: %s", status, want, body)
		}
		if strings.Contains(body, "10.0.0.9") {
			t.Errorf("the cause is told: %s", body)
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ask(http.StatusOK); got.Status != "ready" || !got.Checks[0].OK {
		t.Errorf("got %+v", got)
	}
	cause = broken
	got := ask(http.StatusServiceUnavailable)
	if got.Status != "not_ready" || got.Checks[0].OK || got.Checks[0].Remedy != "start it" || !got.Checks[1].OK {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(log.String(), broken.Error()) {
		t.Errorf("the log lacks the cause: %s", log.String())
	}
	cause = nil
	a.Drain()
	if got := ask(http.StatusServiceUnavailable); got.Status != "draining" {
		t.Errorf("got %+v", got)
	}
	if status, _ := get(t, a, "/healthz"); status != http.StatusOK {
		t.Errorf("a draining process is alive: %d", status)
	}
}

func TestMetricsCount(t *testing.T) {
	m := admin.NewMetrics()
	m.Request("GET /api/v1/jobs/{number}", 204, 3*time.Millisecond)
	m.Request("other", 404, time.Millisecond)
	m.Work("run", "success")
	m.Store("PUT", 0, time.Second)
	m.Database(time.Millisecond)
	m.Decided(policy.Request{Action: "job.submit"}, policy.Decision{Allow: true}, nil)
	m.Decided(policy.Request{Action: "job.submit"}, policy.Decision{}, nil)
	m.Decided(policy.Request{Action: "job.submit"}, policy.Decision{Allow: true}, errors.New("away"))
	m.Watch(func(context.Context) (admin.Vitals, error) {
		return admin.Vitals{Queue: []admin.Depth{{Kind: "run", State: "queued", Count: 4}}, Waiting: 2, Lag: 1500 * time.Millisecond}, nil
	})
	_, body := get(t, &admin.Admin{Metrics: m}, "/metrics")
	var missing []string
	for _, want := range []string{
		`sluice_request_seconds_count{class="2xx",route="GET /api/v1/jobs/{number}"} 1`,
		`sluice_request_seconds_count{class="4xx",route="other"} 1`,
		`sluice_work_total{kind="run",outcome="success"} 1`,
		`sluice_store_seconds_count{class="none",method="PUT"} 1`,
		`sluice_database_seconds_count 1`,
		`sluice_decisions_total{action="job.submit",answer="allow"} 1`,
		`sluice_decisions_total{action="job.submit",answer="deny"} 1`,
		`sluice_decisions_total{action="job.submit",answer="error"} 1`,
		`sluice_queue_depth{kind="run",state="queued"} 4`,
		`sluice_trace_waiting 2`,
		`sluice_trace_lag_seconds 1.5`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		if !strings.Contains(body, "\n"+want) {
			missing = append(missing, want)
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("missing:\n%s\nin\n%s", diff, body)
	}
}

// A record that cannot be read leaves the other metrics where they are.
func TestMetricsWithoutRecord(t *testing.T) {
	m := admin.NewMetrics()
	m.Database(time.Millisecond)
	m.Watch(func(context.Context) (admin.Vitals, error) { return admin.Vitals{}, errors.New("away") })
	status, body := get(t, &admin.Admin{Metrics: m}, "/metrics")
	if status != http.StatusOK || !strings.Contains(body, "\nsluice_database_seconds_count 1") || strings.Contains(body, "\nsluice_trace_waiting ") {
		t.Errorf("%d\n%s", status, body)
	}
}
