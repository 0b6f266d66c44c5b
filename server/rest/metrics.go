package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Metrics are the metrics of one server. They are created before the store, which reports to
// them, and passed to New.
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
	durations = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	sizes     = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
)

// NewMetrics returns metrics that are all zero.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	commit := histogram("rollcall_commit_seconds", "Time until a group of writes is durable.", durations)
	lag := histogram("rollcall_feed_lag_seconds", "Time from a commit to sending a client its event.", durations)
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		requests:   counter("rollcall_requests_total", "Requests answered.", "route", "method", "status"),
		seconds:    histogram("rollcall_request_seconds", "Time to answer a request, without event streams.", durations, "route"),
		operations: counter("rollcall_operations_total", "Operations in batches, by status.", "status"),
		limited:    counter("rollcall_rate_limited_total", "Requests answered 429, by the rate that was exceeded.", "by"),
		pages:      counter("rollcall_pages_total", "Pages of the feed and the list, by whether they were read for one request or shared.", "read"),
		group:      histogram("rollcall_group_size", "Requests, and their writes, that one commit made durable.", sizes, "of"),
		commit:     commit.WithLabelValues().(prometheus.Histogram),
		lag:        lag.WithLabelValues().(prometheus.Histogram),
	}
	for _, by := range []string{"address", "site", "client", "sign-in"} {
		m.limited.WithLabelValues(by) // shows 0 rather than nothing
	}
	for _, read := range []string{"own", "shared"} {
		m.pages.WithLabelValues(read)
	}
	m.registry.MustRegister(m.requests, m.seconds, m.operations, m.limited, m.pages, m.group, commit, lag,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Committed records a commit of the store.
func (m *Metrics) Committed(c store.Commit) {
	m.group.WithLabelValues("requests").Observe(float64(c.Requests))
	m.group.WithLabelValues("writes").Observe(float64(c.Writes))
	m.commit.Observe(c.Took.Seconds())
}

// Gauge adds a gauge that reads value when it is scraped. Labels are pairs of name and value.
func (m *Metrics) Gauge(name, help string, value func() float64, labels ...string) {
	constant := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		constant[labels[i]] = labels[i+1]
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: constant}, value))
}

// All queues are one metric with a label, so that one alert covers them.
const (
	QueueGauge = "rollcall_queue_depth"
	QueueHelp  = "Waiting writes and reads."
)

func (m *Metrics) addGauges(hub *feed.Hub, a *admission, pages *pageCache) {
	m.Gauge("rollcall_streams", "Open event streams.", func() float64 { return float64(hub.Subscribers()) })
	m.Gauge("rollcall_held_bytes", "Bytes of received bodies and pages being sent.", func() float64 { return float64(a.bytes.Held()) })
	m.Gauge("rollcall_cached_bytes", "Bytes of cached pages.", func() float64 { return float64(pages.bytes()) })
	m.Gauge(QueueGauge, QueueHelp, func() float64 { return float64(a.reads.Waiting()) }, "queue", "reads")
}

// observe records a request by its route, never by its path: clients must not create labels.
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
