package fixedge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/order/journal"
)

// journalTimeout bounds one write or read of the journal.
const journalTimeout = 5 * time.Second

// page is how many numbers of the journal are read at once.
const page = 1024

var (
	// errClosed is for a store whose connection is over.
	errClosed = errors.New("the FIX connection is over")
	// errNotOffered is for what quickfix never asks of a store, as it is set up.
	errNotOffered = errors.New("not offered: numbers follow from the messages that were saved")
)

// store is the [quickfix.MessageStore] of one connection. Messages wait in memory
// until [store.flush] writes them, together, and are sent only after that: see
// [outbox].
type store struct {
	fix     journal.FIX
	created time.Time
	names   *names
	owner   [16]byte

	// flushing is held while the journal is written, and taken before mu.
	flushing sync.Mutex
	// nextNames is where the next names go, and durable the state in the journal.
	nextNames uint64
	durable   state

	mu      sync.Mutex
	state   state
	pending []unsaved
	// report is the number of the report in the next message to save; 0 for none.
	report uint64
	// deaf is for a session that has ended: what comes was not received.
	deaf   bool
	closed bool
}

// unsaved is a message that the journal does not have yet.
type unsaved struct {
	message   []byte
	delivered uint64
}

var _ quickfix.MessageStore = (*store)(nil)

// openStore reads where a session stands, and takes its journal from whoever wrote
// it before.
func openStore(ctx context.Context, fix journal.FIX, n *names) (*store, error) {
	s := &store{fix: fix, names: n, nextNames: namesAt}
	rand.Read(s.owner[:]) // never fails
	if err := fix.Save(ctx, ownerAt, s.owner[:], 0); err != nil {
		return nil, err
	}
	send, _, created, err := fix.Numbers(ctx)
	if err != nil {
		return nil, err
	}
	s.created = created
	if s.state, err = readState(ctx, fix, send); err != nil {
		return nil, err
	}
	s.durable = s.state
	return s, s.readNames(ctx)
}

// readState returns the later of the last batch's state and the one that stands
// alone: that one was written after the batch if both have the same next message.
func readState(ctx context.Context, fix journal.FIX, send uint64) (state, error) {
	alone, err := fix.Messages(ctx, stateAt, stateAt)
	if err != nil {
		return state{}, err
	}
	if len(alone) > 0 {
		r, err := parseRecord(alone[0])
		if err != nil {
			return state{}, err
		}
		if r.next == send {
			return r.state, nil
		}
	}
	if send <= 1 {
		return begin, nil
	}
	batches, err := fix.Messages(ctx, send-min(send-1, maxBatch), send-1)
	if err != nil {
		return state{}, err
	}
	if len(batches) == 0 {
		return state{}, malformedRecord("message %d was sent, and is not there", send-1)
	}
	r, err := parseRecord(batches[len(batches)-1])
	if err != nil {
		return state{}, err
	}
	if r.next != send {
		return state{}, malformedRecord("the last message is %d, expected %d", r.next-1, send-1)
	}
	return r.state, nil
}

func (s *store) readNames(ctx context.Context) error {
	for {
		batches, err := s.fix.Messages(ctx, s.nextNames, s.nextNames+page-1)
		if err != nil {
			return err
		}
		for _, b := range batches {
			saved, err := parseNames(b)
			if err != nil {
				return err
			}
			s.names.restore(saved)
		}
		s.nextNames += uint64(len(batches))
		if len(batches) < page {
			return nil
		}
	}
}

// fresh reports whether nothing was ever received or sent.
func (s *store) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == begin
}

// delivered is the number of the last report that has become a message.
func (s *store) delivered() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.delivered
}

// base tells apart the times that numbers began at 1.
func (s *store) base() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.base
}

// carries says that the next message to save carries a report. quickfix saves it
// before any other: it holds its own lock from [quickfix.Application.ToApp] until
// the message is saved.
func (s *store) carries(report uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = report
}

// flush writes all that waits: names first, then messages, with how far reports
// have been delivered and the next number to receive. It costs one write for up to
// [maxBatch] messages, and one if there are new names.
func (s *store) flush() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	for {
		r := s.batch()
		if r == nil && len(s.names.pending(1)) == 0 {
			return nil
		}
		if err := s.owned(); err != nil {
			return err
		}
		if err := s.saveNames(); err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := s.save(r.number(), r.append(nil), r.next); err != nil {
			return err
		}
		s.durable = r.state
		s.wrote(len(r.messages))
	}
}

// flushNames writes names alone.
func (s *store) flushNames() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	if len(s.names.pending(1)) == 0 {
		return nil
	}
	if err := s.owned(); err != nil {
		return err
	}
	return s.saveNames()
}

// owned checks that no other connection has taken the session, at this gateway or
// at another one.
func (s *store) owned() error {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	token, err := s.fix.Messages(ctx, ownerAt, ownerAt)
	if err != nil {
		return err
	}
	if len(token) != 1 || !bytes.Equal(token[0], s.owner[:]) {
		return fmt.Errorf("the FIX session's journal: %w", journal.ErrTakenOver)
	}
	return nil
}

func (s *store) saveNames() error {
	for {
		names := s.names.pending(maxBatch)
		if len(names) == 0 {
			return nil
		}
		if err := s.save(s.nextNames, appendNames(nil, names), 0); err != nil {
			return err
		}
		s.nextNames++
		s.names.saved(len(names))
	}
}

func (s *store) save(number uint64, message []byte, next uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	return s.fix.Save(ctx, number, message, next)
}

// batch returns the messages to write next; nil if there are none.
func (s *store) batch() *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	r := &record{state: s.state}
	size := 0
	for _, p := range s.pending {
		if len(r.messages) == maxBatch || size > maxBatchBytes {
			break
		}
		r.messages = append(r.messages, p.message)
		r.delivered = p.delivered
		size += len(p.message)
	}
	r.next -= uint64(len(s.pending) - len(r.messages))
	return r
}

func (s *store) wrote(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending = s.pending[n:]; len(s.pending) == 0 {
		s.pending = nil
	}
}

// close writes what waits, and takes nothing more.
func (s *store) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if err := s.flush(); err != nil {
		return err
	}
	return s.saveState()
}

// saveState writes the state alone, if it is not what the last message has.
func (s *store) saveState() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	now := s.state
	s.mu.Unlock()
	if now == s.durable {
		return nil
	}
	if err := s.owned(); err != nil {
		return err
	}
	if err := s.save(stateAt, (&record{state: now}).append(nil), 0); err != nil {
		return err
	}
	s.durable = now
	return nil
}

// NextSenderMsgSeqNum implements [quickfix.MessageStore].
func (s *store) NextSenderMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.state.next - s.state.base)
}

// NextTargetMsgSeqNum implements [quickfix.MessageStore].
func (s *store) NextTargetMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.state.receive)
}

// IncrNextTargetMsgSeqNum implements [quickfix.MessageStore]. The number is written
// with the next message. If it is lost, quickfix asks for messages that it had, and
// the gateway knows them by their names.
func (s *store) IncrNextTargetMsgSeqNum() error {
	return s.change(func() {
		if !s.deaf {
			s.state.receive++
		}
	})
}

// receiveNoMore leaves the number of the next message to receive where it is.
func (s *store) receiveNoMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = true
}

// SetNextTargetMsgSeqNum implements [quickfix.MessageStore].
func (s *store) SetNextTargetMsgSeqNum(next int) error {
	return s.change(func() {
		if !s.deaf {
			s.state.receive = uint64(max(next, 1))
		}
	})
}

// SaveMessageAndIncrNextSenderMsgSeqNum implements [quickfix.MessageStore]. The
// message waits for [store.flush].
func (s *store) SaveMessageAndIncrNextSenderMsgSeqNum(_ int, message []byte) error {
	return s.change(func() {
		if s.report > s.state.delivered {
			s.state.delivered = s.report
		}
		s.report = 0
		s.state.next++
		s.pending = append(s.pending, unsaved{bytes.Clone(message), s.state.delivered})
	})
}

func (s *store) change(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	f()
	return nil
}

// IncrNextSenderMsgSeqNum implements [quickfix.MessageStore]; it is not used.
func (s *store) IncrNextSenderMsgSeqNum() error { return errNotOffered }

// SetNextSenderMsgSeqNum implements [quickfix.MessageStore]; it is not used.
func (s *store) SetNextSenderMsgSeqNum(int) error { return errNotOffered }

// SaveMessage implements [quickfix.MessageStore]; it is not used.
func (s *store) SaveMessage(int, []byte) error { return errNotOffered }

// CreationTime implements [quickfix.MessageStore].
func (s *store) CreationTime() time.Time { return s.created }

// SetCreationTime implements [quickfix.MessageStore]. It has no effect: the edge
// has no hours.
func (s *store) SetCreationTime(time.Time) {}

// GetMessages implements [quickfix.MessageStore].
func (s *store) GetMessages(first, last int) (out [][]byte, err error) {
	err = s.IterateMessages(first, last, func(m []byte) error {
		out = append(out, m)
		return nil
	})
	return out, err
}

// IterateMessages implements [quickfix.MessageStore]. Messages of before a reset
// are not among them.
func (s *store) IterateMessages(first, last int, f func([]byte) error) error {
	if err := s.flush(); err != nil {
		return err
	}
	s.mu.Lock()
	base, next := s.state.base, s.state.next
	s.mu.Unlock()
	lowest := base + uint64(max(first, 1))
	highest := min(base+uint64(max(last, 0)), next-1)
	// The batch with the first message may begin before it.
	for from := max(lowest, base+maxBatch) - maxBatch + 1; from <= highest; from += page {
		ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
		batches, err := s.fix.Messages(ctx, from, min(from+page-1, highest))
		cancel()
		if err != nil {
			return err
		}
		if err := eachMessage(batches, lowest, highest, f); err != nil {
			return err
		}
	}
	return nil
}

// eachMessage calls f with those messages of the batches that are within bounds.
func eachMessage(batches [][]byte, lowest, highest uint64, f func([]byte) error) error {
	for _, b := range batches {
		r, err := parseRecord(b)
		if err != nil {
			return err
		}
		for i, m := range r.messages {
			if n := r.number() + uint64(i); n < lowest || n > highest {
				continue
			}
			if err := f(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// Refresh implements [quickfix.MessageStore]. There is nothing to do: a store is
// made for each connection.
func (s *store) Refresh() error { return nil }

// Reset implements [quickfix.MessageStore]: numbers begin at 1, at once and
// durably. How far reports have been delivered, and what they are called, stays.
func (s *store) Reset() error {
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.change(func() { s.state.base, s.state.receive = s.state.next-1, 1 }); err != nil {
		return err
	}
	return s.saveState()
}

// Close implements [quickfix.MessageStore]; the edge closes the store itself.
func (s *store) Close() error { return nil }
