// Package streamtest checks that a transport of order messages does what
// order.Stream and order.ClientStream promise, and is the small venue that such
// tests talk to.
package streamtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
)

// Serve serves the venue's end of a connection.
type Serve func(ctx context.Context, s order.Stream) error

// Connect connects to a venue that serves with the function, until the test ends.
type Connect func(t *testing.T, serve Serve) order.ClientStream

// patience is how long the tests wait for what has to come.
const patience = 30 * time.Second

// Run runs all checks on a transport.
func Run(t *testing.T, connect Connect) {
	t.Run("echo", func(t *testing.T) { testEcho(t, connect) })
	t.Run("client closes", func(t *testing.T) { testClientCloses(t, connect) })
	t.Run("venue closes", func(t *testing.T) { testVenueCloses(t, connect) })
	t.Run("close interrupts a read", func(t *testing.T) { testCloseInterruptsRead(t, connect) })
	t.Run("close interrupts a write", func(t *testing.T) { testCloseInterruptsWrite(t, connect) })
	t.Run("nothing of a bad batch", func(t *testing.T) { testBadBatch(t, connect) })
}

// Echo is a venue that accepts everything: it answers Establish, gives a report on
// each request, refuses those that are not valid, and returns at the end.
func Echo(_ context.Context, s order.Stream) error {
	var frames []order.ClientFrame
	number := uint64(0)
	for {
		var err error
		frames, err = s.ReadRequests(frames[:0])
		var refused *order.RequestError
		switch {
		case errors.As(err, &refused):
			number++
			if err := s.WriteReports([]order.VenueFrame{report(number, refused.Reject)}); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, zkkex.ErrMalformed):
			bye := &order.Terminate{Code: order.RejectMalformed}
			return errors.Join(err, s.WriteReports([]order.VenueFrame{{Session: bye}}))
		case err != nil:
			return err
		}
		var answers []order.VenueFrame
		for _, f := range frames {
			answers = append(answers, answer(f, &number))
		}
		if err := s.WriteReports(answers); err != nil {
			return err
		}
	}
}

func report(n uint64, r order.Report) order.VenueFrame {
	return order.VenueFrame{Report: order.Numbered{Number: n, Report: r}}
}

// answer is what Echo says to a frame.
func answer(f order.ClientFrame, number *uint64) order.VenueFrame {
	if _, ok := f.Session.(*order.Establish); ok {
		return order.VenueFrame{Session: Ack()}
	}
	if f.Request == nil {
		return order.VenueFrame{Session: &order.Sequence{NextSeqNo: *number + 1}}
	}
	*number++
	return report(*number, Report(f.Request))
}

// Ack is what Echo answers to Establish.
func Ack() *order.EstablishmentAck {
	unit := order.Decimal{Mantissa: 1}
	return &order.EstablishmentAck{
		Session: order.NewSessionID(1, []byte("echo")), NextSeqNo: 1, NextReport: 1,
		KeepAlive: time.Second, MaxTimeToLive: time.Hour, Time: time.UnixMilli(1794873600000).UTC(),
		Instruments: []order.Instrument{{Symbol: "ACME", TickSize: unit, LotSize: unit, MinQty: unit, MaxQty: unit}},
	}
}

// Report is what Echo says of a request.
func Report(r order.Request) order.Report {
	return &order.ExecutionReport{ClOrdID: r.RequestID(), ExecType: order.ExecNew, OrdStatus: order.StatusNew}
}

// Order returns the n-th of some orders.
func Order(n uint64) order.ClientFrame {
	return order.ClientFrame{SeqNo: n, Request: &order.NewOrderSingle{
		ClOrdID: order.ID{byte(n >> 8), byte(n), 15: 1}, Symbol: "ACME", Side: order.Buy, OrdType: order.Limit,
		TimeInForce: order.ImmediateOrCancel, OrderQty: order.Decimal{Mantissa: 5, Exponent: 1}, Price: order.Decimal{Mantissa: 10125, Exponent: -2},
	}}
}

// Establish is a first frame.
func Establish() order.ClientFrame {
	return order.ClientFrame{Session: &order.Establish{KeepAlive: time.Second}}
}

// within fails the test if f does not return in time: something hangs.
func within(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: hangs", what)
		return nil
	}
}

// Receive reads frames until there are n, or reading fails.
func Receive(t *testing.T, c order.ClientStream, n int) []order.VenueFrame {
	t.Helper()
	var frames []order.VenueFrame
	err := within(t, "reading", func() (err error) {
		for len(frames) < n && err == nil {
			frames, err = c.ReadReports(frames)
		}
		return err
	})
	if err != nil {
		t.Fatalf("after %d frames of %d: %v", len(frames), n, err)
	}
	return frames
}

func testEcho(t *testing.T, connect Connect) {
	c := connect(t, Echo)
	const n = 1000
	sent := make(chan error, 1)
	go func() {
		batch := []order.ClientFrame{Establish()}
		for i := range uint64(n) {
			batch = append(batch, Order(i+1))
			if len(batch) == 64 {
				if err := c.WriteRequests(batch); err != nil {
					sent <- err
					return
				}
				batch = nil
			}
		}
		sent <- c.WriteRequests(batch)
	}()
	frames := Receive(t, c, n+1)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(frames[0].Session, order.SessionMessage(Ack())) {
		t.Errorf("Establish was answered with %+v", frames[0])
	}
	for i, f := range frames[1:] {
		want := report(uint64(i+1), Report(Order(uint64(i+1)).Request))
		if !reflect.DeepEqual(f, want) {
			t.Fatalf("report %d is %+v", i+1, f.Report)
		}
	}
	if err := within(t, "closing", c.Close); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// What a client wrote before it closed reaches the venue, and then the end.
func testClientCloses(t *testing.T, connect Connect) {
	got := make(chan error, 1)
	c := connect(t, func(_ context.Context, s order.Stream) error {
		var frames []order.ClientFrame
		var err error
		for err == nil {
			frames, err = s.ReadRequests(frames)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if err == nil && len(frames) != 100 {
			err = fmt.Errorf("%d frames came", len(frames))
		}
		got <- err
		return s.Close()
	})
	for i := range uint64(100) {
		if err := c.WriteRequests([]order.ClientFrame{Order(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := within(t, "closing", c.Close); err != nil {
		t.Errorf("closing: %v", err)
	}
	if err := within(t, "the venue", func() error { return <-got }); err != nil {
		t.Errorf("the venue: %v", err)
	}
}

// What a venue wrote before it closed reaches the client, and then the end.
func testVenueCloses(t *testing.T, connect Connect) {
	c := connect(t, func(_ context.Context, s order.Stream) error {
		if _, err := s.ReadRequests(nil); err != nil {
			return err
		}
		for i := range uint64(100) {
			if err := s.WriteReports([]order.VenueFrame{report(i+1, Report(Order(i+1).Request))}); err != nil {
				return err
			}
		}
		if err := s.WriteReports([]order.VenueFrame{{Session: &order.Terminate{Code: order.RejectDraining}}}); err != nil {
			return err
		}
		return s.Close()
	})
	if err := c.WriteRequests([]order.ClientFrame{Establish()}); err != nil {
		t.Fatal(err)
	}
	frames := Receive(t, c, 101)
	if bye, ok := frames[100].Session.(*order.Terminate); !ok || bye.Code != order.RejectDraining {
		t.Errorf("the last frame is %+v", frames[100])
	}
	err := within(t, "reading", func() error {
		more, err := c.ReadReports(nil)
		if len(more) != 0 {
			return fmt.Errorf("%d frames after the last", len(more))
		}
		return err
	})
	if !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v, expected %v", err, io.EOF)
	}
	_ = within(t, "closing", c.Close)
}

// A venue's Close ends a read that waits for a client that says nothing.
func testCloseInterruptsRead(t *testing.T, connect Connect) {
	ended := make(chan error, 1)
	c := connect(t, func(_ context.Context, s order.Stream) error {
		if _, err := s.ReadRequests(nil); err != nil {
			return err
		}
		go func() {
			_, err := s.ReadRequests(nil)
			ended <- err
		}()
		if err := s.WriteReports([]order.VenueFrame{{Session: &order.Terminate{Code: order.RejectSilent}}}); err != nil {
			return err
		}
		err := s.Close()
		ended <- errors.Join(errors.New("closed"), err)
		return nil
	})
	if err := c.WriteRequests([]order.ClientFrame{Establish()}); err != nil {
		t.Fatal(err)
	}
	Receive(t, c, 1)
	_ = within(t, "closing", c.Close)
	for range 2 {
		if err := within(t, "the venue's read", func() error { return <-ended }); err == nil {
			t.Error("the read returned a frame")
		}
	}
}

// A venue's Close ends a write that waits for a client that does not read.
func testCloseInterruptsWrite(t *testing.T, connect Connect) {
	ended := make(chan error, 1)
	c := connect(t, func(_ context.Context, s order.Stream) error {
		if _, err := s.ReadRequests(nil); err != nil {
			return err
		}
		go func() {
			batch := make([]order.VenueFrame, 1000)
			for i := range batch {
				batch[i] = report(0, Report(Order(1).Request))
			}
			var err error
			for err == nil {
				err = s.WriteReports(batch)
			}
			ended <- err
		}()
		time.Sleep(200 * time.Millisecond) // the writer fills what there is of buffers
		_ = s.Close()
		return nil
	})
	if err := c.WriteRequests([]order.ClientFrame{Establish()}); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "the venue's write", func() error { return <-ended }); err == nil {
		t.Error("the write went on")
	}
	_ = within(t, "closing", c.Close)
}

// A batch with a frame that cannot be encoded is not sent in part, and the stream
// goes on.
func testBadBatch(t *testing.T, connect Connect) {
	c := connect(t, Echo)
	bad := order.ClientFrame{SeqNo: 2, Request: &order.NewOrderSingle{ClOrdID: order.ID{1}}}
	var refused *order.RequestError
	if err := c.WriteRequests([]order.ClientFrame{Order(1), bad}); !errors.As(err, &refused) {
		t.Errorf("a bad order was written: %v", err)
	}
	if err := c.WriteRequests([]order.ClientFrame{Order(3)}); err != nil {
		t.Fatal(err)
	}
	frames := Receive(t, c, 1)
	if want := Order(3).Request.RequestID(); frames[0].Report.Report.Answers() != want {
		t.Errorf("the first report is on %v, expected %v", frames[0].Report.Report.Answers(), want)
	}
	_ = within(t, "closing", c.Close)
}
