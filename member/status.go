package member

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/slots"
)

// FewMembers is the size of an anonymity set below which a proof says a good
// deal about who made it: a member should be warned.
const FewMembers = 100

// Status is what a member's copy of a registry says. It is of the last sync.
type Status struct {
	// Registry is the registry, and ID its identifier.
	Registry Registry
	ID       zkkex.RegistryID
	// Checkpoint is the newest one known, or nil before the first sync.
	Checkpoint *registry.SignedCheckpoint
	// Age is how long ago it was signed.
	Age time.Duration
	// Admitted says that the member's leaf is live, and Index where.
	Admitted bool
	Index    uint64
	// Revoked is the operation that removed the leaf, if it was live once and is
	// not now.
	Revoked *Revocation
	// Members is the number of live members with a key of the member's type:
	// the anonymity set, with the member.
	Members uint64
	// Request is the last enrolment request to this registry, or nil. A sync
	// that finds the leaf forgets it.
	Request enrolment.Application
	// Delegation is the device request by which the member's key was last admitted as
	// a delegate, or nil if no device stands behind it.
	Delegation *enrolment.DeviceRequest
	// Ended says that the delegation's time is over: the registrar takes the leaf out.
	Ended bool
}

// Pending reports whether a request was made and no admission seen.
func (s *Status) Pending() bool { return s.Request != nil && !s.Admitted }

// Status returns the state of the member in a registry, from what is on disk.
func (m *Member) Status(id zkkex.RegistryID) (*Status, error) {
	copied, err := m.Mirror(id)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	r, err := m.registry(id)
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s := &Status{Registry: r, ID: id, Checkpoint: copied.Checkpoint(), Members: copied.Members(m.Public().KeyType())}
	s.Age, _ = copied.Age()
	if s.Request, err = m.request(id); err != nil {
		return nil, err
	}
	if s.Delegation, err = m.delegation(id); err != nil {
		return nil, err
	}
	s.Ended = s.Delegation != nil && m.options.Now().Unix() >= s.Delegation.Delegation.Until
	path, _, err := copied.Path(m.Public().Commitment())
	switch {
	case err == nil:
		s.Admitted, s.Index = true, path.Index
	case !errors.Is(err, mirror.ErrNotMember) && !errors.Is(err, mirror.ErrNotSynced):
		return nil, err
	case s.Checkpoint != nil:
		if s.Revoked, err = m.revocation(id, s.Checkpoint.Sequence); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// SlotsLeft returns how many slots are left for a claim's scope, epoch and
// limit. The errors are those of [slots.Counter.Remaining] and [slots.Open].
func (m *Member) SlotsLeft(c zkkex.Claim) (uint32, error) {
	counter, err := m.counter()
	if err != nil {
		return 0, err
	}
	return counter.Remaining(c.Scope, c.Epoch, c.Limit)
}

// Slots returns what the slot state says of itself.
func (m *Member) Slots() (slots.Info, error) {
	counter, err := m.counter()
	if err != nil {
		return slots.Info{}, err
	}
	return counter.Info()
}
