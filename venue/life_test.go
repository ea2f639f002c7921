package venue

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// Two days of a venue, hour by hour, with a restart every five hours and a
// client that comes by every three.
func TestLife(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	if _, err := s.venue.Rotate(ctx); !errors.Is(err, mirror.ErrNotSynced) {
		t.Fatalf("before the first sync: %v, expected %v", err, mirror.ErrNotSynced)
	}
	client, chain := s.client(s.serve().URL), s.chain()

	named := make(map[uint64]descriptor.EpochTerms)
	newest := make(map[uint64]uint64) // sequence of the registry when an epoch was first named
	for hour := range 52 {
		s.admit()
		d := s.turn()
		for _, terms := range d.Epochs {
			was, ok := named[terms.Number]
			if !ok {
				named[terms.Number], newest[terms.Number] = terms, s.registrar.Sequence()
				if terms.Sequence != s.registrar.Sequence() && len(named) != 1 {
					t.Fatalf("hour %d: epoch %d got the root of sequence %d, expected the newest, %d", hour, terms.Number, terms.Sequence, s.registrar.Sequence())
				}
			} else if was != terms {
				t.Fatalf("hour %d: epoch %d was named %+v, and now %+v", hour, terms.Number, was, terms)
			}
		}
		if hour%5 == 4 {
			s.reopen()
		}
		if hour%3 == 2 {
			_, err := client.Update(ctx, chain)
			s.must(err)
		}
		if hour > 2 && hour%3 == 2 {
			checkUsable(t, s, chain)
		}
		s.clock.add(time.Hour)
	}
	if got := chain.Latest().Number; got < 50 {
		t.Errorf("the client has %d descriptors after two days, expected one per hour", got)
	}
	if len(named) != 4 {
		t.Errorf("%d epochs were named in two days, expected the first, two more, and the next", len(named))
	}
	checkPrekeysEnd(t, s)
}

// checkUsable checks that the descriptor a client takes now is one that the venue
// has keys for, in two suites.
func checkUsable(t *testing.T, s *scene, chain *descriptor.Chain) {
	t.Helper()
	current, err := chain.Current(s.clock.now())
	s.must(err)
	has, err := s.venue.Keys(current.Number)
	s.must(err)
	for _, suite := range current.Suites {
		knows, err := venueclient.Handshake(current, suite)
		s.must(err)
		if !knows.Static.Equal(has.Static.PublicKey()) || knows.Digest != has.Digest || knows.ID != has.ID || knows.Number != has.Number {
			t.Errorf("descriptor %d: client and venue have different keys", current.Number)
		}
		if withKEM := suite.Security() == descriptor.HybridPrekey; (knows.Prekey != nil) != withKEM {
			t.Errorf("%s: KEM prekey %v, expected %v", suite, knows.Prekey != nil, withKEM)
		} else if withKEM && string(knows.Prekey.Bytes()) != string(has.Prekey.EncapsulationKey().Bytes()) {
			t.Errorf("descriptor %d: client and venue have different KEM prekeys", current.Number)
		}
	}
}

// checkPrekeysEnd checks that prekeys are refused from their expiry on, and
// destroyed by the maintenance, whose errors are none.
func checkPrekeysEnd(t *testing.T, s *scene) {
	t.Helper()
	latest := s.venue.store.Latest()
	if _, err := s.venue.Keys(latest.Number); err != nil {
		t.Fatalf("the newest: %v", err)
	}
	for _, number := range []uint64{0, 1, latest.Number - 5, latest.Number + 1} {
		if _, err := s.venue.Keys(number); !errors.Is(err, handshake.ErrUnknownDescriptor) {
			t.Errorf("keys of descriptor %d: %v, expected %v", number, err, handshake.ErrUnknownDescriptor)
		}
	}
	expires := latest.Prekeys.Expires
	s.clock.add(expires.Sub(s.clock.now()) - time.Second)
	if _, err := s.venue.Keys(latest.Number); err != nil {
		t.Errorf("a second before the expiry: %v", err)
	}
	s.clock.add(time.Second)
	if _, err := s.venue.Keys(latest.Number); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("at the expiry: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
	s.clock.add(descriptor.PrekeyMargin)
	s.publish()
	s.must(s.venue.Maintain(context.Background()))
	if _, cached := s.venue.cached.Load(latest.Number); cached {
		t.Error("keys that expired are still in memory")
	}
}

// Raising the generation brings a revocation in at once, and ends the keys of
// before.
func TestRaise(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	gone := s.admit()
	before := s.turn()
	_, err := s.venue.Keys(before.Number)
	s.must(err)
	_, err = s.registrar.RevokeKey(gone.Public(), s.clock.now())
	s.must(err)
	s.clock.add(10 * time.Minute)
	want := s.publish()

	raised, err := s.venue.Raise(ctx)
	s.must(err)
	if raised.Generation != before.Generation+1 || raised.NotBefore.After(s.clock.now()) {
		t.Errorf("generation %d from %v on, expected %d from now on, %v", raised.Generation, raised.NotBefore, before.Generation+1, s.clock.now())
	}
	for _, terms := range raised.Epochs {
		if terms.Sequence != want.Sequence || terms.Root != want.Root {
			t.Errorf("epoch %d has the root of sequence %d, expected that of the revocation, %d", terms.Number, terms.Sequence, want.Sequence)
		}
	}
	if _, err := s.venue.Keys(before.Number); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("keys of the generation before: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
	if _, err := s.venue.Keys(raised.Number); err != nil {
		t.Errorf("keys of the new generation: %v", err)
	}
	s.reopen()
	if _, err := s.venue.Keys(before.Number); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("after a restart: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
}

// A generation is not raised with a root from before the revocation, however fresh
// the copy of the registry is.
func TestRaiseNeedsTheRegistry(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	before := s.turn()
	s.must(os.Rename(s.folder, s.folder+".away"))
	if d, err := s.venue.Raise(ctx); err == nil {
		t.Errorf("raised to generation %d", d.Generation)
	}
	if latest := s.venue.store.Latest(); latest != before {
		t.Errorf("descriptor %d was issued", latest.Number)
	}
}
