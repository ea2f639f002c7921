package member

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry/mirror"
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
	// [ErrVenueRegistry], [mirror.ErrNotSynced], [mirror.ErrNotMember], a reason of
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
	chain, err := m.savedChain(id, c)
	if err != nil {
		return nil, err
	}
	s := &VenueStatus{ID: id, Config: *c}
	s.Problem = m.fillVenueStatus(s, chain)
	return s, nil
}

// savedChain returns the descriptors of a venue that are on disk.
func (m *Member) savedChain(id descriptor.VenueID, c *VenueConfig) (*descriptor.Chain, error) {
	config, err := c.chainConfig()
	if err != nil {
		return nil, err
	}
	chain, err := descriptor.LoadChain(filepath.Join(m.venueDir(id), chainName), config)
	if errors.Is(err, fs.ErrNotExist) {
		return descriptor.NewChain(config)
	}
	return chain, err
}

// fillVenueStatus fills in what is known, and returns what is in the way.
func (m *Member) fillVenueStatus(s *VenueStatus, chain *descriptor.Chain) error {
	now := m.options.Now()
	d, err := chain.Current(now)
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
	s.Left, err = m.SlotsLeft(zkkex.Claim{Scope: d.Scope(s.Epoch.Number), Epoch: s.Epoch, Limit: terms.Limit})
	return errors.Join(m.counts(d, terms, s.Ends), err)
}

// counts returns an error unless the member is one under the root that a venue
// named for an epoch.
func (m *Member) counts(d *descriptor.Signed, terms descriptor.EpochTerms, ends time.Time) error {
	id := d.RegistryID()
	if _, err := m.known(id); err != nil {
		return fmt.Errorf("%w: %s; trust it with a URL and this key, if your registrar confirms the key", ErrVenueRegistry, d.Registry)
	}
	copied, err := m.Mirror(id)
	if err != nil {
		return err
	}
	if _, err := copied.Find(terms.Sequence, terms.Root); err != nil {
		return err
	}
	_, _, err = copied.PathAt(m.Public().Commitment(), terms.Sequence)
	if errors.Is(err, mirror.ErrNotMember) {
		return fmt.Errorf("%w, whose root counts at the venue until its epoch %d ends at %s; who was admitted later counts from the next epoch on that the venue has not named a root for yet",
			err, terms.Number, ends.UTC().Format(time.RFC3339))
	}
	return err
}
