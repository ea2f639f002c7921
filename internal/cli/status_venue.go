package cli

import (
	"time"

	"github.com/zkkex/zkkex/member"
)

// venueOfMember is a member's state at one venue. How many certificates are
// ready is not in it: they are kept in memory, by the process that uses them.
type venueOfMember struct {
	Name  string `json:"name"`
	Venue string `json:"venue"`
	URL   string `json:"url"`
	// Descriptor is nil if none is valid now, and so are the fields below.
	Descriptor *uint64    `json:"descriptor"`
	Generation *uint32    `json:"generation,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
	// Epoch is the epoch of now, Sequence that of the root that counts in it.
	Epoch    *epochResult `json:"epoch,omitempty"`
	Sequence *uint64      `json:"sequence,omitempty"`
	Limit    *uint32      `json:"limit,omitempty"`
	Left     *uint32      `json:"left,omitempty"`
	// Problem is why no session can be opened now.
	Problem *jsonError `json:"problem,omitempty"`
}

// venueStatuses returns the state at the venue of a name, or at all.
func (a *app) venueStatuses(m *member.Member, which string) ([]*venueOfMember, error) {
	ids, err := chosenVenues(m, which)
	if err != nil {
		return nil, err
	}
	out := []*venueOfMember{}
	for _, id := range ids {
		s, err := m.VenueStatus(id)
		if err != nil {
			return nil, err
		}
		one, err := newVenueOfMember(s)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func newVenueOfMember(s *member.VenueStatus) (*venueOfMember, error) {
	v := &venueOfMember{Name: s.Config.Name(), Venue: s.ID.String(), URL: s.Config.URL}
	if err := s.Problem; err != nil {
		v.Problem = &jsonError{Code: codeOf(err), Message: printable(err.Error()), Hint: hintOf(err)}
	}
	d := s.Descriptor
	if d == nil || s.Limit == 0 {
		return v, nil
	}
	epoch, err := newEpochResult(s.Epoch)
	if err != nil {
		return nil, err
	}
	until := d.NotAfter.UTC()
	v.Descriptor, v.Generation, v.Until = &d.Number, &d.Generation, &until
	v.Epoch, v.Sequence, v.Limit, v.Left = &epoch, &s.Sequence, &s.Limit, &s.Left
	return v, nil
}

func (v *venueOfMember) text() string {
	var t table
	t.add("venue", "%s, at %s", v.Name, v.URL)
	t.add("identifier", "%s", v.Venue)
	if v.Descriptor != nil {
		t.add("descriptor", "%d, until %s, generation %d", *v.Descriptor, v.Until.Format(time.RFC3339), *v.Generation)
		t.add("epoch", "%v", *v.Epoch)
		t.add("slots", "%d of %d left in this epoch", *v.Left, *v.Limit)
		t.add("root", "of checkpoint %d, in this epoch", *v.Sequence)
	}
	if p := v.Problem; p != nil {
		t.add("problem", "%s", p.Message)
		if p.Hint != "" {
			t.add("", "%s", p.Hint)
		}
	}
	return t.String()
}
