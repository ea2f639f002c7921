package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// incoming is a request with what can be said of it before anything is locked.
type incoming struct {
	request order.Request
	id      order.ID
	digest  [32]byte
	command order.OrderID
	seqNo   uint64
	reject  order.Report
}

// batch is what one call of Do has come to.
type batch struct {
	s        *Session
	now      time.Time
	read     time.Time
	in       []incoming
	commands []engine.Command
	later    []*incoming // what needs the journal, or comes after the commands
	lost     []order.ID  // repeated requests whose answer's number is not known
	told     uint64      // the number of the next request, by the client's heartbeat
	own      []func([]item) []item
}

func (b *batch) reset() {
	clear(b.in)
	clear(b.commands)
	clear(b.later)
	clear(b.own)
	// The engine may hold on to commands of an earlier call only until Do returned.
	b.in, b.commands, b.later, b.own = b.in[:0], b.commands[:0], b.later[:0], b.own[:0]
	b.lost, b.told = b.lost[:0], 0
}

// Do does the requests of one client, in order, and takes its messages of the
// session layer but for Establish and Terminate. What comes of it is delivered as
// reports; in memory, before Do returns. The error is an [*EndError] if the session
// has ended.
func (s *Session) Do(ctx context.Context, frames []order.ClientFrame) error {
	s.mu.Lock()
	s.busy = true
	s.heard = s.g.clock.exact()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	err := s.do(ctx, frames)
	if werr := s.flush(true); werr != nil && err == nil {
		s.fail(werr)
		err = werr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		s.notify()
	}
	return err
}

func (s *Session) do(ctx context.Context, frames []order.ClientFrame) error {
	b := &s.work
	b.reset()
	b.read = time.Now()
	for i := range frames {
		if err := b.prepare(ctx, &frames[i]); err != nil {
			return err
		}
	}
	if err := b.decide(); err != nil {
		return err
	}
	b.execute(ctx)
	b.finish(ctx)
	b.resendLost(ctx)
	return nil
}

// prepare does what needs no lock.
func (b *batch) prepare(ctx context.Context, f *order.ClientFrame) error {
	if f.Request == nil {
		return b.sessionMessage(ctx, f.Session)
	}
	if f.SeqNo > journal.MaxNumber {
		return b.s.malformed("a sequence number is above what can be counted")
	}
	in := incoming{request: f.Request, id: f.Request.RequestID(), seqNo: f.SeqNo}
	if !b.s.checked {
		in.reject = order.CheckRequest(f.Request)
	}
	if in.reject == nil && !asks(f.Request) {
		in.digest = order.RequestDigest(f.Request)
		in.command = order.NewOrderID(b.s.id, in.id)
	}
	b.in = append(b.in, in)
	b.s.g.observe.Request(kind(f.Request))
	return nil
}

func (b *batch) sessionMessage(ctx context.Context, m order.SessionMessage) error {
	switch m := m.(type) {
	case *order.Sequence:
		if m.NextSeqNo > 0 && m.NextSeqNo <= journal.MaxNumber {
			b.told = max(b.told, m.NextSeqNo)
		}
		return nil
	case *order.RetransmitRequest:
		if err := b.s.Retransmit(ctx, m.FromReport, m.Count); err != nil {
			return b.s.malformed(err.Error())
		}
		return nil
	}
	return b.s.malformed(fmt.Sprintf("a %T is out of place here", m))
}

// malformed ends a session whose client does not keep to the protocol.
func (s *Session) malformed(text string) error {
	s.end(order.RejectMalformed, text)
	return s.Err()
}

// count notes a request's number. The caller holds the gateway's lock.
func (b *batch) count(seqNo uint64) {
	b.expect(seqNo)
	b.s.st.nextSeqNo = max(b.s.st.nextSeqNo, seqNo+1)
}

// expect notes that the client sends the request numbered next now. A gap before it is
// told, and holds nothing back. The caller holds the gateway's lock.
func (b *batch) expect(next uint64) {
	st := b.s.st
	if next <= st.nextSeqNo {
		return
	}
	b.s.say(&order.NotApplied{FromSeqNo: st.nextSeqNo, Count: next - st.nextSeqNo})
	st.nextSeqNo = next
}

// execute gives commands to the engine, and records the gateway's own reports.
func (b *batch) execute(ctx context.Context) {
	g := b.s.g
	if len(b.commands) > 0 {
		g.do(ctx, b.commands)
		b.commands = b.commands[:0]
	}
	if len(b.own) > 0 {
		g.recorder.record(func(items []item) []item {
			for _, build := range b.own {
				items = build(items)
			}
			return items
		})
		clear(b.own)
		b.own = b.own[:0]
	}
}

// finish does what comes after the commands.
func (b *batch) finish(ctx context.Context) {
	for _, in := range b.later {
		switch r := in.request.(type) {
		case *order.OrderStatusRequest:
			b.orderStatus(ctx, r)
		case *order.OrderMassStatusRequest:
			b.massStatus(r)
		case *order.OrderMassCancelRequest:
			b.massCancel(ctx, in, r)
		default:
			b.foreign(ctx, in)
		}
		b.execute(ctx)
	}
}
