package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zkkex/zkkex/order/gateway"
)

const namespace = "zkkex"

// latencies are the upper bounds of buckets, in seconds: from 25 us, a little less
// than an acknowledgement in memory takes, to 2.5 s.
var latencies = []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5}

// batches are the upper bounds of buckets of the sizes of writes, in entries.
var batches = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096}

// Metrics counts what one gateway does, in a registry of its own. It implements
// [gateway.Observer], and is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	reasons  words
	ends     words

	requests     map[string]prometheus.Counter
	acknowledged map[string]prometheus.Observer
	rejects      *prometheus.CounterVec
	sessions     prometheus.Gauge
	entries      prometheus.Observer
	appends      map[bool]prometheus.Observer // by whether it failed
	ended        *prometheus.CounterVec
}

var _ gateway.Observer = (*Metrics)(nil)

// NewMetrics returns metrics that are all 0, with those of the Go runtime and of the
// process.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), requests: make(map[string]prometheus.Counter), acknowledged: make(map[string]prometheus.Observer)}
	requests := counters("gateway", "requests_total", "Requests of members, by kind.", "kind")
	acknowledged := histograms("gateway", "acknowledge_seconds", "Time from a request's arrival until the first report that answers it was handed to its connection.", latencies, "kind")
	appends := histograms("journal", "append_seconds", "Time of one durable write to the journal.", latencies, "result")
	entries := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: "journal", Name: "append_entries", Help: "Entries per write to the journal.", Buckets: batches,
	})
	m.rejects = counters("gateway", "rejects_total", "Requests that the gateway refused before the engine, by kind and reason.", "kind", "reason")
	m.ended = counters("gateway", "ended_total", "Connections of members that ended, by reason.", "reason")
	m.sessions = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "gateway", Name: "sessions", Help: "Sessions that are connected now.",
	})
	for kind := range kinds {
		m.requests[kind], m.acknowledged[kind] = requests.WithLabelValues(kind), acknowledged.WithLabelValues(kind)
	}
	m.requests[other], m.acknowledged[other] = requests.WithLabelValues(other), acknowledged.WithLabelValues(other)
	m.appends = map[bool]prometheus.Observer{false: appends.WithLabelValues("ok"), true: appends.WithLabelValues("failed")}
	m.entries = entries
	m.registry.MustRegister(requests, acknowledged, appends, entries, m.rejects, m.ended, m.sessions,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(subsystem, name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func histograms(subsystem, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, labels)
}

// Register adds a collector, such as [NewVenue]'s. Of what it collects, labels are
// bounded as all are. It returns the errors of [prometheus.Registerer].
func (m *Metrics) Register(c prometheus.Collector) error { return m.registry.Register(c) }

// Handler serves the metrics in the formats of Prometheus, and nothing that [Bounded]
// refuses.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// Gatherer returns what [Metrics.Handler] serves.
func (m *Metrics) Gatherer() prometheus.Gatherer { return Bounded(m.registry) }

// Request implements [gateway.Observer].
func (m *Metrics) Request(kind string) { m.requests[kindOf(kind)].Inc() }

// Reject implements [gateway.Observer].
func (m *Metrics) Reject(kind, reason string) {
	m.rejects.WithLabelValues(kindOf(kind), m.reasons.bound(reason)).Inc()
}

// Acknowledged implements [gateway.Observer].
func (m *Metrics) Acknowledged(kind string, after time.Duration) {
	m.acknowledged[kindOf(kind)].Observe(after.Seconds())
}

// Sessions implements [gateway.Observer].
func (m *Metrics) Sessions(attached int) { m.sessions.Set(float64(attached)) }

// Appended implements [gateway.Observer].
func (m *Metrics) Appended(entries int, took time.Duration, err error) {
	m.appends[err != nil].Observe(took.Seconds())
	m.entries.Observe(float64(entries))
}

// Ended implements [gateway.Observer].
func (m *Metrics) Ended(reason string) { m.ended.WithLabelValues(m.ends.bound(reason)).Inc() }
