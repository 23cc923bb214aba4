// Package admin answers those who run an instance, on a listener of its own that no user reaches: /healthz (the
// process is alive), /readyz (it can do its work: each check by name, with the remedy when it fails) and
// /metrics (Prometheus text). None of them carries a data value, a name or a number of an object.
package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// checkPatience bounds one check: a part that does not answer in that time is away.
const checkPatience = 2 * time.Second

// Check is one thing a process needs to do its work. Run may be called at the same time as itself.
type Check struct {
	Name   string
	Remedy string // what a person does when it fails
	Run    func(ctx context.Context) error
}

// Admin is the state of one process. It is safe for concurrent use.
type Admin struct {
	Checks  []Check
	Metrics *Metrics
	Log     *slog.Logger
	// SelfTest, of a process that has one, tries anew what it rests on and returns what it tells about it.
	SelfTest func(ctx context.Context) (any, error)

	draining atomic.Bool
}

// Drain makes /readyz answer 503 from now on: whoever balances load sends no more.
func (a *Admin) Drain() { a.draining.Store(true) }

// Handler answers the three paths, and POST /self-test where the process has one.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.Metrics.handler())
	if a.SelfTest != nil {
		mux.HandleFunc("POST /self-test", a.selfTest)
	}
	return mux
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string   `json:"status"` // ready, not_ready or draining
	Checks []result `json:"checks"`
}

// result is one check's outcome. The cause goes to the log only: it may name hosts and files.
type result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Remedy string `json:"remedy,omitempty"`
}

func (a *Admin) ready(w http.ResponseWriter, r *http.Request) {
	answer := readiness{Status: "ready", Checks: a.run(r.Context())}
	for _, c := range answer.Checks {
		if !c.OK {
			answer.Status = "not_ready"
		}
	}
	if a.draining.Load() {
		answer.Status = "draining"
	}
	status := http.StatusOK
	if answer.Status != "ready" {
		status = http.StatusServiceUnavailable
	}
	write(w, status, answer)
}

// run does all checks beside each other.
func (a *Admin) run(ctx context.Context) []result {
	results := make([]result, len(a.Checks))
	var all sync.WaitGroup
	for i, c := range a.Checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkPatience)
			defer cancel()
			results[i] = result{Name: c.Name, OK: true}
			if err := c.Run(ctx); err != nil {
				results[i] = result{Name: c.Name, Remedy: c.Remedy}
				a.Log.WarnContext(ctx, "a check failed", "check", c.Name, "err", err)
			}
		})
	}
	all.Wait()
	return results
}

// selfTest answers when the test has ended.
func (a *Admin) selfTest(w http.ResponseWriter, r *http.Request) {
	told, err := a.SelfTest(r.Context())
	if err != nil {
		a.Log.ErrorContext(r.Context(), "the self-test failed", "err", err)
		write(w, http.StatusServiceUnavailable, map[string]string{"status": "not_tested"})
		return
	}
	write(w, http.StatusOK, told)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the status is out: who hung up gets no more
}
