package order

import (
	"context"
	"errors"
	"testing"
	"time"
)

// testTime bounds what should take no time.
const testTime = 20 * time.Second

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	return ctx
}

func (v *testVenue) config() Config {
	return Config{Secret: NewSecret(), Open: v.open(), State: MemoryState()}
}

func (v *testVenue) client(t testing.TB, change func(*Config)) *Client {
	t.Helper()
	config := v.config()
	if change != nil {
		change(&config)
	}
	c, err := Dial(testContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func anOrder() NewOrderSingle {
	return NewOrderSingle{
		Symbol: "A/B", Side: Buy, OrdType: Limit, TimeInForce: GoodTillDate,
		OrderQty: Decimal{5, 0}, Price: Decimal{10125, -2}, TimeToLive: time.Minute,
	}
}

func TestSubmit(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	ctx := testContext(t)
	o, err := c.Submit(ctx, anOrder())
	if err != nil {
		t.Fatal(err)
	}
	if s := o.State(); !s.Answered || s.Status != StatusNew || s.ID != o.ID() || s.LeavesQty != (Decimal{5, 0}) {
		t.Errorf("state %+v", s)
	}
	if s := c.State(); len(s.Open) != 1 || s.Open[0].ID != o.ID() || s.Unanswered != 0 || !s.Connected {
		t.Errorf("state %+v", s)
	}
	r, err := c.Next(ctx)
	if err != nil || r.Number != 1 || r.Report.Answers() != o.ID() {
		t.Errorf("report %+v, %v", r, err)
	}
	before := o.ID()
	e, err := o.Replace(ctx, Replacement{OrderQty: Decimal{3, 0}, Price: Decimal{101, 0}, TimeToLive: time.Minute})
	if err != nil || e.ClOrdID == before || o.ID() != e.ClOrdID || o.State().OrderQty != (Decimal{3, 0}) {
		t.Errorf("replaced %+v, %v; state %+v", e, err, o.State())
	}
	if e, err = c.Status(ctx, o.ID()); err != nil || e.OrderID != o.State().OrderID {
		t.Errorf("status %+v, %v", e, err)
	}
	if all, err := c.MassStatus(ctx); err != nil || len(all) != 1 || all[0].ClOrdID != o.ID() {
		t.Errorf("mass status %+v, %v", all, err)
	}
	if e, err = o.Cancel(ctx); err != nil || e.OrdStatus != StatusCanceled {
		t.Errorf("cancelled %+v, %v", e, err)
	}
	if s, err := o.Closed(ctx); err != nil || s.Status != StatusCanceled {
		t.Errorf("closed %+v, %v", s, err)
	}
	if _, err = o.Cancel(ctx); !errors.Is(err, ErrTooLate) {
		t.Errorf("cancelled again: %v", err)
	}
	if err := c.Finish(ctx); err != nil {
		t.Errorf("Finish: %v", err)
	}
	if _, err := c.Submit(ctx, anOrder()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Finish: %v", err)
	}
}
