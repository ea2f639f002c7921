package member

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// second is the address of a venue's second gateway, beside port 9440.
const second = ":9450"

// secondGateway has a venue of two gateways: the first issues, and the other follows
// its folder; both share admissions. It returns the follower.
func (s *scene) secondGateway(name string) (*venueOf, *venue.Venue) {
	s.t.Helper()
	v := s.initVenue(name, []func(*venue.Config){func(c *venue.Config) {
		c.Addresses = append(c.Addresses, descriptor.Address{Network: "tcp", Place: name + second})
	}})
	o := venue.Options{Now: s.clock.now, Params: verifying, Admissions: admission.NewMemory()}
	v.start(o)
	follower, err := venue.OpenFollower(v.dir, filepath.Join(s.t.TempDir(), "follower"), o)
	s.must(err)
	s.t.Cleanup(func() { s.must(follower.Close()) })
	_, err = follower.Sync(s.t.Context())
	s.must(err)
	for place, gateway := range map[string]*venue.Venue{name + ":9440": v.venue, name + second: follower} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		s.place(place, l.Addr())
		sessions, err := gateway.NewListener(l, venue.ListenConfig{})
		s.must(err)
		s.t.Cleanup(func() { s.must(sessions.Close()) })
		go echo(sessions)
	}
	return v, follower
}

// A member of a venue with two gateways goes to the first, and when that refuses, to
// the second, with the certificate that it has: a session is resumed there, renewed
// there, and resumed at the first when that is back. Proofs are real.
func TestSecondGateway(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v, follower := s.secondGateway("two.invalid")
	at := v.trustedBy(m)
	s.must(at.Sync(t.Context()))
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

	one := fresh(t, at)
	if n := s.count("two.invalid" + second); n != 0 {
		t.Errorf("the second gateway was dialled %d times while the first answers", n)
	}
	s.out("two.invalid:9440", refused)
	again, err := one.Resume(t.Context())
	s.must(err)
	defer again.Close()
	works(t, again)
	if again.ConnectionState().Certificate != one.ConnectionState().Certificate || s.count("two.invalid"+second) != 1 {
		t.Error("it was not resumed at the second gateway")
	}
	if n := follower.Status().Admissions.Admitted; n != 0 {
		t.Errorf("the follower has admitted %d certificates, expected to know the one of the first", n)
	}
	fresh(t, at) // with another certificate, at the second

	s.clock.add(4 * time.Hour)
	v.turn()
	s.must(follower.Maintain(t.Context()))
	s.must(at.Sync(t.Context()))
	s.must(again.Renew(t.Context()))
	works(t, again)
	s.out("two.invalid:9440", nil)
	back, err := again.Resume(t.Context())
	s.must(err)
	defer back.Close()
	works(t, back)
	if n := s.count("two.invalid:9440"); n < 3 {
		t.Errorf("the first gateway was dialled %d times, expected to be used again", n)
	}

	// A ban at the follower holds at the first.
	state := back.ConnectionState()
	s.must(follower.Ban(t.Context(), state.Epoch.Number, admission.PseudonymOf(state.Epoch.Number, state.Statement.Nullifier)))
	s.clock.add(admission.BanRefresh)
	if _, err := back.Resume(t.Context()); !rejected(err, handshake.Banned) {
		t.Errorf("resumed at the first: %v, expected %s", err, handshake.Banned)
	}
	fresh(t, at) // with another pseudonym
}

// count is how often a place was dialled.
func (s *scene) count(place string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialed[place]
}
