package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// server is a venue that listens on a loopback socket.
type server struct {
	*scene
	t        testing.TB
	listener *Listener
}

func listen(t testing.TB, s *scene, options ...func(*ServerConfig)) *server {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := ServerConfig{Responder: s.responder, Keys: keySource{s.keys.Number: s.keys}, Gate: s.gate, Now: s.clock.Now}
	for _, o := range options {
		o(&c)
	}
	l, err := NewListener(inner, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Shutdown() })
	return &server{s, t, l}
}

// dialer returns a member's dialer.
func (s *server) dialer(suite string) *Dialer {
	address := Address{"tcp", s.listener.Addr().String()}
	return &Dialer{
		Venue: func(context.Context, bool) (*Venue, []Address, error) {
			return s.venue(suite), []Address{address}, nil
		},
		Config: ClientConfig{Now: s.clock.Now},
	}
}

// pair opens a channel, and returns both its sides.
func (s *server) pair(c *session.Certificate) (member, venue *Conn) {
	s.t.Helper()
	member, err := s.dialer(plainSuite).Open(s.t.Context(), c, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if venue, err = s.listener.AcceptConn(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { member.Close(); venue.Close() })
	return member, venue
}

func TestOpenAdmitInlineOverSockets(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(plainSuite)
	c := s.certificate(t)
	if err := d.Admit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.MarkAdmitted()
	before := s.gate.pairings
	member, venue := s.pair(c)
	if s.gate.pairings != before {
		t.Error("an admitted certificate was verified again")
	}
	if _, err := member.Write([]byte("order")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(venue, got); err != nil || string(got) != "order" {
		t.Fatalf("%q, %v", got, err)
	}
	m, v := member.ConnectionState(), venue.ConnectionState()
	if m.Role != record.Initiator || v.Role != record.Responder {
		t.Error("roles are wrong")
	}
	if m.Statement != v.Statement || m.Certificate != c.Digest() || v.Certificate != c.Digest() || m.Transcript != v.Transcript || m.Suite != plainSuite || v.Suite != plainSuite {
		t.Errorf("the two sides differ:\n%+v\n%+v", m, v)
	}
	stats := s.listener.Stats()
	if stats.Admitted != 1 || stats.Opened != 1 || stats.Channels != 1 {
		t.Errorf("%+v", stats)
	}
	// An open with a certificate that was never shown has it along.
	s.pair(s.certificate(t))
	if s.gate.pairings != before+1 {
		t.Error("a certificate that came along was not verified once")
	}
}

// A venue that has forgotten an admission gets the certificate again.
func TestOpenFallsBackToInline(t *testing.T) {
	s := listen(t, newScene(t))
	c := s.certificate(t)
	c.MarkAdmitted()
	member, _ := s.pair(c)
	if got := member.ConnectionState().Opens; got != 1 {
		t.Errorf("open counter %d, expected 1: the first open was used up by the question", got)
	}
}

func TestEarlyDataOverSockets(t *testing.T) {
	s := listen(t, newScene(t))
	member, err := s.dialer(earlySuite).Open(t.Context(), s.certificate(t), []byte("first words"))
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	venue, err := s.listener.AcceptConn()
	if err != nil {
		t.Fatal(err)
	}
	defer venue.Close()
	if string(venue.Early()) != "first words" {
		t.Errorf("early data %q", venue.Early())
	}
}

func TestRefusalsOverSockets(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testGate)
		want   func(error) bool
	}{
		"slot used":   {func(g *testGate) { g.admitErr = zkkex.Reject(zkkex.SlotUsed, "x") }, func(err error) bool { return isReason(err, zkkex.SlotUsed) }},
		"bad proof":   {func(g *testGate) { g.admitErr = zkkex.Reject(zkkex.BadProof, "x") }, func(err error) bool { return isReason(err, zkkex.BadProof) }},
		"store down":  {func(g *testGate) { g.down = true }, func(err error) bool { return errors.Is(err, ErrUnavailable) && !errors.Is(err, zkkex.ErrRejected) }},
		"generation":  {func(g *testGate) { g.liveErr = zkkex.Reject(WrongGeneration, "x") }, func(err error) bool { return isReason(err, WrongGeneration) }},
		"no channels": {func(g *testGate) { g.maxChannels = 0 }, func(err error) bool { return isReason(err, ChannelsExceeded) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, newScene(t))
			s.gate.set(c.change)
			if _, err := s.dialer(plainSuite).Open(t.Context(), s.certificate(t), nil); !c.want(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A message 1 that is replayed, to a venue that has forgotten it, opens nothing.
func TestReplayedFirstMessageIsNoChannel(t *testing.T) {
	s := listen(t, newScene(t))
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	raw, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Write(message); err != nil {
		t.Fatal(err)
	}
	if _, err := readMessage(raw); err != nil {
		t.Fatal(err)
	}
	raw.Close() // the thief cannot go on
	eventually(t, "the handshake fails", func() bool { return s.listener.Stats().Failed == 1 })
	if opens, channels := s.gate.changed(); opens != 0 || channels != 0 {
		t.Errorf("%d opens and %d channels, expected none", opens, channels)
	}
}

func TestUnknownDescriptorIsFetched(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(plainSuite)
	know := d.Venue
	refreshed := 0
	d.Venue = func(ctx context.Context, refresh bool) (*Venue, []Address, error) {
		v, a, err := know(ctx, refresh)
		if refresh {
			refreshed++
		} else {
			old := *v
			old.Number = 1
			v = &old
		}
		return v, a, err
	}
	conn, err := d.Open(t.Context(), s.certificate(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if refreshed != 1 {
		t.Errorf("refreshed %d times", refreshed)
	}
}

// The gate's word ends a channel: at its time, or because of a generation.
func TestGateEndsChannels(t *testing.T) {
	s := listen(t, newScene(t))
	member, venue := s.pair(s.certificate(t))
	s.gate.set(func(g *testGate) { g.liveErr = zkkex.Reject(WrongGeneration, "x") })
	venue.checkLive(s.listener.config)
	_, err := member.Read(make([]byte, 1))
	var alert Alert
	if !errors.As(err, &alert) || alert != AlertGeneration {
		t.Errorf("got %v", err)
	}
	requireEnd(t, venue)
	eventually(t, "the channel is not counted any more", func() bool {
		_, channels := s.gate.changed()
		return channels == 0
	})
}

func TestListenerBounds(t *testing.T) {
	s := listen(t, newScene(t), func(c *ServerConfig) { c.MaxHandshakes, c.Timeout = 2, 300*time.Millisecond })
	var idle []net.Conn
	for range 4 {
		raw, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, raw)
	}
	for _, raw := range idle {
		if _, err := raw.Read(make([]byte, 1)); err == nil {
			t.Error("an idle connection was answered")
		}
		raw.Close()
	}
	eventually(t, "two are refused and two time out", func() bool {
		stats := s.listener.Stats()
		return stats.Refused == 2 && stats.TimedOut == 2 && stats.Handshakes == 0
	})
	s.pair(s.certificate(t)) // there is room again
}

// A peer that stalls at any byte of the first message, or ends there, costs a
// place until the deadline and nothing more.
func TestStallsAndHalfMessages(t *testing.T) {
	s := listen(t, newScene(t), func(c *ServerConfig) { c.Timeout = 500 * time.Millisecond })
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	var ends sync.WaitGroup
	tried := 0
	for n := 0; n < len(message); n += 61 {
		tried++
		ends.Go(func() {
			raw, err := net.Dial("tcp", s.listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer raw.Close()
			raw.Write(message[:n])
			if n%2 == 0 {
				raw.(*net.TCPConn).CloseWrite()
			}
			if got, err := io.ReadAll(raw); len(got) != 0 {
				t.Errorf("%d bytes were answered with %d, %v", n, len(got), err)
			}
		})
	}
	ends.Wait()
	eventually(t, "every one ends", func() bool {
		stats := s.listener.Stats()
		return stats.Handshakes == 0 && stats.TimedOut+stats.Failed == uint64(tried)
	})
}

func TestConnConforms(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		s := newScene(t)
		s.gate.set(func(g *testGate) { g.maxChannels = 1 << 20 })
		server := listen(t, s)
		member, venue := server.pair(s.certificate(t))
		return member, venue, func() { member.Close(); venue.Close(); server.listener.Shutdown() }, nil
	})
}

func exchangeWords(t testing.TB, a, b net.Conn) {
	t.Helper()
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		if _, err := way[0].Write([]byte("words")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != "words" {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// A listener that is closed lets go of everything: goroutines, descriptors,
// counts.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	s := listen(t, newScene(t))
	s.gate.set(func(g *testGate) { g.maxChannels = 1 << 20 })
	for range 20 {
		member, venue := s.pair(s.certificate(t))
		exchangeWords(t, member, venue)
	}
	raw, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := s.listener.Shutdown(); err != nil {
		t.Error(err)
	}
	if _, err := s.listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, channels := s.gate.changed()
		if channels == 0 && s.listener.Stats().Channels == 0 && runtime.NumGoroutine() <= before+3 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d channels, %d goroutines, %d before", channels, runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Whoever has one address has 2^64 of them in IPv6: they share a bound.
func TestListenerBoundsSubscribers(t *testing.T) {
	l := listen(t, newScene(t)).listener
	host := func(network string, n byte) netip.Prefix {
		a := netip.MustParsePrefix(network).Addr().As16()
		a[15] = n
		return Subscriber(netip.AddrFrom16(a))
	}
	for n := range byte(MaxHandshakesPerAddress) {
		if !l.begin(host("2001:db8:0:1::/64", n)) {
			t.Fatalf("handshake %d was refused", n)
		}
	}
	if l.begin(host("2001:db8:0:1::/64", 200)) {
		t.Errorf("one /64 has more than %d handshakes under way", MaxHandshakesPerAddress)
	}
	if !l.begin(host("2001:db8:0:2::/64", 0)) {
		t.Error("another /64 was refused")
	}
	if Subscriber(netip.Addr{}).IsValid() {
		t.Error("a pipe has a subscriber")
	}
	if a, b := Subscriber(netip.MustParseAddr("::ffff:192.0.2.1")), Subscriber(netip.MustParseAddr("192.0.2.1")); a != b {
		t.Errorf("%v and %v", a, b)
	}
}
