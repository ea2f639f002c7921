package order

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// faulty makes a venue whose links break, which loses requests and holds reports
// back, at random.
func faulty(t testing.TB, seed uint64) *testVenue {
	v := newTestVenue(t)
	r := rand.New(rand.NewPCG(seed, 1))
	v.breaks = func() (int, int) { return 100 + r.IntN(3000), 300 + r.IntN(8000) }
	v.forget = func() bool { return r.IntN(40) == 0 }
	v.swallow = func() bool { return r.IntN(40) == 0 }
	v.keep = 300 * time.Millisecond // heartbeats show what is missing at the end
	v.fills = true
	return v
}

// dialFaulty dials until a link lasts for long enough.
func dialFaulty(t testing.TB, ctx context.Context, config Config) *Client {
	t.Helper()
	for {
		c, err := Dial(ctx, config)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// Traps O1 and O2: over links that break anywhere, each order is entered once, and
// each report comes once and in order, however impatient the callers are.
func TestOnceOverBrokenLinks(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			v := faulty(t, seed)
			ctx := testContext(t)
			config := v.config()
			config.Buffer = 1 + int(seed)*20 // also one that is always full
			config.Unanswered = 8
			config.ResendWithin = time.Hour // also on a machine that has no time for us
			c := dialFaulty(t, ctx, config)
			const workers, each = 6, 40
			var mu sync.Mutex
			submitted := map[ID]bool{}
			var work sync.WaitGroup
			for w := range workers {
				work.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(w)+10))
					for range each {
						id := submitImpatiently(t, ctx, c, r)
						mu.Lock()
						submitted[id] = true
						mu.Unlock()
					}
				})
			}
			next, seen := uint64(1), map[ID]int{}
			for len(seen) < workers*each || next <= 2*workers*each {
				r, err := c.Next(ctx)
				if err != nil {
					t.Fatalf("after %d reports: %v", next-1, err)
				}
				if r.Number != next {
					t.Fatalf("report %d came, expected %d", r.Number, next)
				}
				next++
				seen[r.Report.Answers()]++
			}
			work.Wait()
			v.mu.Lock()
			defer v.mu.Unlock()
			if v.links < 3 {
				t.Errorf("%d links: nothing broke", v.links)
			}
			if len(v.entered) != workers*each || len(submitted) != workers*each {
				t.Errorf("%d orders were entered, %d submitted, expected %d", len(v.entered), len(submitted), workers*each)
			}
			for id, n := range v.entered {
				if n != 1 || !submitted[id] || seen[id] != 2 {
					t.Errorf("order %s: entered %d times, submitted %v, %d reports", id, n, submitted[id], seen[id])
				}
			}
		})
	}
}

// submitImpatiently submits an order, gives up waiting, and comes back.
func submitImpatiently(t *testing.T, ctx context.Context, c *Client, r *rand.Rand) ID {
	for {
		short, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(3000))*time.Microsecond)
		o, err := c.Submit(short, anOrder())
		cancel()
		if o == nil {
			if errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil {
				t.Errorf("no order: %v", err)
				return ID{}
			}
			continue // nothing was sent
		}
		if err != nil && !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("order: %v", err)
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v does not say that ctx ended", err)
		}
		if _, err := o.Wait(ctx); err != nil {
			t.Errorf("waiting: %v", err)
		}
		return o.State().ID
	}
}

// Trap O2: a call that ends before the answer says that the outcome is unknown, the
// client goes on asking, and there is one order.
func TestUnknownOutcome(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	v.mu.Lock()
	v.deaf = true
	v.mu.Unlock()
	// The venue reads this one, and then nothing more.
	if _, err := c.Submit(testContext(t), anOrder()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	o, err := c.Submit(ctx, anOrder())
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) || o == nil {
		t.Fatalf("%v, %v", o, err)
	}
	if n := c.State().Unanswered; n != 1 {
		t.Errorf("%d requests are unanswered", n)
	}
	v.mu.Lock()
	v.deaf = false
	v.mu.Unlock()
	if _, err := o.Wait(testContext(t)); err != nil {
		t.Error(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.entered[o.State().ID] != 1 || len(v.entered) != 2 {
		t.Errorf("entered %v", v.entered)
	}
}

// Trap O1: who reads slowly, or begins to read late, gets every report, and keeps
// nobody from trading.
func TestSlowReaderLosesNothing(t *testing.T) {
	v := newTestVenue(t)
	v.fills = true
	c := v.client(t, func(c *Config) { c.Buffer = 10 })
	ctx := testContext(t)
	const orders = 300
	for range orders {
		if _, err := c.Submit(ctx, anOrder()); err != nil {
			t.Fatal(err)
		}
	}
	if s := c.State(); s.LastReport != 2*orders || s.NextReport != 1 || len(s.Open) != 0 {
		t.Fatalf("state %+v", s)
	}
	for n := range uint64(2 * orders) {
		r, err := c.Next(ctx)
		if err != nil || r.Number != n+1 {
			t.Fatalf("report %d: %+v, %v", n+1, r, err)
		}
	}
}

// Trap O2: a request that is lost is found to be, also while the client has nothing to
// say but that it wants older reports.
func TestLostBehindSlowReader(t *testing.T) {
	v := newTestVenue(t)
	v.keep, v.fills = 150*time.Millisecond, true
	c := v.client(t, func(c *Config) { c.Buffer = 1 })
	ctx := testContext(t)
	const orders = 300
	for range orders {
		if _, err := c.Submit(ctx, anOrder()); err != nil {
			t.Fatal(err)
		}
	}
	forgotten := false
	v.mu.Lock()
	v.forget = func() bool { first := !forgotten; forgotten = true; return first }
	v.mu.Unlock()
	lost, err := c.Send(ctx, anOrder(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * orders {
		if _, err := c.Next(ctx); err != nil { // which asks for the next one
			t.Fatal(err)
		}
		if lost.State().Answered {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("the order was not answered while %d reports were read", 2*orders)
}

// Trap O3: orders that wait for their turn, and numbers that are missing, hold no
// cancel up; and the cancel of an order that was not sent yet does not overtake it.
func TestCancelOvertakes(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, func(c *Config) { c.Unanswered = 4; c.NoOwnerKeys = true })
	ctx := testContext(t)
	first, err := c.Submit(ctx, anOrder())
	if err != nil {
		t.Fatal(err)
	}
	// The venue answers no order any more.
	lost := false
	v.mu.Lock()
	v.answer = func(r Request) Report {
		if _, is := r.(*NewOrderSingle); is {
			return &QuoteRequestReport{QuoteReqID: OrderID{1}, Symbol: "A/B", OrderQty: Decimal{1, 0}, ExpireTime: time.UnixMilli(1).UTC()}
		}
		return nil
	}
	v.forget = func() bool { was := lost; lost = true; return !was }
	v.mu.Unlock()
	waiting, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	for range 10 {
		work.Go(func() { _, _ = c.Submit(waiting, anOrder()) })
	}
	for len(c.window) < cap(c.window) {
		time.Sleep(time.Millisecond)
	}
	if _, err := first.Cancel(ctx); err != nil {
		t.Errorf("the cancel: %v", err)
	}
	stop()
	work.Wait()
}

func TestCancelStaysBehindItsOrder(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	ctx := testContext(t)
	c.mu.Lock()
	c.writing = true // as if a write were blocked
	c.mu.Unlock()
	var orders []*Order
	for range 5 {
		o, err := c.Send(ctx, anOrder(), nil)
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, o)
	}
	var work sync.WaitGroup
	work.Go(func() {
		if _, err := orders[2].Cancel(ctx); err != nil {
			t.Errorf("the cancel: %v", err)
		}
	})
	for {
		c.mu.Lock()
		n := len(c.urgent)
		if n == 4 {
			c.writing = false
		}
		c.mu.Unlock()
		if n == 4 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	c.nudge()
	work.Wait()
	if n, err := c.MassCancel(ctx, ""); err != nil || n != 4 {
		t.Errorf("%d orders were left, %v", n, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, is := v.received[3].(*OrderCancelRequest); !is {
		t.Errorf("the cancel was not sent before the others: %T", v.received[3])
	}
}

// A venue that reads nothing holds nobody longer than their contexts, and the client
// ends all the same.
func TestVenueThatNeverReads(t *testing.T) {
	v := newTestVenue(t)
	v.small = true
	c := v.client(t, func(c *Config) { c.Unanswered = 4000; c.NoOwnerKeys = true })
	v.mu.Lock()
	v.deaf = true
	v.mu.Unlock()
	blocked := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.writing && len(c.queue) > 1000
	}
	var work sync.WaitGroup
	for n := 0; !blocked() && n < 3900; n++ {
		if _, err := c.Send(testContext(t), anOrder(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if !blocked() {
		t.Fatal("the link took everything")
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for range 20 {
		work.Go(func() {
			if _, err := c.Submit(short, anOrder()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Submit: %v", err)
			}
			if _, err := c.Cancel(short, ID{1}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Cancel: %v", err)
			}
		})
	}
	work.Wait()
	if err := c.Finish(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Finish: %v", err)
	}
	select {
	case <-c.Done():
	case <-testContext(t).Done():
		t.Error("the client does not end")
	}
}

// An order that was lost with its connection is not entered at a price of long ago.
func TestLateOrderIsNotEntered(t *testing.T) {
	for _, known := range []bool{false, true} {
		v := newTestVenue(t)
		c := v.client(t, func(c *Config) { c.ResendWithin = time.Millisecond })
		ctx := testContext(t)
		v.mu.Lock()
		v.answer = func(r Request) Report { // the order is lost on the way, or its report is
			if n, is := r.(*NewOrderSingle); is {
				if known {
					v.owners[n.ClOrdID] = &testOrder{session: v.sessions[c.session], report: ExecutionReport{
						OrderID: OrderID{1}, ClOrdID: n.ClOrdID, OrdStatus: StatusNew, Symbol: "A/B", Side: Buy, OrdType: Limit,
						OrderQty: n.OrderQty, LeavesQty: n.OrderQty, Price: n.Price, TransactTime: time.UnixMilli(5).UTC(),
					}}
				}
				return &QuoteRequestReport{QuoteReqID: OrderID{1}, Symbol: "A/B", OrderQty: Decimal{1, 0}, ExpireTime: time.UnixMilli(1).UTC()}
			}
			return nil
		}
		v.mu.Unlock()
		o, err := c.Send(ctx, anOrder(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n == 0; time.Sleep(2 * time.Millisecond) {
			v.mu.Lock()
			n = len(v.received)
			v.mu.Unlock()
		}
		v.mu.Lock()
		v.answer = nil
		v.mu.Unlock()
		v.hangUp()
		e, err := o.Wait(ctx)
		if known && (err != nil || e.ExecType != ExecStatus) || !known && !errors.Is(err, ErrNotEntered) {
			t.Errorf("known %v: %+v, %v", known, e, err)
		}
		v.mu.Lock()
		if len(v.entered) != 0 {
			t.Error("the order was entered late")
		}
		v.mu.Unlock()
	}
}

// An order that was never sent, for want of a connection, is not entered late either.
func TestUnsentOrderIsNotEnteredLate(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, func(c *Config) { c.ResendWithin = time.Millisecond })
	v.mu.Lock()
	v.refuse = &EstablishmentReject{Code: RejectNotAvailable}
	v.mu.Unlock()
	v.hangUp()
	for c.State().Connected {
		time.Sleep(time.Millisecond)
	}
	o, err := c.Send(testContext(t), anOrder(), nil)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond)
	v.mu.Lock()
	v.refuse = nil
	v.mu.Unlock()
	if _, err := o.Wait(testContext(t)); !errors.Is(err, ErrNotEntered) {
		t.Error(err)
	}
	if _, err := c.Submit(testContext(t), anOrder()); err != nil {
		t.Error(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.entered) != 1 {
		t.Errorf("%d orders were entered", len(v.entered))
	}
}

// Fresh is another session: nothing of the one before is sent in it.
func TestFresh(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, func(c *Config) { c.Reconnect = Fresh })
	ctx := testContext(t)
	first, err := c.Submit(ctx, anOrder())
	if err != nil {
		t.Fatal(err)
	}
	before := c.State().Session
	v.mu.Lock()
	v.answer = func(r Request) Report {
		return &QuoteRequestReport{QuoteReqID: OrderID{1}, Symbol: "A/B", OrderQty: Decimal{1, 0}, ExpireTime: time.UnixMilli(1).UTC()}
	}
	v.mu.Unlock()
	o, err := c.Send(ctx, anOrder(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if r.Number == 0 {
			break // the venue has read the order
		}
	}
	v.mu.Lock()
	v.answer = nil
	v.mu.Unlock()
	v.hangUp()
	if _, err := o.Wait(ctx); !errors.Is(err, ErrSessionLost) || !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("an order of the session before: %v", err)
	}
	if s, err := first.Closed(ctx); !errors.Is(err, ErrSessionLost) || s.Status != StatusNew {
		t.Errorf("an open order of the session before: %+v, %v", s, err)
	}
	if _, err := c.Submit(ctx, anOrder()); err != nil {
		t.Fatal(err)
	}
	if s := c.State(); s.Session == before || len(s.Open) != 1 {
		t.Errorf("state %+v", s)
	}
	r, err := c.Next(ctx)
	if err != nil || r.Number != 1 || r.Session == before {
		t.Errorf("report %+v, %v", r, err)
	}
	v.mu.Lock()
	if len(v.entered) != 2 {
		t.Errorf("%d orders were entered", len(v.entered))
	}
	v.mu.Unlock()
	// By its key, the order of the session before can still be cancelled.
	if _, err := c.Cancel(ctx, first.State().ID); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("without a proof: %v", err)
	}
	if e, err := c.Cancel(ctx, first.State().ID, WithProof()); err != nil || e.OrdStatus != StatusCanceled {
		t.Errorf("with a proof: %+v, %v", e, err)
	}
}

func TestNever(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, func(c *Config) { c.Reconnect = Never })
	v.hangUp()
	select {
	case <-c.Done():
	case <-testContext(t).Done():
		t.Fatal("the client goes on")
	}
	if _, err := c.Next(testContext(t)); !errors.Is(err, ErrSessionLost) {
		t.Error(err)
	}
}

// What a venue says for good ends the client; what passes does not.
func TestSessionErrors(t *testing.T) {
	for code, want := range map[RejectCode]error{
		RejectBanned: ErrBanned, RejectTakenOver: ErrTakenOver, RejectEnded: ErrEnded, RejectMalformed: ErrProtocol,
		RejectFinished: ErrFinished, RejectNotAvailable: ErrUnavailable, RejectDraining: ErrDraining,
	} {
		v := newTestVenue(t)
		v.refuse = &EstablishmentReject{Code: code, Text: "because"}
		_, err := Dial(testContext(t), v.config())
		var e *SessionError
		if !errors.Is(err, want) || !errors.As(err, &e) || e.Code != code || e.Text != "because" {
			t.Errorf("code %d: %v", code, err)
		}
		v.refuse = nil
		c := v.client(t, nil)
		v.mu.Lock()
		v.refuse = &EstablishmentReject{Code: code}
		v.mu.Unlock()
		v.hangUp()
		if code == RejectNotAvailable || code == RejectDraining {
			for n := 0; n < 4; time.Sleep(time.Millisecond) {
				v.mu.Lock()
				n = v.links
				v.mu.Unlock()
			}
			v.mu.Lock()
			v.refuse = nil
			v.mu.Unlock()
			if _, err := c.Submit(testContext(t), anOrder()); err != nil {
				t.Errorf("code %d: %v", code, err)
			}
			continue
		}
		<-c.Done()
		if !errors.Is(c.Err(), want) || !errors.Is(c.Err(), ErrSessionLost) {
			t.Errorf("code %d: the client ended with %v", code, c.Err())
		}
	}
}

// A venue that has forgotten what it said, or takes us for another, is not gone on
// with.
func TestForgetfulVenue(t *testing.T) {
	for name, c := range map[string]struct {
		ack  func(*EstablishmentAck)
		want error
	}{
		"another session": {func(a *EstablishmentAck) { a.Session.ID[0] ^= 1 }, ErrSessionLost},
		"fewer reports":   {func(a *EstablishmentAck) { a.LastReport = 0 }, ErrProtocol},
		"a gap":           {func(a *EstablishmentAck) { a.NextReport++ }, ErrProtocol},
	} {
		v := newTestVenue(t)
		client := v.client(t, nil)
		for range 3 {
			if _, err := client.Submit(testContext(t), anOrder()); err != nil {
				t.Fatal(err)
			}
		}
		v.mu.Lock()
		v.ack = c.ack
		v.mu.Unlock()
		v.hangUp()
		select {
		case <-client.Done():
			if !errors.Is(client.Err(), c.want) {
				t.Errorf("%s: %v", name, client.Err())
			}
		case <-testContext(t).Done():
			t.Errorf("%s: the client goes on", name)
		}
	}
}

// Without a state that knows it, a session that was used is not taken up: its IDs
// would come twice.
func TestUnknownSessionIsRefused(t *testing.T) {
	v := newTestVenue(t)
	config := v.config()
	open := v.open()
	_, _ = open(t.Context(), Want{}) // draws the pseudonym
	config.Open = func(ctx context.Context, w Want) (Channel, error) { return open(ctx, Want{Resume: true}) }
	c, err := Dial(testContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(testContext(t), anOrder()); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	again, err := Dial(testContext(t), config) // the same state
	if err != nil {
		t.Fatal(err)
	}
	if s := again.State(); s.Session != c.State().Session {
		t.Error("another session")
	}
	if _, err := again.Submit(testContext(t), anOrder()); err != nil {
		t.Error(err)
	}
	_ = again.Close()
	config.State = MemoryState()
	if _, err := Dial(testContext(t), config); !errors.Is(err, ErrState) {
		t.Errorf("with an empty state: %v", err)
	}
}
