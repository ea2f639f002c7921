package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zkkex/zkkex/venue"
)

// addCounters adds what became of connections, first messages and proofs.
func addCounters(t *table, s *venue.Status) {
	if h := s.Handshakes; h != nil {
		t.add("handshakes", "%d connections: %d opened, %d admitted, %d failed, %d timed out, %d refused at once; %d under way, %d channels",
			h.Accepted, h.Opened, h.Admitted, h.Failed, h.TimedOut, h.Refused, h.UnderWay, h.Channels)
		if why := causes(&h.Messages); why != "" {
			t.add("messages", "%d: %s", h.Messages.Received, why)
		}
	}
	if p := s.Verifications; p != nil {
		t.add("proofs", "%d: %d bad, %d not verified for want of time or room, %d waiting", p.Queued, p.Refused, p.Busy, p.Waiting)
	}
}

// causes lists why first messages came to nothing, with how many each.
func causes(m *venue.MessageStatus) string {
	var out []string
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{m.Malformed, "malformed"}, {m.WrongSuite, "of another suite"}, {m.RateLimit, "too fast from one address"},
		{m.HalfOpen, "too many at once"}, {m.Replayed, "seen before"}, {m.WrongMAC, "with a wrong MAC"},
		{m.UnknownDescriptor, "by an unknown descriptor"}, {m.Cookies, "asked for a cookie"},
		{m.Unauthentic, "not authentic"}, {m.WrongPayload, "with a wrong payload"}, {m.Undecided, "undecided"},
	} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(m.Rejected)) {
		out = append(out, fmt.Sprintf("%d refused as %s", m.Rejected[reason], reason))
	}
	return strings.Join(out, ", ")
}
