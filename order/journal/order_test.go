package journal_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

// sampleQuote is a quote that was partly taken.
func sampleQuote() *engine.Order {
	o := journaltest.Order(journaltest.Session(20_000, 1), 1, 10)
	o.TimeInForce, o.ExecInst = 0, 0
	o.CumBought = order.Decimal{Mantissa: 25, Exponent: -1}
	o.Report = &order.QuoteStatusReport{ID: o.ClOrdID, QuoteID: o.ID, ExpireTime: o.Expires}
	o.Quote = &order.Quote{
		QuoteID: o.ClOrdID, Symbol: o.Symbol, TimeToLive: time.Minute, OwnerKey: o.OwnerKey,
		Bids:   []order.QuoteLevel{{Price: order.Decimal{Mantissa: 9925, Exponent: -2}, Size: order.Decimal{Mantissa: 3}}},
		Offers: []order.QuoteLevel{{Price: order.Decimal{Mantissa: 101}, Size: order.Decimal{Mantissa: 1, Exponent: 2}}},
	}
	return o
}

// sampleRequest is a request for quote, which is held as a quote without levels.
func sampleRequest() *engine.Order {
	o := sampleQuote()
	o.Quote.Bids, o.Quote.Offers, o.Quote.QuoteReqID = nil, nil, o.ID
	o.CumBought = order.Decimal{}
	return o
}

func encodeOrder(t testing.TB, o *engine.Order) []byte {
	t.Helper()
	b, err := journal.AppendOrder(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOrder(t *testing.T) {
	s := journaltest.Session(20_000, 1)
	bare := &engine.Order{ID: order.NewOrderID(s, journaltest.ID(1)), Session: s, ClOrdID: journaltest.ID(1)}
	for name, o := range map[string]*engine.Order{
		"open":              journaltest.Order(s, 1, 10),
		"filled":            journaltest.Order(s, 1, 0),
		"quote":             sampleQuote(),
		"request for quote": sampleRequest(),
		"bare":              bare,
	} {
		b := encodeOrder(t, o)
		got, err := journal.ParseOrder(b)
		if err != nil || !reflect.DeepEqual(got, o) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, o)
		}
		for n := range b {
			if _, err := journal.ParseOrder(b[:n]); !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("%s: %d of %d bytes: %v, want %v", name, n, len(b), err, zkkex.ErrMalformed)
			}
		}
		if _, err := journal.ParseOrder(append(b, 0)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: with a byte after it: %v, want %v", name, err, zkkex.ErrMalformed)
		}
	}
}

func TestOrderIsWholeMilliseconds(t *testing.T) {
	o := journaltest.Order(journaltest.Session(20_000, 1), 1, 10)
	want := o.Expires
	o.Expires = want.Add(999 * time.Microsecond).In(time.FixedZone("", 3600))
	got, err := journal.ParseOrder(encodeOrder(t, o))
	if err != nil || got.Expires != want {
		t.Errorf("expires at %v, %v; want %v", got.Expires, err, want)
	}
}

// TestOrderRefused has orders that no parser would accept.
func TestOrderRefused(t *testing.T) {
	for name, change := range map[string]func(*engine.Order){
		"a symbol too long":         func(o *engine.Order) { o.Symbol = string(make([]byte, order.MaxSymbol+1)) },
		"a time before 1970":        func(o *engine.Order) { o.Expires = time.Unix(-5, 0) },
		"a time after 9999":         func(o *engine.Order) { o.Expires = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an unknown TimeInForce":    func(o *engine.Order) { o.TimeInForce = 'x' },
		"an unknown ExecInst":       func(o *engine.Order) { o.ExecInst = 'x' },
		"a number not canonical":    func(o *engine.Order) { o.CumSold = order.Decimal{Mantissa: 10} },
		"a number out of range":     func(o *engine.Order) { o.CumSold = order.Decimal{Mantissa: 1, Exponent: math.MaxInt32} },
		"a report without order":    func(o *engine.Order) { o.Report = new(order.ExecutionReport) },
		"a ladder too long":         func(o *engine.Order) { o.Quote.Bids = make([]order.QuoteLevel, order.MaxLadder+1) },
		"a TimeToLive below 0":      func(o *engine.Order) { o.Quote.TimeToLive = -1 },
		"a TimeToLive too long":     func(o *engine.Order) { o.Quote.TimeToLive = order.MaxTimeToLive + 1 },
		"a price not canonical":     func(o *engine.Order) { o.Quote.Bids[0].Price.Mantissa = 100 },
		"a quote's symbol too long": func(o *engine.Order) { o.Quote.Symbol = string(make([]byte, order.MaxSymbol+1)) },
	} {
		o := sampleQuote()
		change(o)
		if b, err := journal.AppendOrder([]byte("before"), o); err == nil || string(b) != "before" {
			t.Errorf("%s: %d bytes, %v; want an error", name, len(b), err)
		}
	}
}

func TestOrderOfAnotherVersion(t *testing.T) {
	b := encodeOrder(t, sampleQuote())
	b[0]++
	if _, err := journal.ParseOrder(b); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("%v, want %v", err, zkkex.ErrUnsupported)
	}
}

// FuzzParseOrder expects that what is parsed is encoded to the same bytes.
func FuzzParseOrder(f *testing.F) {
	s := journaltest.Session(20_000, 1)
	for _, o := range []*engine.Order{sampleQuote(), sampleRequest(), journaltest.Order(s, 1, 10), journaltest.Order(s, 2, 0)} {
		f.Add(encodeOrder(f, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := journal.ParseOrder(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		if got := encodeOrder(t, o); !bytes.Equal(got, b) {
			t.Fatalf("%x is encoded as %x", b, got)
		}
	})
}
