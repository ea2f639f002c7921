package order

import (
	"errors"
	"strings"
	"testing"
)

// Trap O5: whatever a venue refuses, the error can be told by its reason, says what
// to do, and has the venue's words.
func TestRejects(t *testing.T) {
	type c struct {
		answer func(ID) Report
		want   error
	}
	order := func(r OrdRejReason) func(ID) Report {
		return func(id ID) Report {
			return &ExecutionReport{OrderID: OrderID{1}, ClOrdID: id, ExecType: ExecRejected, OrdStatus: StatusRejected, Symbol: "A/B",
				Side: Buy, OrdType: Limit, OrderQty: Decimal{1, 0}, OrdRejReason: r, Text: "in words"}
		}
	}
	business := func(r BusinessRejectReason) func(ID) Report {
		return func(id ID) Report {
			return &BusinessMessageReject{BusinessRejectRefID: id, BusinessRejectReason: r, Text: "in words"}
		}
	}
	for name, c := range map[string]c{
		"broker":          {order(RejBroker), ErrUnavailable},
		"symbol":          {order(RejUnknownSymbol), ErrUnknownSymbol},
		"halted":          {order(RejExchangeClosed), ErrHalted},
		"budget":          {order(RejExceedsLimit), ErrExceedsLimit},
		"late":            {order(RejTooLate), ErrTooLate},
		"unknown":         {order(RejUnknownOrder), ErrUnknownOrder},
		"duplicate":       {order(RejDuplicate), ErrDuplicate},
		"unsupported":     {order(RejUnsupported), ErrInvalid},
		"quantity":        {order(RejIncorrectQuantity), ErrInvalid},
		"band":            {order(RejPriceOutsideBand), ErrInvalid},
		"tick":            {order(RejInvalidPriceIncrement), ErrInvalid},
		"other":           {order(RejOther), ErrInvalid},
		"throttled":       {business(BusinessThrottled), ErrThrottled},
		"not available":   {business(BusinessNotAvailable), ErrUnavailable},
		"unknown message": {business(BusinessUnsupported), ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			v := newTestVenue(t)
			v.answer = func(r Request) Report { return c.answer(r.RequestID()) }
			client := v.client(t, nil)
			o, err := client.Submit(testContext(t), anOrder())
			var reject *RejectError
			if !errors.Is(err, c.want) || !errors.As(err, &reject) || reject.Report.Answers() != o.ID() {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), "in words") || !strings.Contains(err.Error(), c.want.Error()) {
				t.Errorf("the error says %q", err)
			}
			if s := o.State(); s.Status != StatusRejected || len(client.State().Open) != 0 {
				t.Errorf("state %+v", s)
			}
			if _, err := o.Closed(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCancelAndQuoteRejects(t *testing.T) {
	for reason, want := range map[CxlRejReason]error{
		CxlTooLate: ErrTooLate, CxlUnknownOrder: ErrUnknownOrder, CxlBroker: ErrUnavailable,
		CxlDuplicate: ErrDuplicate, CxlInvalidPriceIncrement: ErrInvalid, CxlOther: ErrInvalid,
	} {
		v := newTestVenue(t)
		v.answer = func(r Request) Report {
			return &OrderCancelReject{ClOrdID: r.RequestID(), OrigClOrdID: ID{1}, OrdStatus: StatusRejected, CxlRejResponseTo: ToCancel, CxlRejReason: reason}
		}
		if _, err := v.client(t, nil).Cancel(testContext(t), ID{1}); !errors.Is(err, want) {
			t.Errorf("reason %d: %v", reason, err)
		}
	}
	for reason, want := range map[QuoteRejectReason]error{
		QuoteUnknownSymbol: ErrUnknownSymbol, QuoteExchangeClosed: ErrHalted, QuoteExceedsLimit: ErrExceedsLimit,
		QuoteTooLate: ErrTooLate, QuoteUnknown: ErrUnknownOrder, QuoteDuplicate: ErrDuplicate,
		QuoteInvalidSpread: ErrInvalid, QuoteInvalidPrice: ErrInvalid, QuoteInvalidQuantity: ErrInvalid, QuoteOther: ErrInvalid,
	} {
		v := newTestVenue(t)
		v.answer = func(r Request) Report {
			return &QuoteStatusReport{ID: r.RequestID(), QuoteStatus: QuoteRejected, QuoteRejectReason: reason}
		}
		if _, err := v.client(t, nil).Quote(testContext(t), aQuote()); !errors.Is(err, want) {
			t.Errorf("reason %d: %v", reason, err)
		}
	}
}

// What no venue accepts is refused before it is sent, and costs nothing.
func TestInvalidIsNotSent(t *testing.T) {
	v := newTestVenue(t)
	c := v.client(t, nil)
	for name, spoil := range map[string]func(*NewOrderSingle){
		"side":     func(o *NewOrderSingle) { o.Side = '7' },
		"quantity": func(o *NewOrderSingle) { o.OrderQty = Decimal{} },
		"price":    func(o *NewOrderSingle) { o.Price = Decimal{10, 0} },
		"symbol":   func(o *NewOrderSingle) { o.Symbol = "" },
		"time":     func(o *NewOrderSingle) { o.TimeToLive++ },
	} {
		o := anOrder()
		spoil(&o)
		entered, err := c.Submit(testContext(t), o)
		var reject *RejectError
		if !errors.As(err, &reject) || entered != nil || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("%s: %v", name, err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.received) != 0 {
		t.Errorf("the venue got %d requests", len(v.received))
	}
}
