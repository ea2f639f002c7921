package record

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// One goroutine seals, one opens, a third computes and asks, at both peers and
// all at once, while ratchets go on: nothing is lost and nothing waits for a
// ratchet. Records move the clock, so that ages matter.
func TestConcurrentUse(t *testing.T) {
	const records = 2000
	c := &clock{}
	p := newPeers(t, AES256GCM, limited(Limits{Records: 50}), func(o *Config, _ *primitives) {
		o.Now = c.now
	})
	for _, s := range p.side {
		s.ratchet.primitives = system()
	}
	wire := [2]chan []byte{make(chan []byte, 64), make(chan []byte, 64)}
	var done [2]atomic.Bool
	var finished atomic.Int32
	var opened [2]atomic.Int64
	var pairs, helpers sync.WaitGroup
	stop := make(chan struct{})

	for _, role := range []Role{Initiator, Responder} {
		s := p.side[role]
		pairs.Go(func() { // seals
			defer close(wire[role])
			var record []byte
			// Whoever is ready first still answers the other's ratchets.
			for n := 0; finished.Load() < 2; {
				var err error
				for s.NeedsControl() {
					if record, err = s.Control(nil); err != nil {
						t.Error(err)
						return
					}
					if len(record) > 0 { // an offer that arrives takes a request back
						wire[role] <- record
					}
				}
				if n == records && done[role].Load() {
					finished.Add(1)
					n++
				}
				if n > records {
					time.Sleep(time.Microsecond)
					continue
				}
				switch record, err = s.Seal(nil, Application, []byte("order")); {
				case errors.Is(err, ErrStale):
					time.Sleep(time.Microsecond)
					continue
				case err != nil:
					t.Error(err)
					return
				}
				wire[role] <- record
				c.advance(20 * time.Millisecond)
				n = min(n+1, records)
			}
			record, err := s.Close(nil)
			if err != nil {
				t.Error(err)
				return
			}
			wire[role] <- record
		})
		pairs.Go(func() { // opens
			for record := range wire[role.peer()] {
				kind, _, err := s.Open(nil, record)
				if err != nil {
					t.Errorf("%s: %v", role, err)
					continue // so that what seals can end
				}
				if kind == Application {
					opened[role].Add(1)
				}
			}
		})
		helpers.Go(func() { // computes
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Prepare(); err != nil {
					t.Error(err)
					return
				}
				if state := s.RatchetState(); state.Generation >= 3 {
					done[0].Store(true)
					done[1].Store(true)
				} else if !state.InFlight {
					s.Ratchet()
				}
				_, _ = s.Closed()
				if _, err := s.Export("test", nil, 32); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pairs.Wait()
	close(stop)
	helpers.Wait()
	for role, s := range p.side {
		if n := opened[role].Load(); n < records {
			t.Errorf("%d records arrive", n)
		}
		if sent, received := s.Closed(); !sent || !received {
			t.Error("not closed")
		}
	}
}

// Wiping while everything else goes on ends everything, and nothing else.
func TestConcurrentWipe(t *testing.T) {
	for range 20 {
		p := play(t, AES256GCM, 6) // the responder has an offer
		var all sync.WaitGroup
		all.Go(func() {
			for {
				if _, err := p.side[Responder].Seal(nil, Application, nil); err != nil {
					if !errors.Is(err, ErrWiped) {
						t.Error(err)
					}
					return
				}
			}
		})
		all.Go(func() {
			if err := p.side[Responder].Prepare(); err != nil && !errors.Is(err, ErrWiped) {
				t.Error(err)
			}
		})
		all.Go(p.side[Responder].Wipe)
		all.Wait()
		if next := p.side[Responder].ratchet.next; next != nil && next.ratchet != (ratchetSecret{}) {
			t.Error("a generation survives")
		}
	}
}
