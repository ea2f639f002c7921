package book_test

import (
	"testing"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginetest"
)

// instrument is one whose units are not 1.
var instrument = order.Instrument{
	Symbol: "BTC-USD", TickSize: order.Decimal{Mantissa: 1, Exponent: -2}, LotSize: order.Decimal{Mantissa: 1, Exponent: -4},
	MinQty: order.Decimal{Mantissa: 2, Exponent: -4}, MaxQty: order.Decimal{Mantissa: 1, Exponent: 3},
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, func() engine.Engine {
		b, err := book.New([]order.Instrument{instrument}, book.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
