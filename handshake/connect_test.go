package handshake

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// several has the venue at several addresses.
func several(know venueFunc, addresses ...Address) venueFunc {
	return func(ctx context.Context, refresh bool) (*Venue, []Address, error) {
		v, _, err := know(ctx, refresh)
		return v, addresses, err
	}
}

func (s *server) address() Address { return Address{"tcp", s.listener.Addr().String()} }

// refuses is an address where nobody listens.
func refuses(t *testing.T) Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return Address{"tcp", l.Addr().String()}
}

// hangsUp is an address where connections are accepted and closed, as by a proxy
// with nobody behind it.
func hangsUp(t *testing.T) Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			readMessage(c)
			c.Close()
		}
	}()
	return Address{"tcp", l.Addr().String()}
}

// down is another gateway of the venue, whose store is out of reach.
func down(t *testing.T, s *server) Address {
	t.Helper()
	other := newScene(t)
	other.keys = s.keys
	other.responder = other.another(t)
	other.gate.set(func(g *testGate) { g.down = true })
	return listen(t, other).address()
}

// A venue is reached while one of its gateways answers, wherever it is in the list,
// with one open of the certificate.
func TestAddressesInOrder(t *testing.T) {
	for name, first := range map[string]func(*testing.T, *server) Address{
		"refused":           func(t *testing.T, _ *server) Address { return refuses(t) },
		"hung up":           func(t *testing.T, _ *server) Address { return hangsUp(t) },
		"its store is down": down,
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, newScene(t))
			d := s.dialer(plainSuite)
			d.Venue = several(d.Venue, first(t, s), s.address())
			c := s.certificate(t)
			member, err := d.Open(t.Context(), c, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer member.Close()
			if got := member.ConnectionState().Opens; got != 0 || c.Opens() != 1 {
				t.Errorf("open counter %d, and %d taken; expected 0 and 1", got, c.Opens())
			}
		})
	}
}

// An address that does not answer at all does not hold the others up, and what comes
// of it later is closed.
func TestAddressThatHangs(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(plainSuite)
	d.Venue = several(d.Venue, Address{"tcp", "hangs.invalid:1"}, s.address())
	late, closed := net.Pipe()
	d.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "hangs.invalid:1" {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		<-ctx.Done() // given up once the other has answered
		return late, nil
	}
	member, err := d.Open(t.Context(), s.certificate(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if _, err := closed.Read(make([]byte, 1)); err == nil {
		t.Error("the late connection was used")
	}
}

// A no is a no, and is not asked for again elsewhere; when nobody answers, the error
// says what each did.
func TestAddressesThatAreOfNoUse(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(plainSuite)
	d.Venue = several(d.Venue, s.address(), s.address())
	s.gate.ban()
	if _, err := d.Open(t.Context(), s.certificate(t), nil); !isReason(err, Banned) {
		t.Errorf("%v, expected %s", err, Banned)
	}
	if n := s.listener.Stats().Accepted; n != 1 {
		t.Errorf("asked %d times, expected once", n)
	}
	d.Venue = several(s.dialer(plainSuite).Venue, hangsUp(t), refuses(t))
	_, err := d.Open(t.Context(), s.certificate(t), nil)
	if refused := (*net.OpError)(nil); !errors.Is(err, ErrNoAnswer) || !errors.As(err, &refused) {
		t.Errorf("%v, expected what both did", err)
	}
	d.Venue = several(s.dialer(plainSuite).Venue)
	if _, err := d.Open(t.Context(), s.certificate(t), nil); !errors.Is(err, ErrNoAddress) {
		t.Errorf("%v, expected %v", err, ErrNoAddress)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	d.Venue = several(s.dialer(plainSuite).Venue, Address{"tcp", "hangs.invalid:1"}, Address{"tcp", "hangs.invalid:2"})
	d.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := d.Open(ctx, s.certificate(t), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, expected %v", err, context.DeadlineExceeded)
	}
}

// A gateway that does not have the newest descriptor yet sends a member to the next
// one.
func TestAddressThatIsBehind(t *testing.T) {
	s := listen(t, newScene(t))
	behind := newScene(t)
	behind.keys = newKeys(t, 4)
	behind.responder = behind.another(t)
	old := listen(t, behind)
	d := s.dialer(plainSuite)
	d.Venue = several(d.Venue, old.address(), s.address())
	member, err := d.Open(t.Context(), s.certificate(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	member.Close()
}
