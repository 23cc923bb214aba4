package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluicedata/sluice/policy"
)

// Metrics counts what one process does. Every label's values come from lists of the program: routes, actions,
// kinds, outcomes. deploy/docs/operations.md says what each metric means and when to worry.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	work      *prometheus.CounterVec
	store     *prometheus.HistogramVec
	database  prometheus.Histogram
}

// NewMetrics returns metrics with the Go runtime's and the process's own among them.
func NewMetrics() *Metrics {
	// From a statement on an index to the slowest upload.
	spread := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_request_seconds", Help: "Time to answer requests, by route pattern and class of status.", Buckets: spread,
		}, []string{"route", "class"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_decisions_total", Help: "Decisions of policy, by action and answer (allow, deny, error).",
		}, []string{"action", "answer"}),
		work: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_work_total", Help: "Pieces of work sealed, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_store_seconds", Help: "Time to the head of the object store's answer, by method and class of status.", Buckets: spread,
		}, []string{"method", "class"}),
		database: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_database_seconds", Help: "Time of database statements.", Buckets: spread,
		}),
	}
	m.registry.MustRegister(m.requests, m.decisions, m.work, m.store, m.database,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Timeout: 2 * checkPatience})
}

// Request counts an answered request.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, class(status)).Observe(took.Seconds())
}

// Work counts a piece of work that a worker sealed.
func (m *Metrics) Work(kind, outcome string) { m.work.WithLabelValues(kind, outcome).Inc() }

// Store counts a call of the object store; status 0 says that no answer came.
func (m *Metrics) Store(method string, status int, took time.Duration) {
	m.store.WithLabelValues(method, class(status)).Observe(took.Seconds())
}

// Database counts a statement.
func (m *Metrics) Database(took time.Duration) { m.database.Observe(took.Seconds()) }

// class is "2xx" for 204; "none" for no answer.
func class(status int) string {
	if status < http.StatusContinue {
		return "none"
	}
	return strconv.Itoa(status/100) + "xx"
}

// Decided counts a decision and hands it on.
func (m *Metrics) Decided(r policy.Request, d policy.Decision, err error) {
	answer := "deny"
	switch {
	case err != nil:
		answer = "error"
	case d.Allow:
		answer = "allow"
	}
	m.decisions.WithLabelValues(string(r.Action), answer).Inc()
}

// Depth is how much work of a kind waits in a state.
type Depth struct {
	Kind, State string
	Count       int64
}

// Vitals is what the record itself tells when it is asked.
type Vitals struct {
	Queue   []Depth
	Waiting int64         // trace entries not yet in the signed log
	Lag     time.Duration // age of the oldest of them
}

// Watch reads the record at every scrape. What cannot be read is not told.
func (m *Metrics) Watch(read func(context.Context) (Vitals, error)) {
	m.registry.MustRegister(record(read))
}

// record is the record as a collector.
type record func(context.Context) (Vitals, error)

// Describe implements prometheus.Collector.
func (record) Describe(out chan<- *prometheus.Desc) {
	for _, d := range recordDescs() {
		out <- d
	}
}

func recordDescs() [3]*prometheus.Desc {
	return [3]*prometheus.Desc{
		prometheus.NewDesc("sluice_queue_depth", "Pieces of work that are not done, by kind and state.", []string{"kind", "state"}, nil),
		prometheus.NewDesc("sluice_trace_waiting", "Trace entries that are not yet in the signed log.", nil, nil),
		prometheus.NewDesc("sluice_trace_lag_seconds", "Age of the oldest trace entry that is not yet in the signed log.", nil, nil),
	}
}

// Collect implements prometheus.Collector.
func (read record) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
	defer cancel()
	descs := recordDescs()
	v, err := read(ctx)
	if err != nil {
		for _, d := range descs {
			out <- prometheus.NewInvalidMetric(d, err)
		}
		return
	}
	for _, q := range v.Queue {
		out <- prometheus.MustNewConstMetric(descs[0], prometheus.GaugeValue, float64(q.Count), q.Kind, q.State)
	}
	out <- prometheus.MustNewConstMetric(descs[1], prometheus.GaugeValue, float64(v.Waiting))
	out <- prometheus.MustNewConstMetric(descs[2], prometheus.GaugeValue, v.Lag.Seconds())
}
