package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// syncedVenue is what is known of a venue after a sync.
type syncedVenue struct {
	Name       string    `json:"name"`
	Venue      string    `json:"venue"`
	Descriptor uint64    `json:"descriptor"`
	Until      time.Time `json:"until"`
}

// failedVenue is a venue that could not be synced, and why.
type failedVenue struct {
	Venue   string `json:"venue"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// chosenVenues returns the venue of a name, or all for the empty name.
func chosenVenues(m *member.Member, which string) ([]descriptor.VenueID, error) {
	if which != "" {
		id, err := m.FindVenue(which)
		return []descriptor.VenueID{id}, err
	}
	venues, err := m.Venues()
	if err != nil {
		return nil, err
	}
	var ids []descriptor.VenueID
	var errs []error
	for _, v := range venues {
		id, err := v.ID()
		ids, errs = append(ids, id), append(errs, err)
	}
	return ids, errors.Join(errs...)
}

// syncVenues syncs the venue of a name, or all. What went wrong is in the results
// and in the error.
func (a *app) syncVenues(ctx context.Context, m *member.Member, which string, all *syncResults) error {
	ids, err := chosenVenues(m, which)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		err := a.syncVenue(ctx, m, id)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			all.FailedVenues = append(all.FailedVenues, failedVenue{id.String(), codeOf(err), printable(err.Error())})
			errs = append(errs, err)
			continue
		}
		s, err := m.VenueStatus(id)
		if err != nil {
			return err
		}
		if s.Descriptor == nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Config.Name(), s.Problem))
			continue
		}
		all.Venues = append(all.Venues, &syncedVenue{s.Config.Name(), id.String(), s.Descriptor.Number, s.Descriptor.NotAfter.UTC()})
	}
	return errors.Join(errs...)
}

func (a *app) syncVenue(ctx context.Context, m *member.Member, id descriptor.VenueID) error {
	v, err := m.OpenVenue(id, member.VenueOptions{Ahead: session.NoneAhead})
	if err != nil {
		return err
	}
	done := a.progress("syncing with %s", v.Name())
	err = v.Sync(ctx)
	done()
	if err != nil {
		err = fmt.Errorf("%s: %w", v.Name(), err)
	}
	return errors.Join(err, v.Close())
}

func (v *syncedVenue) text() string {
	var t table
	t.add("venue", "%s", v.Name)
	t.add("descriptor", "%d, until %s", v.Descriptor, v.Until.Format(time.RFC3339))
	return t.String()
}
