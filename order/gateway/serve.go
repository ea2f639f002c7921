package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// establishWithin is how long a client may take to establish its session.
const establishWithin = 10 * time.Second

// Peer is whose connection it is, as the channel below says.
type Peer struct {
	// Session is the pseudonym's: order.NewSessionID of the nullifier that the
	// channel was opened with.
	Session order.SessionID
	// Binding is what the channel exports for proofs; see order.BindingLabel.
	Binding [32]byte
	// Ends is when the channel's right ends, which a renewal moves; nil if it does
	// not. It is called with locks held, and returns at once.
	Ends func() time.Time
}

// Serve carries one connection until it ends, and closes it. It returns nil if the
// client ended the session in good order, and otherwise why it ended: an [*EndError]
// if the gateway did that.
func (g *Gateway) Serve(ctx context.Context, stream order.Stream, peer Peer) error {
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	late := time.AfterFunc(establishWithin, func() { stream.Close() })
	frames, err := stream.ReadRequests(nil)
	late.Stop()
	if err != nil {
		return refuse(stream, order.RejectMalformed, fmt.Errorf("establish the session: %w", err))
	}
	establish, ok := frames[0].Session.(*order.Establish)
	if !ok {
		return refuse(stream, order.RejectMalformed, &zkkex.ParseError{
			Format: "order session", Err: fmt.Errorf("it begins with a %T, expected Establish", first(frames[0])),
		})
	}
	s, code, err := g.establish(ctx, stream, peer, establish)
	if err != nil {
		return refuse(stream, code, err)
	}
	finish, err := s.serve(ctx, stream, frames[1:])
	// The session is detached even if ctx has ended.
	if derr := s.detach(context.WithoutCancel(ctx), finish); err == nil {
		err = derr
	}
	return err
}

func first(f order.ClientFrame) any {
	if f.Request != nil {
		return f.Request
	}
	return f.Session
}

// refuse tells a client why its session does not begin.
func refuse(stream order.Stream, code order.RejectCode, err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	text := refusals[code]
	if text == "" {
		text = "the session was not established"
	}
	_ = stream.WriteReports([]order.VenueFrame{{Session: &order.EstablishmentReject{Code: code, Text: text}}})
	return err
}

// refusals are what clients are told. What the journal or a parser said is for the
// venue's own log.
var refusals = map[order.RejectCode]string{
	order.RejectMalformed:    "expected Establish, with values in bounds",
	order.RejectBanned:       "the venue's operator ended the session until its epoch ends",
	order.RejectEnded:        "the session's epoch is over: begin another session",
	order.RejectDraining:     "the gateway is about to stop: connect to another",
	order.RejectNotAvailable: "the venue cannot take the session now: connect to another gateway, or later",
	order.RejectTakenOver:    "the session was established on another connection",
	order.RejectUnspecified:  "a symbol of Quotes is not traded here",
}

// establish attaches the session and queues the acknowledgement.
func (g *Gateway) establish(ctx context.Context, stream order.Stream, peer Peer, m *order.Establish) (*Session, order.RejectCode, error) {
	if err := checkEstablish(m); err != nil {
		return nil, order.RejectMalformed, err
	}
	for _, symbol := range m.Quotes {
		if g.units[symbol] == nil {
			return nil, order.RejectUnspecified, errors.New("establish the session: a symbol of Quotes is not traded")
		}
	}
	if peer.Ends != nil && !g.clock.wall().Before(peer.Ends()) {
		return nil, order.RejectEnded, journal.ErrEnded
	}
	a := Attach{
		Session: peer.Session, Binding: peer.Binding, NextReport: m.NextReport,
		Grace: m.Grace, KeepOrders: m.KeepOrders, Quotes: m.Quotes,
	}
	s := g.newSession(a)
	s.keepAlive, s.ends, s.checked = m.KeepAlive, peer.Ends, true
	s.write = stream.WriteReports
	s.hangUp = func() { stream.Close() }
	if err := g.attach(ctx, s, a); err != nil {
		return nil, refusalCode(err), err
	}
	g.mu.Lock()
	next := s.st.nextSeqNo
	g.mu.Unlock()
	s.mu.Lock()
	ack := order.VenueFrame{Session: &order.EstablishmentAck{
		Session: s.id, NextSeqNo: next, NextReport: s.first, LastReport: s.known,
		KeepAlive: m.KeepAlive, Grace: s.grace, KeepOrders: s.keep,
		MaxOpenOrders: g.limits.MaxOpenOrders, OrdersPerSecond: g.limits.OrdersPerSecond,
		MaxTimeToLive: g.limits.MaxTimeToLive, Time: g.clock.now(), Instruments: g.instruments,
	}}
	s.frames = append([]order.VenueFrame{ack}, s.frames...)
	s.mu.Unlock()
	s.start()
	return s, 0, nil
}

// checkEstablish returns an error wrapping [zkkex.ErrMalformed] for values that are
// out of bounds.
func checkEstablish(m *order.Establish) error {
	var err error
	switch {
	case m.KeepAlive < order.MinKeepAlive || m.KeepAlive > order.MaxKeepAlive:
		err = fmt.Errorf("a KeepAlive of %v, expected %v to %v", m.KeepAlive, order.MinKeepAlive, order.MaxKeepAlive)
	case m.Grace < 0 || m.Grace > order.MaxGrace:
		err = fmt.Errorf("a Grace of %v, expected at most %v", m.Grace, order.MaxGrace)
	case len(m.Quotes) > order.MaxQuoteSymbols:
		err = fmt.Errorf("%d symbols in Quotes, expected at most %d", len(m.Quotes), order.MaxQuoteSymbols)
	case m.NextReport > journal.MaxNumber:
		err = fmt.Errorf("a NextReport of %d, expected at most %d", m.NextReport, uint64(journal.MaxNumber))
	default:
		return nil
	}
	return &zkkex.ParseError{Format: "Establish", Err: err}
}

func refusalCode(err error) order.RejectCode {
	switch {
	case errors.Is(err, journal.ErrBanned):
		return order.RejectBanned
	case errors.Is(err, journal.ErrEnded):
		return order.RejectEnded
	case errors.Is(err, ErrDraining):
		return order.RejectDraining
	case errors.Is(err, journal.ErrTakenOver):
		return order.RejectTakenOver
	}
	return order.RejectNotAvailable
}

// serve reads requests until the connection or the session ends, and reports whether
// the client has finished.
func (s *Session) serve(ctx context.Context, stream order.Stream, frames []order.ClientFrame) (finish bool, err error) {
	for {
		end, err := s.take(ctx, frames)
		if end != nil || err != nil {
			return end != nil && end.Finish, s.over(err)
		}
		clear(frames)
		frames, err = stream.ReadRequests(frames[:0])
		var bad *order.RequestError
		if errors.As(err, &bad) {
			if err = s.refuse(ctx, bad); err == nil {
				frames = frames[:0]
				continue
			}
		}
		if err != nil {
			if errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, zkkex.ErrUnsupported) {
				s.end(order.RejectMalformed, "what came is no message")
			}
			return false, s.over(err)
		}
	}
}

// take does frames up to one that ends the session, and returns that.
func (s *Session) take(ctx context.Context, frames []order.ClientFrame) (*order.Terminate, error) {
	for i := range frames {
		t, ok := frames[i].Session.(*order.Terminate)
		if !ok {
			continue
		}
		if err := s.Do(ctx, frames[:i]); err != nil {
			return nil, err
		}
		s.end(order.RejectFinished, "")
		return t, nil
	}
	if len(frames) == 0 {
		return nil, nil
	}
	return nil, s.Do(ctx, frames)
}

// over waits until the client was told why the session ended, as far as it can be.
func (s *Session) over(err error) error {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended == nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the client went without a word: %w", err)
		}
		return err
	}
	t := time.NewTimer(lingers)
	defer t.Stop()
	select {
	case <-s.gone.Done():
	case <-t.C:
	}
	if ended.Code == order.RejectFinished {
		return nil
	}
	return ended
}
