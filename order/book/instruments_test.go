package book_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
)

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*order.Instrument){
		"no symbol":      func(i *order.Instrument) { i.Symbol = "" },
		"symbol":         func(i *order.Instrument) { i.Symbol = "btc usd" },
		"tick":           func(i *order.Instrument) { i.TickSize.Mantissa = 5 },
		"no tick":        func(i *order.Instrument) { i.TickSize = order.Decimal{} },
		"lot":            func(i *order.Instrument) { i.LotSize.Exponent = -13 },
		"MinQty, lot":    func(i *order.Instrument) { i.MinQty = number(25, -5) },
		"MinQty":         func(i *order.Instrument) { i.MinQty = order.Decimal{} },
		"MaxQty":         func(i *order.Instrument) { i.MaxQty = number(1, -4) },
		"MaxQty, most":   func(i *order.Instrument) { i.MaxQty = number(2, 12) },
		"MaxQty, fits":   func(i *order.Instrument) { i.LotSize.Exponent, i.MinQty, i.MaxQty = -12, number(1, -12), number(1, 12) },
		"not canonical":  func(i *order.Instrument) { i.MaxQty = order.Decimal{Mantissa: 100, Exponent: 0} },
		"negative":       func(i *order.Instrument) { i.MinQty.Mantissa = -2 },
		"tick, negative": func(i *order.Instrument) { i.TickSize.Mantissa = -1 },
	} {
		i := instrument
		change(&i)
		if _, err := book.New([]order.Instrument{i}, book.Options{}); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	for _, list := range [][]order.Instrument{nil, {instrument, instrument}, make([]order.Instrument, book.MaxInstruments+1)} {
		if _, err := book.New(list, book.Options{}); err == nil {
			t.Errorf("%d instruments: made", len(list))
		}
	}
	if _, err := book.New([]order.Instrument{instrument}, book.Options{Events: -1}); err == nil {
		t.Error("negative options: made")
	}
}

func TestInstrumentsFile(t *testing.T) {
	text := book.EncodeInstruments(book.DefaultInstruments())
	list, err := book.ParseInstruments(text)
	if err != nil || !slices.Equal(list, book.DefaultInstruments()) {
		t.Fatalf("%v, %v", list, err)
	}
	for _, bad := range []string{"", "{}", "{\n  \"instruments\": null\n}\n", string(text) + " ", string(bytes.Replace(text, []byte(`"0.01"`), []byte(`"0.010"`), 1)),
		string(bytes.Replace(text, []byte(`"0.01"`), []byte(`"1e-2"`), 1)), string(bytes.Replace(text, []byte("ETH"), []byte("BTC"), 1))} {
		if _, err := book.ParseInstruments([]byte(bad)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseInstruments(f *testing.F) {
	f.Add(book.EncodeInstruments(book.DefaultInstruments()))
	f.Add(book.EncodeInstruments([]order.Instrument{wide}))
	f.Add([]byte(`{"instruments":[{"symbol":"A","tick_size":"1","lot_size":"1","min_qty":"1","max_qty":"1"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := book.ParseInstruments(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("untyped: %v", err)
			}
			return
		}
		if !bytes.Equal(book.EncodeInstruments(list), text) {
			t.Error("another form was accepted")
		}
	})
}
