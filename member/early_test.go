package member

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
)

// readFirst reads a message of a handshake, whole.
func readFirst(r io.Reader) ([]byte, error) {
	b := make([]byte, handshake.PrefixSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	size, err := handshake.BodySize(b)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, size)...)
	_, err = io.ReadFull(r, b[handshake.PrefixSize:])
	return b, err
}

// Somebody on the way lets a first message through, keeps the venue's yes, and says
// that the venue knows no such descriptor as soon as the venue has raised its
// generation, so that it is true. The early data was delivered: it must not be sent
// again under another certificate.
func TestEarlyDataIsNotSentAgainAfterARaise(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m, func(c *VenueConfig) { c.RequirePrekey = true })
	s.must(v.Sync(t.Context()))
	between, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	defer between.Close()
	behind := s.places["venue.invalid:9440"]
	s.place("venue.invalid:9440", between.Addr())

	lied := make(chan error, 1)
	go func() {
		lied <- func() error {
			member, err := between.Accept()
			if err != nil {
				return err
			}
			defer member.Close()
			venue, err := net.Dial("tcp", behind)
			if err != nil {
				return err
			}
			defer venue.Close()
			message, err := readFirst(member)
			if err != nil {
				return err
			}
			if _, err := venue.Write(message); err != nil {
				return err
			}
			if _, err := readFirst(venue); err != nil {
				return err
			}
			s.clock.add(5 * time.Minute)
			s.publish()
			if _, err := there.venue.Raise(t.Context()); err != nil {
				return err
			}
			_, err = member.Write([]byte{0, 2, 1, 3}) // docs/spec/handshake.md
			return err
		}()
	}()
	_, err = v.FreshEarly(t.Context(), []byte("buy 100"))
	if !errors.Is(err, ErrRaised) {
		t.Errorf("%v; want ErrRaised", err)
	}
	s.must(<-lied)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.dialed["venue.invalid:9440"]; n != 1 {
		t.Errorf("early data that was delivered was sent %d times", n)
	}
}
