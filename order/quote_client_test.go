package order

import (
	"errors"
	"testing"
	"time"
)

func aQuote() Quote {
	return Quote{
		Symbol: "A/B", TimeToLive: time.Minute,
		Bids:   []QuoteLevel{{Decimal{99, 0}, Decimal{5, 0}}, {Decimal{98, 0}, Decimal{9, 0}}},
		Offers: []QuoteLevel{{Decimal{101, 0}, Decimal{5, 0}}},
	}
}

func TestQuote(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	ctx := testContext(t)
	s, err := c.Quote(ctx, aQuote())
	if err != nil || s.ID.IsZero() || s.QuoteID.IsZero() {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err = c.CancelQuote(ctx, s.ID); err != nil || s.QuoteStatus != QuoteCanceled {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRequestForQuote(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	ctx := testContext(t)
	q, err := c.RequestQuote(ctx, QuoteRequest{Symbol: "A/B", Side: Buy, OrderQty: Decimal{2, 0}, TimeToLive: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var best *QuoteReport
	for i := range 3 {
		if best, err = q.Next(ctx); err != nil || best.Offers[0].Size != (Decimal{int64(i) + 1, 0}) || best.QuoteReqID != q.ID() {
			t.Fatalf("quote %d: %+v, %v", i, best, err)
		}
	}
	e, err := c.TakeQuote(ctx, QuoteResponse{QuoteID: best.QuoteID, Side: Buy, OrderQty: Decimal{2, 0}, Price: Decimal{101, 0}})
	if err != nil || e.OrdStatus != StatusFilled || e.CumQty != (Decimal{2, 0}) {
		t.Errorf("taken %+v, %v", e, err)
	}
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := q.Next(ctx); !errors.Is(err, ErrRequestOver) {
		t.Errorf("after the end: %v", err)
	}
	if s := c.State(); len(s.Open) != 0 {
		t.Errorf("%d open orders", len(s.Open))
	}
}
