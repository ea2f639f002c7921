package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/zkkex/zkkex/session"
)

// tellsUnknown is on the way to a venue. It lets the first message of the first
// connection through, keeps the venue's answer to itself, and tells the member
// that the venue knows no such descriptor, which anybody can. What follows it
// leaves alone. It returns its address.
func tellsUnknown(t *testing.T, venue string) Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for first := true; ; first = false {
			member, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", venue)
			if err != nil {
				member.Close()
				return
			}
			if first {
				lie(member, behind)
				continue
			}
			go pipe(behind, member)
			go pipe(member, behind)
		}
	}()
	return Address{"tcp", l.Addr().String()}
}

func lie(member, venue net.Conn) {
	defer member.Close()
	defer venue.Close()
	message, err := readMessage(member)
	if err != nil {
		return
	}
	if _, err := venue.Write(message); err != nil {
		return
	}
	if _, err := readMessage(venue); err != nil {
		return
	}
	member.Write(unknownDescriptorAnswer())
}

func pipe(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
}

// That a descriptor is unknown is an answer which nobody vouches for. It must not
// make a member send early data again that the venue has delivered.
func TestUnknownDescriptorDeliversEarlyDataOnce(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(earlySuite)
	d.Venue = through(d.Venue, tellsUnknown(t, s.listener.Addr().String()))
	c := s.certificate(t)
	if _, err := d.Open(t.Context(), c, []byte("buy 100")); !isReason(err, OpensExceeded) {
		t.Errorf("got %v, expected %s: the open was used by what the venue has delivered", err, OpensExceeded)
	}
	if opens, _ := s.gate.changed(); opens != 1 {
		t.Errorf("early data was delivered %d times", opens)
	}
}

// Without early data, the second try uses up no other open.
func TestUnknownDescriptorUsesNoOpenUp(t *testing.T) {
	s := listen(t, newScene(t))
	d := s.dialer(plainSuite)
	d.Venue = through(d.Venue, tellsUnknown(t, s.listener.Addr().String()))
	c := s.certificate(t)
	member, err := d.Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if got := member.ConnectionState().Opens; got != 0 || c.Opens() != 1 {
		t.Errorf("open counter %d, and %d taken; expected 0 and 1", got, c.Opens())
	}
}

// A descriptor that came in between can allow fewer opens than were taken.
func TestOpenAgainIsBounded(t *testing.T) {
	s := newScene(t)
	c := s.certificate(t)
	first := s.initiator(t, plainSuite, c, InitiatorOptions{Kind: Inline})
	v := s.venue(plainSuite)
	v.MaxOpens = 0
	if _, err := NewInitiator(v, c, InitiatorOptions{Kind: Inline, again: first}); !errors.Is(err, session.ErrOpensUsed) {
		t.Errorf("got %v", err)
	}
}

type venueFunc = func(context.Context, bool) (*Venue, []Address, error)

// through has the venue at another address.
func through(know venueFunc, a Address) venueFunc {
	return func(ctx context.Context, refresh bool) (*Venue, []Address, error) {
		v, _, err := know(ctx, refresh)
		return v, []Address{a}, err
	}
}
