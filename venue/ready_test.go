package venue

import (
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
)

// A venue says what keeps members out: no parameters, no descriptor, a registry that
// is out of reach for too long.
func TestReady(t *testing.T) {
	if err := newScene(t).venue.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("without parameters: %v, expected %v", err, ErrClosed)
	}
	a := newAdmitting(t)
	if err := a.venue.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("before the first descriptor: %v, expected %v", err, ErrClosed)
	}
	d := a.turn()
	a.must(a.venue.Ready())
	a.must(a.venue.Close())
	a.forgetRegistry()
	a.open()
	if err := a.venue.Ready(); !errors.Is(err, mirror.ErrNotSynced) {
		t.Errorf("without a copy of the registry: %v, expected %v", err, mirror.ErrNotSynced)
	}
	_, err := a.venue.Sync(t.Context())
	a.must(err)
	a.must(a.venue.Ready())
	for range 5 { // descriptors are issued, and the registry stands still
		a.clock.add(55 * time.Minute)
		if _, err := a.venue.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var old *registry.AgeError
	if err := a.venue.Ready(); !errors.As(err, &old) {
		t.Errorf("with an old copy of the registry: %v, expected an AgeError", err)
	}
	a.clock.add(d.NotAfter.Sub(d.NotBefore) + 5*time.Hour)
	if err := a.venue.Ready(); !errors.Is(err, ErrNoDescriptor) {
		t.Errorf("after the last descriptor: %v, expected %v", err, ErrNoDescriptor)
	}
}

// A follower is ready once it can admit under the root that is named.
func TestFollowerReady(t *testing.T) {
	g := newGateways(t, false)
	if err := g.follower.Ready(); !errors.Is(err, mirror.ErrNotSynced) {
		t.Errorf("before its first sync: %v, expected %v", err, mirror.ErrNotSynced)
	}
	g.must(g.follower.Maintain(t.Context()))
	g.must(g.follower.Ready())
	g.clock.add(time.Minute)
	g.admit()
	g.publish()
	_, err := g.venue.Raise(t.Context())
	g.must(err)
	g.must(g.follower.follow(t.Context()))
	if err := g.follower.Ready(); !errors.Is(err, mirror.ErrNotSynced) {
		t.Errorf("without the named root: %v, expected %v", err, mirror.ErrNotSynced)
	}
	g.must(g.venue.Ready())
}
