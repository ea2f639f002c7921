package bench

import (
	"strings"
	"testing"
	"time"
)

// eachOpener starts every opener at a fresh venue.
func eachOpener(tb testing.TB, f func(*opener)) {
	tb.Helper()
	m, err := newMember()
	if err != nil {
		tb.Fatal(err)
	}
	e, err := newExchange(m, tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.close(); err != nil {
			tb.Error(err)
		}
	})
	r := &runner{report: new(Report)}
	openers, err := r.openers(m, e)
	if err != nil {
		tb.Fatal(err)
	}
	for _, o := range openers {
		if err := o.listen(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { o.close() })
		if err := o.begin(); err != nil {
			tb.Fatal(err)
		}
		f(o)
	}
}

// What opening costs in bytes, which no machine's mood changes: ours are the same
// each time, at most what the targets say, and an open tells nothing by its
// answer's size.
func TestOpenBytes(t *testing.T) {
	seen := make(map[string]Opening)
	eachOpener(t, func(o *opener) {
		for range 2 {
			task := o.task()
			if _, err := task.measure(); err != nil {
				t.Fatal(err)
			}
		}
		got := o.opening()
		if got.Opens != opensEach || got.Median <= 0 || got.P99 < got.Median {
			t.Errorf("no distribution: %+v", got)
		}
		if strings.HasPrefix(o.name, "zkkex") {
			for _, one := range o.opens {
				if one.sent != got.Sent || one.received != got.Received {
					t.Errorf("%s: %d and %d bytes, and another time %d and %d", o.name, one.sent, one.received, got.Sent, got.Received)
				}
			}
		}
		seen[o.name] = got
	})
	tls := float64(seen[openTLS].bytes())
	for name, limit := range map[string]float64{openAdmitted: openBytesLimit, openAhead: openBytesLimit, openPrekey: prekeyBytesLimit} {
		if ratio := float64(seen[name].bytes()) / tls; seen[name].bytes() == 0 || ratio > limit {
			t.Errorf("%s: %.2f of the bytes of mutual TLS, expected at most %.2f", name, ratio, limit)
		}
	}
	for _, name := range []string{openAhead, openPrekey, openInline} {
		if seen[name].Received != seen[openAdmitted].Received {
			t.Errorf("%s: %d bytes received, expected %d as for any other open", name, seen[name].Received, seen[openAdmitted].Received)
		}
	}
}

// A connection that fails is an error of the run, not a fast open.
func TestOpenerReportsFailures(t *testing.T) {
	eachOpener(t, func(o *opener) {
		if o.name != openAdmitted {
			return
		}
		o.peer.(*ours).venue.Digest[0] ^= 1
		if err := o.open(); err == nil {
			t.Error("an open under another descriptor succeeds")
		}
	})
}

func BenchmarkOpenChannel(b *testing.B) {
	eachOpener(b, func(o *opener) {
		b.Run(o.name, func(b *testing.B) {
			b.ReportAllocs()
			var ahead time.Duration // CPU time of what is made ahead
			begin := cpuTime()
			for n := 0; b.Loop(); n++ {
				if o.before != nil && n%opensEach == 0 {
					b.StopTimer()
					start := cpuTime()
					if err := o.before(); err != nil {
						b.Fatal(err)
					}
					ahead += cpuTime() - start
					b.StartTimer()
				}
				if err := o.open(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-begin-ahead)/time.Duration(b.N)), "cpu-ns/op")
			seen := o.opening()
			b.ReportMetric(float64(seen.bytes()), "wire-bytes")
		})
	})
}
