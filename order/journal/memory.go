package journal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// DefaultMemoryLimit is what a [Memory] holds at most if it is told nothing else:
// 1 GiB, some two million orders.
const DefaultMemoryLimit = 1 << 30

// Memory is a journal that lives as long as its process, for gateways in it: for
// tests, demonstrations, and venues that begin with an empty book at every start.
//
// It forgets nothing before it is pruned. Until then, its memory grows with what
// is recorded, up to Limit; after that, it refuses to record more, as a disk does
// that is full, and answers with [ErrUnavailable]. Prune makes room.
type Memory struct {
	// Limit is the most bytes that it holds, roughly: of reports, requests, orders
	// and messages, with what it takes to find them. It is set before use.
	Limit int64

	mu       sync.RWMutex
	closed   bool
	halted   bool
	cursor   uint64
	pruned   uint64 // sessions of epochs before it have ended
	held     int64  // bytes, for Limit
	sessions map[order.SessionID]*memorySession
	aliases  map[order.SessionID]order.SessionID
	banned   map[order.SessionID]struct{}
	beats    map[string]time.Time
	open     map[order.OrderID]*memoryOrder
	named    map[order.ID]*memoryOrder
}

// memorySession is what there is of a session.
type memorySession struct {
	Session

	held     int64
	open     int // orders
	reports  [][]byte
	requests map[order.ID]Request
	orders   map[order.OrderID]*memoryOrder
	fix      *memoryFIX
}

// memoryOrder is an order, in the list of those that have the same name.
type memoryOrder struct {
	order      *engine.Order
	prev, next *memoryOrder
}

// What entries take, in bytes, with the maps that hold them: roughly.
const (
	memorySessionSize = 512
	memoryReportSize  = 32
	memoryRequestSize = 128
	memoryOrderSize   = 640
	memoryNoteSize    = 96
)

var _ Store = (*Memory)(nil)

// NewMemory returns an empty journal.
func NewMemory() *Memory {
	return &Memory{
		Limit:    DefaultMemoryLimit,
		sessions: make(map[order.SessionID]*memorySession),
		aliases:  make(map[order.SessionID]order.SessionID),
		banned:   make(map[order.SessionID]struct{}),
		beats:    make(map[string]time.Time),
		open:     make(map[order.OrderID]*memoryOrder),
		named:    make(map[order.ID]*memoryOrder),
	}
}

// Attach implements [Store].
func (m *Memory) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (attached *Session, err error) {
	err = m.write(ctx, func() error {
		if id.Epoch < m.pruned {
			return fmt.Errorf("%w: epoch %d", ErrEnded, id.Epoch)
		}
		if _, ok := m.banned[id]; ok {
			return ErrBanned
		}
		if err := m.room(memorySessionSize); err != nil {
			return err
		}
		s := m.session(id)
		s.Attachment++
		s.Gateway, s.Detached = gateway, time.Time{}
		s.Grace, s.KeepOrders = grace, keep
		out := s.Session
		attached = &out
		return nil
	})
	return attached, err
}

// Detach implements [Store].
func (m *Memory) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	return m.write(ctx, func() error {
		s := m.sessions[id]
		switch {
		case s == nil && id.Epoch < m.pruned:
			return fmt.Errorf("%w: epoch %d", ErrEnded, id.Epoch)
		case s == nil || s.Attachment != attachment:
			return ErrTakenOver
		case s.Detached.IsZero():
			s.Detached = whole(at)
		}
		return nil
	})
}

// Alias implements [Store].
func (m *Memory) Alias(ctx context.Context, alias, session order.SessionID) error {
	return m.write(ctx, func() error {
		if err := m.room(memoryNoteSize); err != nil {
			return err
		}
		session = m.resolve(session)
		delete(m.aliases, alias)
		if alias != session {
			m.aliases[alias] = session
		}
		return nil
	})
}

// Resolve implements [Store].
func (m *Memory) Resolve(ctx context.Context, alias order.SessionID) (session order.SessionID, err error) {
	err = m.read(ctx, func() { session = m.resolve(alias) })
	return session, err
}

func (m *Memory) resolve(alias order.SessionID) order.SessionID {
	session, ok := m.aliases[alias]
	if !ok || session.Epoch < m.pruned {
		return alias
	}
	return session
}

// Append implements [Store].
func (m *Memory) Append(ctx context.Context, entries []Entry) (numbers []uint64, skipped int, err error) {
	if err := CheckEntries(entries); err != nil {
		return nil, 0, err
	}
	var size int64
	length := 0
	for i := range entries {
		size += entrySize(&entries[i])
		length += len(entries[i].Report)
	}
	err = m.write(ctx, func() error {
		recorded, last, err := NextEvents(entries, m.cursor)
		if err != nil {
			return err
		}
		if err := m.room(size); err != nil {
			return err
		}
		numbers = make([]uint64, len(entries))
		reports := make([]byte, 0, length) // of all entries, in one piece
		for i := range entries {
			e := &entries[i]
			if recorded != nil && recorded[i] || m.doneBefore(e) {
				skipped++
				continue
			}
			start := len(reports)
			reports = append(reports, e.Report...)
			numbers[i] = m.record(e, reports[start:len(reports):len(reports)])
		}
		m.cursor = last
		return nil
	})
	return numbers, skipped, err
}

func (m *Memory) doneBefore(e *Entry) bool {
	if e.Event != 0 || e.Request == nil {
		return false
	}
	s := m.sessions[e.Session]
	if s == nil {
		return false
	}
	_, done := s.requests[e.Request.ID]
	return done
}

// record records an entry, and returns its report's number.
func (m *Memory) record(e *Entry, report []byte) (number uint64) {
	if !e.Session.IsZero() {
		s := m.session(e.Session)
		m.hold(s, entrySize(e))
		if len(report) > 0 {
			s.reports = append(s.reports, report)
			s.LastReport++
			number = s.LastReport
		}
		if e.SeqNo >= s.NextSeqNo {
			s.NextSeqNo = e.SeqNo + 1
		}
		if e.Request != nil {
			s.done(e.Request, number)
		}
	}
	if e.Order != nil {
		m.keep(e.Order)
	}
	return number
}

func (s *memorySession) done(r *Request, number uint64) {
	before, ok := s.requests[r.ID]
	switch {
	case !ok:
		s.requests[r.ID] = Request{ID: r.ID, Digest: r.Digest, Report: number}
	case before.Digest == [32]byte{}:
		before.Digest = r.Digest
		s.requests[r.ID] = before
	}
}

// keep replaces what is held of an order.
func (m *Memory) keep(o *engine.Order) {
	s := m.session(o.Session)
	held := s.orders[o.ID]
	if held == nil {
		held = new(memoryOrder)
		s.orders[o.ID] = held
	} else {
		if held.order.Open {
			s.open--
			delete(m.open, o.ID)
		}
		if held.order.ClOrdID == o.ClOrdID {
			held.order = o
			m.keepOpen(s, held)
			return
		}
		m.unname(held)
	}
	held.order = o
	m.name(held)
	m.keepOpen(s, held)
}

func (m *Memory) keepOpen(s *memorySession, held *memoryOrder) {
	if held.order.Open {
		s.open++
		m.open[held.order.ID] = held
	}
}

func (m *Memory) name(o *memoryOrder) {
	o.prev, o.next = nil, m.named[o.order.ClOrdID]
	if o.next != nil {
		o.next.prev = o
	}
	m.named[o.order.ClOrdID] = o
}

func (m *Memory) unname(o *memoryOrder) {
	if o.next != nil {
		o.next.prev = o.prev
	}
	switch {
	case o.prev != nil:
		o.prev.next = o.next
	case o.next != nil:
		m.named[o.order.ClOrdID] = o.next
	default:
		delete(m.named, o.order.ClOrdID)
	}
}

// Cursor implements [Store].
func (m *Memory) Cursor(ctx context.Context) (cursor uint64, err error) {
	err = m.read(ctx, func() { cursor = m.cursor })
	return cursor, err
}

// Reports implements [Store]. The reports must not be changed.
func (m *Memory) Reports(ctx context.Context, id order.SessionID, from uint64, limit int) (out []Numbered, err error) {
	err = m.read(ctx, func() {
		s := m.sessions[id]
		if s == nil {
			return
		}
		size := 0
		for n := max(from, 1); n <= s.LastReport && len(out) < limit; n++ {
			report := s.reports[n-1]
			if size += len(report); size > MaxPage && len(out) > 0 {
				return
			}
			out = append(out, Numbered{n, report})
		}
	})
	return out, err
}

// LastReport implements [Store].
func (m *Memory) LastReport(ctx context.Context, id order.SessionID) (last uint64, err error) {
	err = m.read(ctx, func() {
		if s := m.sessions[id]; s != nil {
			last = s.LastReport
		}
	})
	return last, err
}

// Requests implements [Store].
func (m *Memory) Requests(ctx context.Context, id order.SessionID, f func(Request) error) error {
	var done []Request
	err := m.read(ctx, func() {
		s := m.sessions[id]
		if s == nil {
			return
		}
		done = make([]Request, 0, len(s.requests))
		for _, r := range s.requests {
			done = append(done, r)
		}
	})
	return each(done, f, err)
}

// OpenOrders implements [Store].
func (m *Memory) OpenOrders(ctx context.Context, f func(*engine.Order) error) error {
	var open []*engine.Order
	err := m.read(ctx, func() {
		open = make([]*engine.Order, 0, len(m.open))
		for _, o := range m.open {
			open = append(open, o.order)
		}
	})
	slices.SortFunc(open, func(a, b *engine.Order) int { return cmp.Compare(a.Place, b.Place) })
	return each(open, f, err)
}

// each calls f with all, unless there was an error.
func each[T any](all []T, f func(T) error, err error) error {
	for i := 0; err == nil && i < len(all); i++ {
		err = f(all[i])
	}
	return err
}

// Orders implements [Store].
func (m *Memory) Orders(ctx context.Context, id order.ID) (out []*engine.Order, err error) {
	err = m.read(ctx, func() {
		for o := m.named[id]; o != nil; o = o.next {
			out = append(out, o.order)
		}
	})
	return out, err
}

// Beat implements [Store]. Its clock is the caller's.
func (m *Memory) Beat(ctx context.Context, gateway string, now time.Time) error {
	return m.write(ctx, func() error {
		m.beats[gateway] = now
		return nil
	})
}

// Orphans implements [Store]. Its clock is the caller's.
func (m *Memory) Orphans(ctx context.Context, now time.Time, older time.Duration) (out []Session, err error) {
	err = m.write(ctx, func() error {
		for _, s := range m.sessions {
			last, beat := m.beats[s.Gateway]
			if s.Detached.IsZero() && (!beat || now.Sub(last) > older) {
				s.Detached = whole(now)
			}
			if !s.Detached.IsZero() && s.open > 0 {
				out = append(out, s.Session)
			}
		}
		return nil
	})
	return out, err
}

// Ban implements [Store].
func (m *Memory) Ban(ctx context.Context, id order.SessionID) error {
	return m.write(ctx, func() error {
		if id.Epoch >= m.pruned {
			m.banned[id] = struct{}{}
		}
		return nil
	})
}

// Bans implements [Store].
func (m *Memory) Bans(ctx context.Context) (out []order.SessionID, err error) {
	err = m.read(ctx, func() { out = slices.Collect(maps.Keys(m.banned)) })
	return out, err
}

// Halt implements [Store].
func (m *Memory) Halt(ctx context.Context, halted bool) error {
	return m.write(ctx, func() error {
		m.halted = halted
		return nil
	})
}

// Halted implements [Store].
func (m *Memory) Halted(ctx context.Context) (halted bool, err error) {
	err = m.read(ctx, func() { halted = m.halted })
	return halted, err
}

// Close implements [Store]. What was recorded is gone.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.sessions, m.aliases, m.banned, m.beats, m.open, m.named = nil, nil, nil, nil, nil, nil
	return nil
}

// session returns a session, and makes it if there is none.
func (m *Memory) session(id order.SessionID) *memorySession {
	s := m.sessions[id]
	if s == nil {
		s = &memorySession{
			Session:  Session{ID: id, NextSeqNo: 1},
			requests: make(map[order.ID]Request),
			orders:   make(map[order.OrderID]*memoryOrder),
		}
		m.sessions[id] = s
		m.hold(s, memorySessionSize)
	}
	return s
}

// write calls f alone, and read together with other readers.
func (m *Memory) write(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	return f()
}

func (m *Memory) read(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return errClosed
	}
	f()
	return nil
}

var errClosed = fmt.Errorf("%w: it is closed", ErrUnavailable)

// hold counts what a session holds, and room says whether there is more.
func (m *Memory) hold(s *memorySession, size int64) {
	s.held += size
	m.held += size
}

func (m *Memory) room(size int64) error {
	if m.held+size > m.Limit {
		return fmt.Errorf("%w: %d bytes of memory are full: prune, or set a higher limit", ErrUnavailable, m.Limit)
	}
	return nil
}

// entrySize is what an entry adds, at most.
func entrySize(e *Entry) int64 {
	size := int64(0)
	if len(e.Report) > 0 {
		size += memoryReportSize + int64(len(e.Report))
	}
	if e.Request != nil {
		size += memoryRequestSize
	}
	if e.Order != nil {
		size += memoryOrderSize
	}
	return size
}

// whole cuts a time to milliseconds.
func whole(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
