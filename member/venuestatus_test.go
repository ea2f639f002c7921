package member

import (
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// The status is what is on disk: it counts slots as sessions use them up, and says
// what is in the way of the next one.
func TestVenueStatus(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	s.must(v.Sync(t.Context()))
	before, err := m.VenueStatus(v.ID())
	if err != nil || before.Problem != nil {
		t.Fatalf("%+v, %v", before, err)
	}
	if before.Descriptor == nil || before.Limit == 0 || before.Left > before.Limit || !before.Ends.After(s.clock.now()) {
		t.Errorf("%+v", before)
	}
	works(t, fresh(t, v))
	after, err := m.VenueStatus(v.ID())
	if err != nil || after.Left >= before.Limit {
		t.Errorf("%d of %d slots are left after a session, %v", after.Left, after.Limit, err)
	}

	late := s.stranger()
	known := there.trustedBy(late)
	_ = known.Sync(t.Context())
	if status, err := late.VenueStatus(v.ID()); err != nil || !errors.Is(status.Problem, mirror.ErrNotMember) {
		t.Errorf("of a stranger: %v, %v", status, err)
	}
	s.clock.add(10 * 24 * time.Hour)
	if status, err := m.VenueStatus(v.ID()); err != nil || !errors.Is(status.Problem, descriptor.ErrExpired) || status.Descriptor != nil {
		t.Errorf("ten days later: %v, %v", status, err)
	}
	if _, err := m.VenueStatus(descriptor.VenueID{1}); !errors.Is(err, ErrNoVenue) {
		t.Errorf("of a venue that is not trusted: %v", err)
	}
}
