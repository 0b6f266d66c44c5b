package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Metrics are a server's own, so that tests can have several servers. They are
// made before the store, which reports to them, and given to New after it.
type Metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	operations *prometheus.CounterVec
	limited    *prometheus.CounterVec
	pages      *prometheus.CounterVec
	group      *prometheus.HistogramVec
	commit     prometheus.Histogram
	lag        prometheus.Histogram
}

var (
	fractions = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	sizes     = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
)

// NewMetrics makes metrics that count nothing yet.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	commit := histogram("rollcall_commit_seconds", "Time to write a group durably.", fractions)
	lag := histogram("rollcall_feed_lag_seconds", "Time from a commit until a client was sent the event about it.", fractions)
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		requests:   counter("rollcall_requests_total", "Requests answered.", "route", "method", "status"),
		seconds:    histogram("rollcall_request_seconds", "Time to answer a request; streams are left out.", fractions, "route"),
		operations: counter("rollcall_operations_total", "Operations of batches, by what became of them.", "status"),
		limited:    counter("rollcall_rate_limited_total", "Requests answered 429, by what was over its rate.", "by"),
		pages:      counter("rollcall_pages_total", "Pages of the feed and the list, by whether they were read for this request or shared with others.", "read"),
		group:      histogram("rollcall_group_size", "Requests, and writes in them, that one commit made durable.", sizes, "of"),
		commit:     commit.WithLabelValues().(prometheus.Histogram),
		lag:        lag.WithLabelValues().(prometheus.Histogram),
	}
	for _, by := range []string{"address", "client"} {
		m.limited.WithLabelValues(by) // shown as 0, not as unknown
	}
	for _, read := range []string{"own", "shared"} {
		m.pages.WithLabelValues(read)
	}
	m.registry.MustRegister(m.requests, m.seconds, m.operations, m.limited, m.pages, m.group, commit, lag,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Committed counts a group that the store has written.
func (m *Metrics) Committed(c store.Commit) {
	m.group.WithLabelValues("requests").Observe(float64(c.Requests))
	m.group.WithLabelValues("writes").Observe(float64(c.Writes))
	m.commit.Observe(c.Took.Seconds())
}

// Gauge shows what value returns whenever it is asked for. Labels are pairs of
// name and value.
func (m *Metrics) Gauge(name, help string, value func() float64, labels ...string) {
	constant := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		constant[labels[i]] = labels[i+1]
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: constant}, value))
}

// The queues are one metric with a label, so that a rule can be about all of them.
const (
	QueueGauge = "rollcall_queue_depth"
	QueueHelp  = "What waits: writes for the writer, reads for their turn."
)

func (m *Metrics) watch(hub *feed.Hub, a *admission) {
	m.Gauge("rollcall_streams", "Open event streams.", func() float64 { return float64(hub.Listeners()) })
	m.Gauge("rollcall_held_bytes", "Bytes of bodies received and pages being sent.", func() float64 { return float64(a.bytes.Held()) })
	m.Gauge(QueueGauge, QueueHelp, func() float64 { return float64(a.reads.Waiting()) }, "queue", "reads")
}

// observe labels by route, never by path: a client must not be able to make labels.
func (m *Metrics) observe(r *http.Request, status int, took time.Duration) {
	route, method := r.Pattern, r.Method
	if route == "" {
		route = "none"
	}
	switch method {
	case "GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS":
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != api.PathEvents {
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *Metrics) countPage(own bool) {
	read := "shared"
	if own {
		read = "own"
	}
	m.pages.WithLabelValues(read).Inc()
}

func (m *Metrics) count(results []api.Result) {
	for _, r := range results {
		m.operations.WithLabelValues(string(r.Status)).Inc()
	}
}
