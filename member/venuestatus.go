package member

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// VenueStatus is what a state directory says of a venue. It is of the last sync.
type VenueStatus struct {
	ID     descriptor.VenueID
	Config VenueConfig
	// Descriptor is the one of now, nil if Problem says why there is none.
	Descriptor *descriptor.Signed
	// Epoch is the epoch of now, and Ends its end.
	Epoch zkkex.Epoch
	Ends  time.Time
	// Limit is the number of slots in the epoch, and Left how many of them are
	// left to this member.
	Limit, Left uint32
	// Sequence is that of the registry's root that counts in this epoch.
	Sequence uint64
	// Problem is why no session can be opened, or nil. It wraps
	// [descriptor.ErrExpired], [descriptor.ErrNotYet] or [descriptor.ErrFork],
	// [ErrVenueRegistry], [mirror.ErrNotSynced] or [mirror.ErrNotMember], a reason of
	// a rejection, or an error of package slots.
	Problem error
}

// VenueStatus returns what is known of a venue, from what is on disk. It asks
// nobody, and takes neither passphrase nor parameters. The error wraps
// [ErrNoVenue], or is of a file that cannot be read.
func (m *Member) VenueStatus(id descriptor.VenueID) (*VenueStatus, error) {
	c, err := m.venueConfig(id)
	if err != nil {
		return nil, err
	}
	v := &Venue{member: m, id: id, config: *c}
	if v.seen, err = openVenueChain(m.venueDir(id), *c); err != nil {
		return nil, err
	}
	s := &VenueStatus{ID: id, Config: *c}
	s.Problem = v.fill(s)
	return s, nil
}

// fill fills in what is known, and returns what is in the way of a session.
func (v *Venue) fill(s *VenueStatus) error {
	now := v.member.options.Now()
	d, err := v.seen.known().Current(now)
	if err != nil {
		return err
	}
	s.Descriptor = d
	if s.Epoch, err = d.Schedule.At(now); err != nil {
		return err
	}
	if s.Ends, err = s.Epoch.End(); err != nil {
		return err
	}
	terms, named := d.Terms(s.Epoch.Number)
	if !named {
		return zkkex.Reject(zkkex.WrongEpoch, "epoch %d is not named by descriptor %d", s.Epoch.Number, d.Number)
	}
	s.Limit, s.Sequence = terms.Limit, terms.Sequence
	t := session.Terms{Scope: d.Scope(s.Epoch.Number), Epoch: s.Epoch, Limit: terms.Limit, Sequence: terms.Sequence}
	s.Left, err = v.member.SlotsLeft(zkkex.Claim{Scope: t.Scope, Epoch: t.Epoch, Limit: t.Limit})
	return errors.Join(v.checkMember(t), err)
}
