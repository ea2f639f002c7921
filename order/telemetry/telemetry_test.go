package telemetry

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/venue"
)

// scrape returns what Prometheus sees.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("%d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

func requireLines(t *testing.T, body string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+body, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// use has an observer told of everything once.
func use(o gateway.Observer) {
	for kind := range kinds {
		o.Request(kind)
		o.Acknowledged(kind, 30*time.Microsecond)
	}
	o.Reject("NewOrderSingle", "throttled")
	o.Sessions(3)
	o.Appended(7, 2*time.Millisecond, nil)
	o.Appended(1, time.Second, errors.New("down"))
	o.Ended("slow")
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	use(m)
	requireLines(t, scrape(t, m),
		`zkkex_gateway_requests_total{kind="NewOrderSingle"} 1`,
		`zkkex_gateway_requests_total{kind="other"} 0`,
		`zkkex_gateway_rejects_total{kind="NewOrderSingle",reason="throttled"} 1`,
		`zkkex_gateway_acknowledge_seconds_bucket{kind="Quote",le="2.5e-05"} 0`,
		`zkkex_gateway_acknowledge_seconds_bucket{kind="Quote",le="5e-05"} 1`,
		`zkkex_gateway_sessions 3`,
		`zkkex_gateway_ended_total{reason="slow"} 1`,
		`zkkex_journal_append_seconds_count{result="ok"} 1`,
		`zkkex_journal_append_seconds_count{result="failed"} 1`,
		`zkkex_journal_append_entries_sum 8`,
	)
	if body := scrape(t, m); !strings.Contains(body, "go_goroutines ") || !strings.Contains(body, "process_resident_memory_bytes ") {
		t.Error("nothing of runtime or process")
	}
}

// Kinds of requests are those of package order, all of them.
func TestKinds(t *testing.T) {
	files, err := parser.ParseFile(token.NewFileSet(), "../request.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found int
	for _, d := range files.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil || f.Name.Name != "request" {
			continue
		}
		star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
		if !ok {
			t.Fatal("a request that is no pointer")
		}
		name := star.X.(*ast.Ident).Name
		if _, known := kinds[name]; !known {
			t.Errorf("%s is no known kind", name)
		}
		found++
	}
	if found != len(kinds) {
		t.Errorf("%d requests in package order, %d kinds", found, len(kinds))
	}
}

// identities are what must never be a label: what names a session, an order, a
// pseudonym, a certificate or an address.
func identities() []string {
	n := zkkex.Nullifier{0, 1: 0xab, 31: 0xcd}
	id := order.NewSessionID(7, n[:])
	out := []string{
		id.String(), n.String(), hex.EncodeToString(n[:]), base64.StdEncoding.EncodeToString(n[:]),
		order.ID{1, 2, 3}.String(), order.NewOrderID(id, order.ID{1}).String(),
		"192.0.2.7", "192.0.2.7:9440", "[2001:db8::1]:9440", "venue.example:9440", "alice@example.org",
		strings.Repeat("a", maxWord+1), "", "two words", "new\nline", "quote\"", "\xff",
	}
	return out
}

// A gateway that tells of a session by mistake, or of ever new reasons, tells nobody
// else: planted faults.
func TestLabelsAreBounded(t *testing.T) {
	m := NewMetrics()
	for _, id := range identities() {
		m.Request(id)
		m.Acknowledged(id, time.Millisecond)
		m.Reject(id, id)
		m.Ended(id)
	}
	for i := range 10 * maxWords {
		reason := strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%05d", i))
		m.Reject("Quote", reason)
		m.Ended(reason)
	}
	body := scrape(t, m)
	for _, id := range identities() {
		if len(id) > 3 && strings.Contains(body, id) {
			t.Errorf("%q was exported", id)
		}
	}
	requireLines(t, body, fmt.Sprintf(`zkkex_gateway_requests_total{kind="other"} %d`, len(identities())))
	if n := strings.Count(body, "zkkex_gateway_ended_total{"); n != maxWords+1 {
		t.Errorf("%d values of a reason, expected %d and other", n, maxWords)
	}
}

// What is registered with a label that could name somebody, or a value that does, is
// not exported, and everything else is: planted faults.
func TestBounded(t *testing.T) {
	for name, labels := range map[string]prometheus.Labels{
		"a session":            {"session": "x"},
		"an address":           {"address": "x"},
		"a session as reason":  {"reason": identities()[0]},
		"a nullifier as state": {"state": identities()[1]},
		"a long value":         {"what": strings.Repeat("a", maxWord+1)},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMetrics()
			planted := prometheus.NewGauge(prometheus.GaugeOpts{Name: "planted", Help: "x", ConstLabels: labels})
			if err := m.Register(planted); err != nil {
				t.Fatal(err)
			}
			families, err := m.Gatherer().Gather()
			if !errors.Is(err, ErrLabel) {
				t.Errorf("%v, expected %v", err, ErrLabel)
			}
			for _, value := range labels {
				if len(value) > 1 && strings.Contains(err.Error(), value) {
					t.Errorf("the error names the value: %v", err)
				}
			}
			for _, f := range families {
				if f.GetName() == "planted" {
					t.Error("it was exported")
				}
			}
			requireLines(t, scrape(t, m), "zkkex_gateway_sessions 0")
		})
	}
	m := NewMetrics()
	many := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "planted", Help: "x"}, []string{"what"})
	for i := range maxSeries + 1 {
		many.WithLabelValues(strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%05d", i))).Set(1)
	}
	if err := m.Register(many); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Gatherer().Gather(); !errors.Is(err, ErrLabel) {
		t.Errorf("a metric with %d series: %v, expected %v", maxSeries+1, err, ErrLabel)
	}
}

// All that is exported by default passes: the guard is no reason to look away.
func TestNothingIsRefusedByDefault(t *testing.T) {
	m := NewMetrics()
	use(m)
	if err := m.Register(NewVenue(exampleStatus)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Gatherer().Gather(); err != nil {
		t.Error(err)
	}
}

func exampleStatus() *venue.Status {
	signed := time.Now().Add(-time.Minute)
	return &venue.Status{
		Registry:      venue.RegistryStatus{Signed: &signed, Members: map[string]uint64{"babyjubjub": 12}},
		Current:       &venue.DescriptorStatus{NotAfter: signed.Add(time.Hour)},
		Published:     4,
		Admissions:    &venue.AdmissionStatus{Admitted: 5, Again: 6, Opens: 7, Refused: map[zkkex.Reason]uint64{"slot_used": 8, "banned": 1}, Channels: 9},
		Handshakes:    &venue.HandshakeStatus{Accepted: 10, Opened: 11},
		Verifications: &venue.VerificationStatus{Queued: 13},
		Problems:      []venue.Problem{{What: "sync"}},
	}
}

func TestVenue(t *testing.T) {
	m := NewMetrics()
	if err := m.Register(NewVenue(exampleStatus)); err != nil {
		t.Fatal(err)
	}
	requireLines(t, scrape(t, m),
		`zkkex_venue_admissions_total{state="fresh"} 5`,
		`zkkex_venue_admissions_total{state="again"} 6`,
		`zkkex_venue_opens_total 7`,
		`zkkex_venue_refused_total{reason="slot_used"} 8`,
		`zkkex_venue_refused_total{reason="banned"} 1`,
		`zkkex_venue_channels 9`,
		`zkkex_venue_connections_total{state="accepted"} 10`,
		`zkkex_venue_proofs_total{state="queued"} 13`,
		`zkkex_venue_members{kind="babyjubjub"} 12`,
		`zkkex_venue_problem{what="sync"} 1`,
		`zkkex_venue_published 4`,
	)
	closed := NewMetrics()
	if err := closed.Register(NewVenue(func() *venue.Status { return &venue.Status{} })); err != nil {
		t.Fatal(err)
	}
	if body := scrape(t, closed); strings.Contains(body, "zkkex_venue_opens_total") || !strings.Contains(body, "zkkex_venue_descriptor_seconds_left 0") {
		t.Error("a venue that admits nobody counts opens, or has a descriptor")
	}
}

func traced(t *testing.T, oneIn int) (*Traces, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	traces, err := NewTraces(t.Context(), TracesConfig{OneIn: oneIn, Gateway: "a", Exporter: keep{spans}})
	if err != nil {
		t.Fatal(err)
	}
	return traces, spans
}

// keep leaves the spans where they are at the end.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }

func shutDown(t *testing.T, traces *Traces) {
	t.Helper()
	if err := traces.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A span per answered request and per write, with times and nothing else; none by
// default.
func TestTraces(t *testing.T) {
	off, none := traced(t, 0)
	use(off)
	shutDown(t, off)
	if n := len(none.GetSpans()); n != 0 {
		t.Errorf("%d spans, expected none", n)
	}

	traces, spans := traced(t, 1)
	use(traces)
	shutDown(t, traces)
	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
		if s.Name == "Quote" && s.EndTime.Sub(s.StartTime) != 30*time.Microsecond {
			t.Errorf("a quote took %v, expected 30us", s.EndTime.Sub(s.StartTime))
		}
		if s.Name != appendSpan && len(s.Attributes) != 0 || s.Parent.IsValid() {
			t.Errorf("%s has attributes %v, and the parent %v", s.Name, s.Attributes, s.Parent)
		}
	}
	slices.Sort(names)
	var want []string
	for kind := range kinds {
		want = append(want, kind)
	}
	want = append(want, appendSpan, appendSpan)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("spans %v, expected %v", names, want)
	}
}

// One in so many is traced: of a thousand, about a tenth, and neither none nor all.
func TestSampling(t *testing.T) {
	traces, spans := traced(t, 10)
	for range 1000 {
		traces.Acknowledged("Quote", time.Microsecond)
	}
	shutDown(t, traces)
	if n := len(spans.GetSpans()); n < 20 || n > 400 {
		t.Errorf("%d of 1000 were traced, expected about 100", n)
	}
}

// Spans that say more are dropped: planted faults.
func TestSpansAreFaceless(t *testing.T) {
	traces, spans := traced(t, 1)
	ctx := context.Background()
	id := identities()[0]
	for name, plant := range map[string]func(){
		"attribute": func() {
			_, s := traces.tracer.Start(ctx, "Quote", trace.WithAttributes(attribute.String("session", id)))
			s.End()
		},
		"allowed name, other type": func() {
			_, s := traces.tracer.Start(ctx, "Quote", trace.WithAttributes(attribute.String(string(entriesAttribute), id)))
			s.End()
		},
		"name": func() { _, s := traces.tracer.Start(ctx, "Quote "+id); s.End() },
		"event": func() {
			_, s := traces.tracer.Start(ctx, "Quote")
			s.AddEvent(id)
			s.End()
		},
		"status": func() {
			_, s := traces.tracer.Start(ctx, "Quote")
			s.SetStatus(1, id)
			s.End()
		},
		"child": func() {
			inner, s := traces.tracer.Start(ctx, "Quote "+id)
			_, child := traces.tracer.Start(inner, "Quote")
			child.End()
			s.End()
		},
	} {
		plant()
		if err := traces.provider.ForceFlush(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(spans.GetSpans()); n != 0 {
			t.Errorf("%s: exported", name)
			spans.Reset()
		}
	}
	traces.Acknowledged(id, time.Second)
	shutDown(t, traces)
	if got := spans.GetSpans(); len(got) != 1 || got[0].Name != other {
		t.Errorf("a session as the kind of a request: %+v", got)
	}
}

func TestTracesNeedACollector(t *testing.T) {
	for _, address := range []string{"", "collector", ":4317"} {
		if _, err := NewTraces(t.Context(), TracesConfig{Collector: address, OneIn: 1}); !errors.Is(err, ErrNoCollector) {
			t.Errorf("%q: %v, expected %v", address, err, ErrNoCollector)
		}
	}
	// A collector that is not there holds nobody up.
	traces, err := NewTraces(t.Context(), TracesConfig{Collector: "127.0.0.1:1", OneIn: 1})
	if err != nil {
		t.Fatal(err)
	}
	use(traces)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := traces.Shutdown(ctx); err == nil {
		t.Error("spans were handed over to nobody")
	}
}

func TestObservers(t *testing.T) {
	one, other := NewMetrics(), NewMetrics()
	use(Observers(one, other))
	use(Observers())
	for _, m := range []*Metrics{one, other} {
		requireLines(t, scrape(t, m), "zkkex_gateway_sessions 3", `zkkex_gateway_ended_total{reason="slow"} 1`, `zkkex_gateway_requests_total{kind="Quote"} 1`)
	}
}

var _ sdktrace.SpanExporter = keep{}
