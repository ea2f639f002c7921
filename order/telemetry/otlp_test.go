package telemetry

import (
	"context"
	"net"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// sink is a collector.
type sink struct {
	collector.UnimplementedTraceServiceServer
	got chan *collector.ExportTraceServiceRequest
}

func (s *sink) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.got <- r
	return &collector.ExportTraceServiceResponse{}, nil
}

// Spans reach a collector by OTLP, with the gateway's name and nothing of this
// machine.
func TestOTLP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{got: make(chan *collector.ExportTraceServiceRequest, 1)}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, s)
	go server.Serve(l)
	t.Cleanup(server.Stop)

	traces, err := NewTraces(t.Context(), TracesConfig{Collector: l.Addr().String(), OneIn: 1, Gateway: "a"})
	if err != nil {
		t.Fatal(err)
	}
	traces.Acknowledged("Quote", time.Millisecond)
	shutDown(t, traces)
	r := <-s.got
	if len(r.ResourceSpans) != 1 || len(r.ResourceSpans[0].ScopeSpans) != 1 || len(r.ResourceSpans[0].ScopeSpans[0].Spans) != 1 {
		t.Fatalf("got %v, expected one span", r)
	}
	if span := r.ResourceSpans[0].ScopeSpans[0].Spans[0]; span.Name != "Quote" || len(span.Attributes) != 0 || span.EndTimeUnixNano-span.StartTimeUnixNano != 1e6 {
		t.Errorf("span %v", span)
	}
	got := make(map[string]string)
	for _, a := range r.ResourceSpans[0].Resource.Attributes {
		got[a.Key] = a.Value.GetStringValue()
	}
	if len(got) != 2 || got["service.name"] != "zkkex-gateway" || got["service.instance.id"] != "a" {
		t.Errorf("the spans are of %v", got)
	}
}
