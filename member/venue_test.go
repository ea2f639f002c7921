package member

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// The whole way, from a venue that was never seen: Fresh fetches what is missing.
// Two fresh sessions have nothing in common, a resumed one has the certificate, and
// a renewed one another. Nothing was connected to but through the dial hook.
func TestSessions(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid").trustedBy(m)
	if problem := v.State().Problem; !errors.Is(problem, descriptor.ErrExpired) {
		t.Errorf("before anything was fetched: %v; want ErrExpired", problem)
	}
	one, two := fresh(t, v), fresh(t, v)
	a, b := one.ConnectionState(), two.ConnectionState()
	if a.Certificate == b.Certificate || a.Statement.Nullifier == b.Statement.Nullifier || a.Opens != 0 || b.Opens != 0 {
		t.Error("two fresh sessions can be linked")
	}
	again, err := one.Resume(t.Context())
	s.must(err)
	defer again.Close()
	works(t, again)
	if r := again.ConnectionState(); r.Certificate != a.Certificate || r.Opens != 1 {
		t.Errorf("resumed: certificate %v, opens %d; want %v, 1", r.Certificate, r.Opens, a.Certificate)
	}
	s.must(one.Renew(t.Context()))
	works(t, one)
	renewed := one.ConnectionState()
	if renewed.Renewals != 1 || renewed.Certificate == a.Certificate {
		t.Errorf("after Renew: %d renewals, certificate %v", renewed.Renewals, renewed.Certificate)
	}
	last, err := one.Resume(t.Context())
	s.must(err)
	defer last.Close()
	if r := last.ConnectionState(); r.Certificate != renewed.Certificate || r.Opens != 0 {
		t.Errorf("resumed after Renew: certificate %v, opens %d; want the new one, 0", r.Certificate, r.Opens)
	}
	state := v.State()
	if state.Problem != nil || state.Descriptor != 1 || len(state.Terms) != 2 || state.Pool.Taken != 3 {
		t.Errorf("state %+v", state)
	}
	for _, place := range []string{"registry.invalid:80", "venue.invalid:80", "venue.invalid:9440"} {
		if s.dialed[place] == 0 {
			t.Errorf("the dial hook was not asked for %s", place)
		}
	}
}

func TestEarlyData(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	if _, err := v.FreshEarly(t.Context(), []byte("early")); !errors.Is(err, handshake.ErrConfig) {
		t.Errorf("in a suite without a prekey: %v; want ErrConfig", err)
	}
	if _, err := v.FreshEarly(t.Context(), make([]byte, handshake.MaxEarlyData+1)); !errors.Is(err, handshake.ErrConfig) {
		t.Errorf("too much: %v; want ErrConfig", err)
	}
	if taken := v.State().Pool.Taken; taken != 0 {
		t.Errorf("%d certificates were taken for what could not be sent", taken)
	}
	v = there.trustedBy(m, func(c *VenueConfig) { c.RequirePrekey = true })
	early, err := v.FreshEarly(t.Context(), []byte("early"))
	s.must(err)
	defer early.Close()
	expect(t, early, "early")
	works(t, early)
}

// A certificate that could not be sent is not lost: else a venue that is down would
// use up the limit.
func TestVenueOutOfReachCostsNoSlots(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid", func(c *venue.Config) { c.Limit = 1 }).trustedBy(m)
	away := errors.New("no route")
	s.out("venue.invalid:9440", away)
	for range 3 {
		if _, err := v.Fresh(t.Context()); !errors.Is(err, away) {
			t.Fatalf("%v; want %v", err, away)
		}
	}
	s.out("venue.invalid:9440", nil)
	fresh(t, v)
	if taken := v.State().Pool.Taken; taken != 1 {
		t.Errorf("%d certificates were taken, want 1", taken)
	}
}

// What is used up is said with when there is more, and ends no session.
func TestLimitUsedUp(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid", func(c *venue.Config) { c.Limit, c.MaxOpens = 1, 1 }).trustedBy(m)
	only := fresh(t, v)
	if err := only.Renew(t.Context()); !errors.Is(err, slots.ErrNoSlot) {
		t.Errorf("Renew: %v; want ErrNoSlot", err)
	}
	if _, err := only.Resume(t.Context()); !errors.Is(err, session.ErrOpensUsed) {
		t.Errorf("Resume: %v; want ErrOpensUsed", err)
	}
	works(t, only)
	_, err := v.Fresh(t.Context())
	var failed *session.MakeError
	if !errors.Is(err, slots.ErrNoSlot) || !errors.As(err, &failed) {
		t.Fatalf("%v; want a MakeError of ErrNoSlot", err)
	}
	if midnight := halfPastNine.Truncate(24 * time.Hour).Add(24 * time.Hour); !failed.Next.Equal(midnight) {
		t.Errorf("slots again from %v, want %v", failed.Next, midnight)
	}
}

// A raised generation gives fresh slots, and a member that has none left finds out
// without being told, but does not ask at every attempt.
func TestRaiseFindsWhoIsOutOfSlots(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid", func(c *venue.Config) { c.Limit = 1 })
	v := there.trustedBy(m)
	fresh(t, v)
	if _, err := v.Fresh(t.Context()); !errors.Is(err, slots.ErrNoSlot) {
		t.Fatalf("%v; want ErrNoSlot", err)
	}
	asked := v.looked.Load()
	if _, err := v.Fresh(t.Context()); !errors.Is(err, slots.ErrNoSlot) || v.looked.Load() != asked {
		t.Fatalf("%v; looked at %d and %d", err, asked, v.looked.Load())
	}
	s.clock.add(5 * time.Minute)
	s.publish()
	_, err := there.venue.Raise(t.Context())
	s.must(err)
	if _, err := v.Fresh(t.Context()); err != nil {
		t.Fatalf("after the raise: %v", err)
	}
}

// A member that is admitted after the venue named its roots is told when it is its
// turn, before and after that is certain, and then it is.
func TestAdmittedTooLate(t *testing.T) {
	s := newScene(t)
	early, late := s.member(), s.stranger()
	there := s.venue("venue.invalid")
	s.admit(late)
	v := there.trustedBy(late)
	s.must(v.Sync(t.Context()))
	midnight := halfPastNine.Truncate(24 * time.Hour)
	second := midnight.Add(48 * time.Hour) // the present epoch and the next are named

	expect := func(named bool) {
		t.Helper()
		_, err := v.Fresh(t.Context())
		for _, err := range []error{err, v.State().Problem} {
			var told *NotNamedError
			if !errors.As(err, &told) || !errors.Is(err, mirror.ErrNotMember) || !told.From.Equal(second) || told.Named != named {
				t.Fatalf("%v; want a NotNamedError from %v, named: %v", err, second, named)
			}
		}
	}
	expect(false)
	fresh(t, there.trustedBy(early))

	s.clock.set(midnight.Add(24*time.Hour + 30*time.Minute)) // the next epoch, in which the one after is named
	there.turn()
	s.must(v.Sync(t.Context()))
	expect(true)

	s.clock.set(second.Add(30 * time.Minute))
	there.turn()
	fresh(t, v)
}

func TestRevokedMember(t *testing.T) {
	s := newScene(t)
	other, m := s.member(), s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	fresh(t, v)
	_, err := s.registrar.RevokeKey(m.Public(), s.clock.now())
	s.must(err)
	s.publish()
	s.must(v.Sync(t.Context()))
	fresh(t, v) // the present epoch's root still has it
	for range 2 {
		s.clock.add(24 * time.Hour)
		there.turn()
	}
	s.must(v.Sync(t.Context()))
	if _, err := v.Fresh(t.Context()); !errors.Is(err, mirror.ErrNotMember) || !strings.Contains(err.Error(), "revoked by operation 2") {
		t.Errorf("two epochs later: %v; want ErrNotMember, and the operation", err)
	}
	fresh(t, there.trustedBy(other))

	s.admit(s.stranger())
	never := there.trustedBy(s.stranger())
	s.must(never.Sync(t.Context()))
	if _, err := never.Fresh(t.Context()); !errors.Is(err, mirror.ErrNotMember) || !strings.Contains(err.Error(), "enrol") {
		t.Errorf("never admitted: %v; want ErrNotMember, and what to do", err)
	}
}

// After an emergency the member learns from the venue's answer that its descriptor
// is not known any more, fetches the new one, and proves again.
func TestRaisedGeneration(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	before := fresh(t, v)
	s.clock.add(5 * time.Minute)
	s.publish()
	_, err := there.venue.Raise(t.Context())
	s.must(err)
	after := fresh(t, v)
	if before.ConnectionState().Statement.Scope == after.ConnectionState().Statement.Scope {
		t.Error("one scope for two generations")
	}
	if _, err := before.Resume(t.Context()); !errors.Is(err, ErrRaised) {
		t.Errorf("with the old certificate: %v; want ErrRaised", err)
	}
	if d := v.State().Descriptor; d != 2 {
		t.Errorf("descriptor %d, want 2", d)
	}
}

func TestVenuesThatAreRefused(t *testing.T) {
	t.Run("another registry's", func(t *testing.T) {
		s := newScene(t)
		s.member()
		v := s.silentVenue("venue.invalid").trustedBy(s.open(s.home()))
		for _, err := range []error{v.Sync(t.Context()), freshError(t, v), v.State().Problem} {
			if !errors.Is(err, ErrVenueRegistry) || !strings.Contains(err.Error(), s.registrar.VerifierKey()) {
				t.Errorf("%v; want ErrVenueRegistry with the key", err)
			}
		}
	})
	t.Run("other parameters", func(t *testing.T) {
		s := newScene(t)
		m := s.member()
		v := s.silentVenue("venue.invalid", func(c *venue.Config) { c.Circuits[0].Params[0] ^= 1 }).trustedBy(m)
		if err := freshError(t, v); !rejected(err, zkkex.WrongParams) {
			t.Errorf("%v; want %s", err, zkkex.WrongParams)
		}
	})
	t.Run("weak suites", func(t *testing.T) {
		s := newScene(t)
		m := s.member()
		v := s.silentVenue("venue.invalid", func(c *venue.Config) { c.Suites = venue.DefaultSuites()[:1] }).
			trustedBy(m, func(c *VenueConfig) { c.RequirePrekey = true })
		if err := freshError(t, v); !rejected(err, descriptor.WeakSuite) {
			t.Errorf("%v; want %s", err, descriptor.WeakSuite)
		}
	})
	t.Run("few members", func(t *testing.T) {
		s := newScene(t)
		m := s.member()
		v := s.silentVenue("venue.invalid").trustedBy(m, func(c *VenueConfig) { c.MinMembers = 2 })
		if err := freshError(t, v); !rejected(err, zkkex.TooFewMembers) {
			t.Errorf("%v; want %s", err, zkkex.TooFewMembers)
		}
	})
	t.Run("another identity", func(t *testing.T) {
		s := newScene(t)
		m := s.member()
		one, other := s.silentVenue("venue.invalid"), s.silentVenue("other.invalid")
		v := one.trustedBy(m, func(c *VenueConfig) { c.URL = other.config().URL })
		if err := freshError(t, v); err == nil {
			t.Error("another venue's descriptors were taken")
		}
		if v.seen.known().Latest() != nil {
			t.Error("another venue's descriptors were kept")
		}
	})
}

func freshError(t *testing.T, v *Venue) error {
	t.Helper()
	s, err := v.Fresh(t.Context())
	if err == nil {
		s.Close()
	}
	return err
}

// A venue that shows two descriptors under one number is not used any more, in this
// process or another, and the evidence stays on disk.
func TestForkedVenue(t *testing.T) {
	s := newScene(t)
	home := s.home()
	m := s.open(home)
	_, err := m.Trust(s.trusted())
	s.must(err)
	s.admit(m)
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	other := there.openedBy(s.open(home), v.ID()) // another process, which has seen nothing
	fresh(t, v)
	there.show(there.fork().Handler())
	for _, v := range []*Venue{v, other} {
		for _, err := range []error{v.Sync(t.Context()), freshError(t, v), v.State().Problem} {
			if !errors.Is(err, descriptor.ErrFork) {
				t.Errorf("%v; want ErrFork", err)
			}
		}
	}
	there.show(there.venue.Handler()) // it takes it back
	again := there.openedBy(s.open(home), v.ID())
	if err := freshError(t, again); !errors.Is(err, descriptor.ErrFork) {
		t.Errorf("after a restart: %v; want ErrFork", err)
	}
}

// Two processes with one directory go on from each other's descriptors, and use
// different slots.
func TestTwoProcesses(t *testing.T) {
	s := newScene(t)
	home := s.home()
	m := s.open(home)
	_, err := m.Trust(s.trusted())
	s.must(err)
	s.admit(m)
	there := s.venue("venue.invalid")
	one := there.trustedBy(m)
	two := there.openedBy(s.open(home), one.ID())
	a := fresh(t, one)
	s.clock.add(time.Hour)
	there.turn()
	s.must(one.Sync(t.Context()))
	there.show(http.NotFoundHandler()) // what one has fetched, two takes from the disk
	if err := two.Sync(t.Context()); err == nil {
		t.Fatal("a server that has nothing was synced with")
	}
	if d := two.State().Descriptor; d != 2 {
		t.Errorf("descriptor %d, want 2", d)
	}
	there.show(there.venue.Handler())
	b := fresh(t, two)
	if a.ConnectionState().Statement.Nullifier == b.ConnectionState().Statement.Nullifier {
		t.Error("one slot was used twice")
	}
}

// What the member demands can change while a venue is open.
func TestTrustChangesWhileOpen(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid").trustedBy(m)
	fresh(t, v)
	demanding := s.trusted()
	demanding.MinMembers = 2
	for _, c := range []struct {
		registry Registry
		want     zkkex.Reason
	}{{demanding, zkkex.TooFewMembers}, {s.trusted(), ""}} {
		_, err := m.Trust(c.registry)
		s.must(err)
		if err := freshError(t, v); c.want == "" && err != nil || c.want != "" && !rejected(err, c.want) {
			t.Errorf("%d members demanded: %v; want %q", c.registry.MinMembers, err, c.want)
		}
	}
	id, err := m.Find("")
	s.must(err)
	s.must(m.Forget(id))
	if err := freshError(t, v); !errors.Is(err, ErrVenueRegistry) {
		t.Errorf("a registry that was forgotten: %v; want ErrVenueRegistry", err)
	}
}

// One venue that answers nothing holds up none of the others.
func TestFreshAll(t *testing.T) {
	s := newScene(t)
	m := s.member()
	id, err := m.TrustVenue(s.venue("live.invalid").config())
	s.must(err)
	live, err := m.OpenVenue(id, VenueOptions{Ahead: 1})
	s.must(err)
	defer func() { s.must(live.Close()) }()
	mute := s.silentVenue("mute.invalid").trustedBy(m)
	silent := s.silentVenue("silent.invalid").trustedBy(m)
	s.must(mute.Sync(t.Context()))
	for _, place := range []string{"mute.invalid:9440", "silent.invalid:80"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		defer l.Close() // it takes connections and answers nothing
		s.place(place, l.Addr())
	}
	s.must(live.Sync(t.Context()))
	for live.State().Pool.Ready == 0 { // so that the deadline is not about proofs
		time.Sleep(10 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	results := FreshAll(ctx, mute, live, silent)
	for i, want := range []error{context.DeadlineExceeded, nil, context.DeadlineExceeded} {
		if err := results[i].Err; !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", results[i].Venue.Name(), err, want)
		}
	}
	if results[1].Session != nil {
		works(t, results[1].Session)
		results[1].Session.Close()
	}
}

// Certificates that are admitted ahead are opened without being shown again.
func TestAdmittedAhead(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	id, err := m.TrustVenue(there.config())
	s.must(err)
	v, err := m.OpenVenue(id, VenueOptions{Ahead: 1, Admit: true, AdmitSpread: time.Millisecond})
	s.must(err)
	defer func() { s.must(v.Close()) }()
	s.must(v.Sync(t.Context()))
	for v.State().Pool.Admitted == 0 { // the timeout of the test is the only one
		s.clock.add(10 * time.Millisecond)
		time.Sleep(10 * time.Millisecond)
	}
	if a := there.venue.Status().Admissions; a.Admitted != 1 || a.Opens != 0 {
		t.Errorf("%d admitted, %d opens; want 1, 0", a.Admitted, a.Opens)
	}
	fresh(t, v)
}

// A venue that is closed while sessions are opened lets go of whoever waits. Sessions
// that are open go on, and are neither resumed nor renewed.
func TestCloseVenue(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid").trustedBy(m)
	open := fresh(t, v)
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			if err := freshError(t, v); err != nil && !errors.Is(err, session.ErrClosed) {
				t.Errorf("Fresh: %v; want ErrClosed or a session", err)
			}
		})
	}
	s.must(v.Close())
	waiting.Wait()
	for range 2 {
		_, resumed := open.Resume(t.Context())
		for _, err := range []error{freshError(t, v), resumed, open.Renew(t.Context())} {
			if !errors.Is(err, session.ErrClosed) {
				t.Errorf("after Close: %v; want ErrClosed", err)
			}
		}
		s.must(v.Close()) // again
	}
	works(t, open)
}

func TestFindVenue(t *testing.T) {
	s := newScene(t)
	m := s.member()
	if _, err := m.FindVenue(""); !errors.Is(err, ErrNoVenue) {
		t.Errorf("without venues: %v; want ErrNoVenue", err)
	}
	one, two := s.silentVenue("one.invalid"), s.silentVenue("two.invalid")
	a, err := m.TrustVenue(one.config())
	s.must(err)
	b, err := m.TrustVenue(two.config())
	s.must(err)
	if _, err := m.FindVenue(""); !errors.Is(err, ErrSeveralVenues) || !strings.Contains(err.Error(), a.String()) {
		t.Errorf("with two: %v; want ErrSeveralVenues, and which", err)
	}
	for which, want := range map[string]descriptor.VenueID{
		"one.invalid": a, "http://two.invalid": b, b.String(): b, one.config().Identity: a,
	} {
		if id, err := m.FindVenue(which); err != nil || id != want {
			t.Errorf("FindVenue(%q): %v, %v; want %v", which, id, err, want)
		}
	}
	s.must(m.ForgetVenue(a))
	if id, err := m.FindVenue(""); err != nil || id != b {
		t.Errorf("after the other was forgotten: %v, %v", id, err)
	}
	for _, err := range []error{m.ForgetVenue(a), openVenueError(m, a)} {
		if !errors.Is(err, ErrNoVenue) {
			t.Errorf("forgotten: %v; want ErrNoVenue", err)
		}
	}
	// A configuration in another venue's folder.
	text, err := os.ReadFile(filepath.Join(m.venueDir(b), configName))
	s.must(err)
	s.must(os.MkdirAll(m.venueDir(a), 0o700))
	s.must(os.WriteFile(filepath.Join(m.venueDir(a), configName), text, 0o600))
	if _, err := m.Venues(); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("in another's folder: %v; want ErrMalformed", err)
	}
}

func openVenueError(m *Member, id descriptor.VenueID) error {
	v, err := m.OpenVenue(id, VenueOptions{})
	if err == nil {
		return v.Close()
	}
	return err
}

// A pool that cannot be is refused, and a chain that is damaged is said to be.
func TestOpenVenueFails(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.silentVenue("venue.invalid")
	v := there.trustedBy(m)
	if made, err := m.OpenVenue(v.ID(), VenueOptions{Ahead: session.MaxPoolSize + 1}); err == nil || made != nil {
		t.Error("a pool that is too large was made")
	}
	s.must(v.Sync(t.Context()))
	path := filepath.Join(m.venueDir(v.ID()), chainName)
	text, err := os.ReadFile(path)
	s.must(err)
	s.must(os.WriteFile(path, slices.Concat(text[:len(text)-1], []byte("x\n")), 0o600))
	if _, err := m.OpenVenue(v.ID(), VenueOptions{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged chain: %v; want an error that names the file", err)
	}
}
