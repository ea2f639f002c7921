package order

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

const (
	// blockSize is how many numbers are reserved at a time: so many are left out, at
	// most, when a process dies.
	blockSize = 1024
	// idsAhead is how many IDs, with their keys, are made before they are needed.
	idsAhead = 256
)

// ident is an ID and the public half of its key.
type ident struct {
	id    ID
	key   [32]byte
	round uint64
}

// ids makes the IDs of orders, replacements and quotes, ahead of their use: the key
// that goes with one takes longer than everything else that a client does for an
// order.
type ids struct {
	client *Client
	ready  chan ident
	low    chan struct{} // half of them are gone

	mu        sync.Mutex
	round     uint64 // counts sessions
	nullifier [32]byte
	next, end uint64 // of the reserved block
	err       error  // why there is no other block, for now
}

func newIDs(c *Client) *ids {
	return &ids{client: c, ready: make(chan ident, idsAhead), low: make(chan struct{}, 1)}
}

// begin reserves the first numbers of a session, and refuses one of which it is not
// known which were used.
func (s *ids) begin(ctx context.Context, l *link, known bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nullifier, s.next, s.end = pseudonym(l), 0, 0
	s.round++
	if err := s.reserve(ctx); err != nil {
		return err
	}
	if s.next == 0 && l.ack.NextSeqNo > 1 && !known {
		return fmt.Errorf("%w: the venue has seen %d requests of it", ErrState, l.ack.NextSeqNo-1)
	}
	return nil
}

// pseudonym returns the nullifier of a connection as it is now.
func pseudonym(l *link) [32]byte { return l.channel.ConnectionState().Statement.Nullifier }

func (s *ids) reserve(ctx context.Context) error {
	c := s.client
	first, err := c.config.State.Reserve(ctx, c.config.Secret.stateName(s.nullifier), blockSize)
	if err != nil {
		return fmt.Errorf("reserving order IDs: %w", err)
	}
	s.next, s.end = first, first+blockSize
	return nil
}

// fill makes IDs until the client ends: many at a time, since a goroutine that wakes
// for each would run beside what sends the order.
func (s *ids) fill() {
	c := s.client
	for c.ctx.Err() == nil {
		i, err := s.make(c.ctx)
		if err != nil {
			_ = sleep(c.ctx, maxBackoff/10)
			continue
		}
		select {
		case s.ready <- i:
			continue
		default:
		}
		select {
		case <-s.low:
		case <-c.ctx.Done():
			return
		}
		select {
		case s.ready <- i:
		case <-c.ctx.Done():
		}
	}
}

// took has more made when half are gone.
func (s *ids) took() {
	if len(s.ready) > idsAhead/2 {
		return
	}
	select {
	case s.low <- struct{}{}:
	default:
	}
}

func (s *ids) make(ctx context.Context) (ident, error) {
	s.mu.Lock()
	if s.next == s.end {
		s.renewed()
		if s.err = s.reserve(ctx); s.err != nil {
			defer s.mu.Unlock()
			return ident{}, s.err
		}
	}
	i := ident{round: s.round}
	n, nullifier := s.next, s.nullifier
	s.next++
	s.mu.Unlock()
	secret := s.client.config.Secret
	i.id = secret.ID(nullifier, n)
	if !s.client.config.NoOwnerKeys {
		i.key = secret.OwnerKey(i.id)
	}
	return i, nil
}

// renewed goes on under the nullifier of a later epoch if the channel was renewed:
// who enumerates IDs then finds the latest without going through all before.
func (s *ids) renewed() {
	c := s.client
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l != nil {
		s.nullifier = pseudonym(l)
	}
}

// take returns an ID that was never used.
func (s *ids) take(ctx context.Context) (ident, error) {
	for {
		select {
		case i := <-s.ready:
			s.took()
			if s.current(i.round) {
				return i, nil
			}
			continue
		default:
		}
		// The state may be out of reach: better to say so than to wait for it.
		s.mu.Lock()
		err := s.err
		s.mu.Unlock()
		if err != nil {
			return ident{}, &notSentError{err}
		}
		select {
		case i := <-s.ready:
			s.took()
			if s.current(i.round) {
				return i, nil
			}
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ident{}, &notSentError{ctx.Err()}
		case <-s.client.ended:
			return ident{}, &notSentError{s.client.Err()}
		}
	}
}

func (s *ids) current(round uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.round == round
}

// randomID returns the ID of a request that nobody will look for: a cancel or a
// question. It waits for nothing.
func randomID() ID {
	var id ID
	rand.Read(id[:]) // never fails: it ends the process
	return id
}
