package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
)

// metrics are a server's own, so that tests can have several servers.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	operations *prometheus.CounterVec
}

func newMetrics(hub *feed.Hub) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_request_seconds", Help: "Time to answer a request; streams are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"route"}),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_operations_total", Help: "Operations of batches, by what became of them.",
		}, []string{"status"}),
	}
	streams := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_streams", Help: "Open event streams.",
	}, func() float64 { return float64(hub.Listeners()) })
	m.registry.MustRegister(m.requests, m.seconds, m.operations, streams,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe labels by route, never by path: a client must not be able to make labels.
func (m *metrics) observe(r *http.Request, status int, took time.Duration) {
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
	if route != "/api/v1/events" {
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *metrics) count(results []api.Result) {
	for _, r := range results {
		m.operations.WithLabelValues(string(r.Status)).Inc()
	}
}
