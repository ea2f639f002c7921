package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
)

// memoryFIX is the store of a FIX session in a [Memory].
type memoryFIX struct {
	send, receive uint64
	created       time.Time
	messages      map[uint64][]byte
	held          int64
}

// memoryFIXHandle is a [FIX].
type memoryFIXHandle struct {
	m  *Memory
	id order.SessionID
}

// FIX implements [Store].
func (m *Memory) FIX(ctx context.Context, id order.SessionID) (FIX, error) {
	h := &memoryFIXHandle{m, id}
	if err := h.with(ctx, func(*memorySession) error { return nil }); err != nil {
		return nil, err
	}
	return h, nil
}

// with calls f with the session, whose fix is there.
func (h *memoryFIXHandle) with(ctx context.Context, f func(*memorySession) error) error {
	return h.m.write(ctx, func() error {
		if h.m.ended(h.id) {
			return fmt.Errorf("%w: epoch %d", ErrEnded, h.id.Epoch)
		}
		s := h.m.session(h.id)
		if s.fix == nil {
			s.fix = &memoryFIX{send: 1, receive: 1, created: whole(time.Now()), messages: make(map[uint64][]byte)}
		}
		return f(s)
	})
}

// Numbers implements [FIX].
func (h *memoryFIXHandle) Numbers(ctx context.Context) (send, receive uint64, created time.Time, err error) {
	err = h.with(ctx, func(s *memorySession) error {
		send, receive, created = s.fix.send, s.fix.receive, s.fix.created
		return nil
	})
	return send, receive, created, err
}

// SetReceive implements [FIX].
func (h *memoryFIXHandle) SetReceive(ctx context.Context, receive uint64) error {
	return h.with(ctx, func(s *memorySession) error {
		s.fix.receive = receive
		return nil
	})
}

// SetSend implements [FIX].
func (h *memoryFIXHandle) SetSend(ctx context.Context, send uint64) error {
	return h.with(ctx, func(s *memorySession) error {
		s.fix.send = send
		return nil
	})
}

// Save implements [FIX].
func (h *memoryFIXHandle) Save(ctx context.Context, number uint64, message []byte, next uint64) error {
	return h.with(ctx, func(s *memorySession) error {
		size := int64(memoryNoteSize + len(message))
		if err := h.m.room(size); err != nil {
			return err
		}
		s.fix.messages[number] = append([]byte(nil), message...)
		s.fix.held += size
		h.m.hold(s, size)
		if next > 0 {
			s.fix.send = next
		}
		return nil
	})
}

// Messages implements [FIX].
func (h *memoryFIXHandle) Messages(ctx context.Context, first, last uint64) (out [][]byte, err error) {
	err = h.with(ctx, func(s *memorySession) error {
		if last-first < uint64(len(s.fix.messages)) { // sorting costs more
			for n := first; n >= first && n <= last; n++ {
				if m, ok := s.fix.messages[n]; ok {
					out = append(out, m)
				}
			}
			return nil
		}
		for _, n := range slices.Sorted(maps.Keys(s.fix.messages)) {
			if first <= n && n <= last {
				out = append(out, s.fix.messages[n])
			}
		}
		return nil
	})
	return out, err
}

// Reset implements [FIX].
func (h *memoryFIXHandle) Reset(ctx context.Context, now time.Time) error {
	return h.with(ctx, func(s *memorySession) error {
		h.m.hold(s, -s.fix.held)
		s.fix = &memoryFIX{send: 1, receive: 1, created: whole(now), messages: make(map[uint64][]byte)}
		return nil
	})
}
