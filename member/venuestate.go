package member

import (
	"context"
	"time"

	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// VenueState is what a member has at a venue. It holds no secrets.
type VenueState struct {
	ID   descriptor.VenueID
	Name string
	// Descriptor is the number of the descriptor of now, and Until when it ends;
	// zero if none is valid.
	Descriptor uint64
	Until      time.Time
	// Terms are those of the present epoch and of the next one, as far as named.
	Terms []session.Terms
	// Pool is the state of the certificates.
	Pool session.State
	// Problem is why no session can be opened, as far as that is known without
	// asking anybody, or nil. [Venue.Fresh] has the same errors.
	Problem error
}

// State returns the present state, from what is known here.
func (v *Venue) State() VenueState {
	now := v.member.options.Now()
	s := VenueState{ID: v.id, Name: v.Name(), Pool: v.pool.State()}
	d, err := v.seen.known().Current(now)
	if err != nil {
		s.Problem = err
		return s
	}
	s.Descriptor, s.Until = d.Number, d.NotAfter
	if s.Terms, s.Problem = v.Terms(context.Background(), now); s.Problem == nil {
		s.Problem = v.checkMember(s.Terms[0])
	}
	return s
}
