package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zkkex/zkkex/venue"
)

// NewVenue returns a collector of what a venue counts: admissions, handshakes,
// proofs, and how old its copy of the registry is. The function status is called at
// each scrape; [venue.Venue.Status] is one.
func NewVenue(status func() *venue.Status) prometheus.Collector {
	return &venueCollector{status: status, now: time.Now}
}

type venueCollector struct {
	status func() *venue.Status
	now    func() time.Time
}

// value is a number of a venue's status; its label, if it has one, is the state.
type value struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	of    func(*venue.Status, time.Time) (float64, bool)
	state string
}

func venueDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "venue", name), help, labels, nil)
}

var (
	refusedDesc  = venueDesc("refused_total", "Certificates and opens that the gate refused, by reason.", "reason")
	problemsDesc = venueDesc("problem", "1 for each task that fails now.", "what")
	membersDesc  = venueDesc("members", "Live members, by type of key.", "kind")

	connections = venueDesc("connections_total", "Connections, by what became of them.", "state")
	messages    = venueDesc("first_messages_total", "First messages, by what became of them.", "state")
	admissions  = venueDesc("admissions_total", "Certificates that were admitted, for the first time or again.", "state")
	proofs      = venueDesc("proofs_total", "Proofs that were verified or left out, by what became of them.", "state")

	values = []value{
		counter(admissions, "fresh", func(s *venue.Status) (uint64, bool) { return admissionsOf(s).Admitted, s.Admissions != nil }),
		counter(admissions, "again", func(s *venue.Status) (uint64, bool) { return admissionsOf(s).Again, s.Admissions != nil }),
		counter(venueDesc("opens_total", "Opens that were recorded."), "", func(s *venue.Status) (uint64, bool) { return admissionsOf(s).Opens, s.Admissions != nil }),
		counter(venueDesc("undecided_total", "Questions that could not be answered."), "", func(s *venue.Status) (uint64, bool) { return admissionsOf(s).Undecided, s.Admissions != nil }),
		gauge(venueDesc("channels", "Channels that are open now."), func(s *venue.Status, _ time.Time) (float64, bool) {
			return float64(admissionsOf(s).Channels), s.Admissions != nil
		}),
		counter(connections, "accepted", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Accepted, s.Handshakes != nil }),
		counter(connections, "refused", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Refused, s.Handshakes != nil }),
		counter(connections, "timed_out", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).TimedOut, s.Handshakes != nil }),
		counter(connections, "failed", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Failed, s.Handshakes != nil }),
		counter(connections, "opened", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Opened, s.Handshakes != nil }),
		counter(messages, "received", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Messages.Received, s.Handshakes != nil }),
		counter(messages, "replayed", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Messages.Replayed, s.Handshakes != nil }),
		counter(messages, "rate_limit", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Messages.RateLimit, s.Handshakes != nil }),
		counter(messages, "unknown_descriptor", func(s *venue.Status) (uint64, bool) {
			return handshakesOf(s).Messages.UnknownDescriptor, s.Handshakes != nil
		}),
		counter(messages, "cookies", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Messages.Cookies, s.Handshakes != nil }),
		counter(messages, "undecided", func(s *venue.Status) (uint64, bool) { return handshakesOf(s).Messages.Undecided, s.Handshakes != nil }),
		gauge(venueDesc("handshakes", "Handshakes that are under way."), func(s *venue.Status, _ time.Time) (float64, bool) {
			return float64(handshakesOf(s).UnderWay), s.Handshakes != nil
		}),
		counter(proofs, "queued", func(s *venue.Status) (uint64, bool) { return proofsOf(s).Queued, s.Verifications != nil }),
		counter(proofs, "refused", func(s *venue.Status) (uint64, bool) { return proofsOf(s).Refused, s.Verifications != nil }),
		counter(proofs, "busy", func(s *venue.Status) (uint64, bool) { return proofsOf(s).Busy, s.Verifications != nil }),
		gauge(venueDesc("registry_age_seconds", "Since when the newest checkpoint of the copy of the registry was signed."), registryAge),
		gauge(venueDesc("descriptor_seconds_left", "Until when the newest descriptor is valid: members cannot connect after that."), secondsLeft),
		gauge(venueDesc("published", "The number of the newest descriptor that members can fetch."), func(s *venue.Status, _ time.Time) (float64, bool) {
			return float64(s.Published), true
		}),
	}
)

func counter(desc *prometheus.Desc, state string, of func(*venue.Status) (uint64, bool)) value {
	return value{desc, prometheus.CounterValue, func(s *venue.Status, _ time.Time) (float64, bool) {
		n, ok := of(s)
		return float64(n), ok
	}, state}
}

func gauge(desc *prometheus.Desc, of func(*venue.Status, time.Time) (float64, bool)) value {
	return value{desc, prometheus.GaugeValue, of, ""}
}

// admissionsOf, handshakesOf and proofsOf are zeros where there are none.
func admissionsOf(s *venue.Status) (out venue.AdmissionStatus) {
	if s.Admissions != nil {
		out = *s.Admissions
	}
	return out
}

func handshakesOf(s *venue.Status) (out venue.HandshakeStatus) {
	if s.Handshakes != nil {
		out = *s.Handshakes
	}
	return out
}

func proofsOf(s *venue.Status) (out venue.VerificationStatus) {
	if s.Verifications != nil {
		out = *s.Verifications
	}
	return out
}

func registryAge(s *venue.Status, now time.Time) (float64, bool) {
	if s.Registry.Signed == nil {
		return 0, false
	}
	return now.Sub(*s.Registry.Signed).Seconds(), true
}

func secondsLeft(s *venue.Status, now time.Time) (float64, bool) {
	switch {
	case s.Next != nil:
		return s.Next.NotAfter.Sub(now).Seconds(), true
	case s.Current != nil:
		return s.Current.NotAfter.Sub(now).Seconds(), true
	default:
		return 0, true
	}
}

// Describe implements [prometheus.Collector].
func (c *venueCollector) Describe(out chan<- *prometheus.Desc) {
	seen := make(map[*prometheus.Desc]bool)
	for _, v := range values {
		if !seen[v.desc] {
			seen[v.desc] = true
			out <- v.desc
		}
	}
	out <- refusedDesc
	out <- problemsDesc
	out <- membersDesc
}

// Collect implements [prometheus.Collector].
func (c *venueCollector) Collect(out chan<- prometheus.Metric) {
	s, now := c.status(), c.now()
	for _, v := range values {
		n, ok := v.of(s, now)
		switch {
		case !ok:
		case v.state == "":
			out <- prometheus.MustNewConstMetric(v.desc, v.kind, n)
		default:
			out <- prometheus.MustNewConstMetric(v.desc, v.kind, n, v.state)
		}
	}
	for reason, n := range admissionsOf(s).Refused {
		if word(string(reason)) {
			out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), string(reason))
		}
	}
	for _, p := range s.Problems {
		if word(p.What) {
			out <- prometheus.MustNewConstMetric(problemsDesc, prometheus.GaugeValue, 1, p.What)
		}
	}
	for kind, n := range s.Registry.Members {
		if word(kind) {
			out <- prometheus.MustNewConstMetric(membersDesc, prometheus.GaugeValue, float64(n), kind)
		}
	}
}
