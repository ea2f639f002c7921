package telemetry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/credentials"

	"github.com/zkkex/zkkex/order/gateway"
)

// TracesConfig says which requests are traced, and where the traces go.
type TracesConfig struct {
	// Collector is the address, host and port, of an OpenTelemetry collector that
	// takes OTLP over gRPC: in clear at a loopback address, and with TLS at any other.
	Collector string
	// TLS configures that; nil is the system's certificate authorities.
	TLS *tls.Config
	// OneIn has one in so many requests traced, at random; 1 traces all, and 0 none.
	OneIn int
	// Gateway is the gateway's name, which its spans carry.
	Gateway string
	// Exporter, if set, takes the spans in place of the collector.
	Exporter sdktrace.SpanExporter
}

// ErrNoCollector reports traces that have nowhere to go.
var ErrNoCollector = errors.New("expected the address of a collector, host and port")

// Traces are spans of requests and of writes to the journal. A span has a kind, a
// beginning and an end, and nothing of the request: it is in no trace with others.
// It implements [gateway.Observer], and is safe for concurrent use. What the
// collector does not take in time is dropped.
type Traces struct {
	oneIn    int
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

var _ gateway.Observer = (*Traces)(nil)

// NewTraces returns traces. It does not wait for the collector. It returns
// [ErrNoCollector], or an error of the exporter's configuration.
func NewTraces(ctx context.Context, c TracesConfig) (*Traces, error) {
	exporter, err := exporterOf(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // of those that OneIn chose
		sdktrace.WithBatcher(faceless{exporter}),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "zkkex-gateway"),
			attribute.String("service.instance.id", c.Gateway),
		)),
	)
	return &Traces{oneIn: c.OneIn, provider: provider, tracer: provider.Tracer("github.com/zkkex/zkkex/order")}, nil
}

func exporterOf(ctx context.Context, c TracesConfig) (sdktrace.SpanExporter, error) {
	if c.Exporter != nil {
		return c.Exporter, nil
	}
	host, _, err := net.SplitHostPort(c.Collector)
	if err != nil || host == "" {
		return nil, errors.Join(ErrNoCollector, err)
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(c.Collector)}
	if loopback(host) {
		options = append(options, otlptracegrpc.WithInsecure())
	} else {
		options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(c.TLS)))
	}
	return otlptracegrpc.New(ctx, options...)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Shutdown hands over what is left, as long as ctx lasts, and ends.
func (t *Traces) Shutdown(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Attributes of spans.
const (
	entriesAttribute = attribute.Key("zkkex.entries")
	failedAttribute  = attribute.Key("zkkex.failed")
	appendSpan       = "journal append"
)

// span records that something took so long until now, if it is chosen.
func (t *Traces) span(name string, took time.Duration, attributes ...attribute.KeyValue) {
	if t.oneIn <= 0 || t.oneIn > 1 && rand.N(t.oneIn) != 0 {
		return
	}
	end := time.Now()
	_, s := t.tracer.Start(context.Background(), name, trace.WithTimestamp(end.Add(-took)), trace.WithNewRoot(), trace.WithAttributes(attributes...))
	s.End(trace.WithTimestamp(end))
}

// Request implements [gateway.Observer]: a request is traced when it is answered.
func (t *Traces) Request(string) {}

// Reject implements [gateway.Observer].
func (t *Traces) Reject(string, string) {}

// Acknowledged implements [gateway.Observer].
func (t *Traces) Acknowledged(kind string, after time.Duration) { t.span(kindOf(kind), after) }

// Sessions implements [gateway.Observer].
func (t *Traces) Sessions(int) {}

// Appended implements [gateway.Observer].
func (t *Traces) Appended(entries int, took time.Duration, err error) {
	t.span(appendSpan, took, entriesAttribute.Int(entries), failedAttribute.Bool(err != nil))
}

// Ended implements [gateway.Observer].
func (t *Traces) Ended(string) {}

// faceless exports spans that cannot say who did something, and drops all others.
type faceless struct{ sdktrace.SpanExporter }

// ExportSpans implements [sdktrace.SpanExporter].
func (f faceless) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var fit []sdktrace.ReadOnlySpan
	for _, s := range spans {
		if isFaceless(s) {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return f.SpanExporter.ExportSpans(ctx, fit)
}

func isFaceless(s sdktrace.ReadOnlySpan) bool {
	_, request := kinds[s.Name()]
	if !request && s.Name() != other && s.Name() != appendSpan {
		return false
	}
	if len(s.Events()) > 0 || len(s.Links()) > 0 || s.Status().Description != "" || s.Parent().IsValid() {
		return false
	}
	for _, a := range s.Attributes() {
		counted := a.Key == entriesAttribute && a.Value.Type() == attribute.INT64
		failed := a.Key == failedAttribute && a.Value.Type() == attribute.BOOL
		if !counted && !failed {
			return false
		}
	}
	return true
}
