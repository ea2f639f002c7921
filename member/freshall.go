package member

import (
	"context"
	"sync"
)

// Dialed is a session with one of several venues, or why there is none.
type Dialed struct {
	Venue   *Venue
	Session *Session
	Err     error
}

// FreshAll opens a fresh session at each venue, all at once. One that fails does
// not hinder the others, and the context bounds them all. Results are in the order
// of the venues.
func FreshAll(ctx context.Context, venues ...*Venue) []Dialed {
	out := make([]Dialed, len(venues))
	var all sync.WaitGroup
	for i, v := range venues {
		all.Go(func() {
			s, err := v.Fresh(ctx)
			out[i] = Dialed{Venue: v, Session: s, Err: err}
		})
	}
	all.Wait()
	return out
}
