package order

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func ordered(change func(*NewOrderSingle)) *NewOrderSingle {
	r := sampleOrder()
	change(r)
	return r
}

func replaced(change func(*OrderCancelReplaceRequest)) *OrderCancelReplaceRequest {
	r := &OrderCancelReplaceRequest{
		ClOrdID: ID{1}, OrigClOrdID: ID{2}, OrderQty: Decimal{1, 0}, Price: Decimal{1, 0}, TimeToLive: time.Second,
	}
	change(r)
	return r
}

func quoted(change func(*Quote)) *Quote {
	r := &Quote{
		QuoteID: ID{1}, Symbol: "ACME", TimeToLive: time.Second,
		Bids:   []QuoteLevel{{Decimal{99, 0}, Decimal{1, 0}}, {Decimal{985, -1}, Decimal{1, 0}}},
		Offers: []QuoteLevel{{Decimal{991, -1}, Decimal{1, 0}}, {Decimal{1, 2}, Decimal{1, 0}}},
	}
	change(r)
	return r
}

// ladder is a side with so many levels.
func ladder(n int) []QuoteLevel {
	var l []QuoteLevel
	for i := range n {
		l = append(l, QuoteLevel{Decimal{int64(1000*i + 1), 0}, Decimal{1, 0}})
	}
	return l
}

// reasonOf is the reason in a report that refuses something.
func reasonOf(r Report) any {
	switch r := r.(type) {
	case nil:
		return nil
	case *ExecutionReport:
		return r.OrdRejReason
	case *OrderCancelReject:
		return r.CxlRejReason
	case *QuoteStatusReport:
		return r.QuoteRejectReason
	case *BusinessMessageReject:
		return r.BusinessRejectReason
	}
	return "another report"
}

// Each bad request has one thing wrong with it, and is refused for that.
func TestBadRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		r      Request
		reason any
		says   string
	}{
		"a good order":        {sampleOrder(), nil, ""},
		"a good market order": {ordered(func(r *NewOrderSingle) { r.OrdType, r.TimeInForce, r.TimeToLive = Market, ImmediateOrCancel, 0 }), nil, ""},
		"a good quote":        {quoted(func(*Quote) {}), nil, ""},
		"a one-sided quote":   {quoted(func(r *Quote) { r.Bids = nil }), nil, ""},
		"a good replacement":  {replaced(func(*OrderCancelReplaceRequest) {}), nil, ""},

		"unknown side":            {ordered(func(r *NewOrderSingle) { r.Side = '3' }), BusinessUnsupported, `Side (54) has the unknown value "3"`},
		"no side":                 {ordered(func(r *NewOrderSingle) { r.Side = 0 }), BusinessMissingField, "Side (54) is missing"},
		"unknown type":            {ordered(func(r *NewOrderSingle) { r.OrdType = '3' }), BusinessUnsupported, "OrdType (40)"},
		"good till cancel":        {ordered(func(r *NewOrderSingle) { r.TimeInForce = '1' }), BusinessUnsupported, "TimeInForce (59)"},
		"day":                     {ordered(func(r *NewOrderSingle) { r.TimeInForce = '0' }), BusinessUnsupported, "TimeInForce (59)"},
		"unknown instruction":     {ordered(func(r *NewOrderSingle) { r.ExecInst = 'G' }), BusinessUnsupported, "ExecInst (18)"},
		"no ID":                   {ordered(func(r *NewOrderSingle) { r.ClOrdID = ID{} }), BusinessMissingField, "ClOrdID (11) is missing"},
		"no symbol":               {ordered(func(r *NewOrderSingle) { r.Symbol = "" }), BusinessMissingField, "Symbol (55) is missing"},
		"symbol in small letters": {ordered(func(r *NewOrderSingle) { r.Symbol = "acme" }), RejUnknownSymbol, "Symbol (55)"},
		"symbol with a newline":   {ordered(func(r *NewOrderSingle) { r.Symbol = "A\n" }), RejUnknownSymbol, "Symbol (55)"},
		"long symbol":             {ordered(func(r *NewOrderSingle) { r.Symbol = strings.Repeat("A", 33) }), RejUnknownSymbol, "expected 1 to 32 characters, got 33"},
		"quantity 0":              {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{} }), RejIncorrectQuantity, "OrderQty (38) is 0"},
		"quantity -1":             {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{-1, 0} }), RejIncorrectQuantity, "OrderQty (38) is -1"},
		"quantity not canonical":  {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{10, 0} }), RejIncorrectQuantity, "not canonical"},
		"quantity 0e1":            {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{0, 1} }), RejIncorrectQuantity, "not canonical"},
		"quantity too large":      {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{1, 13} }), RejIncorrectQuantity, "out of range"},
		"quantity too small":      {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{1, -13} }), RejIncorrectQuantity, "out of range"},
		"quantity at the edge":    {ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{math.MinInt64, 0} }), RejIncorrectQuantity, "OrderQty (38) is -9223372036854775808"},
		"exponent at the edge":    {ordered(func(r *NewOrderSingle) { r.Price = Decimal{1, math.MinInt32} }), RejInvalidPriceIncrement, "out of range"},
		"price 0":                 {ordered(func(r *NewOrderSingle) { r.Price = Decimal{} }), RejInvalidPriceIncrement, "Price (44) is 0"},
		"price -1":                {ordered(func(r *NewOrderSingle) { r.Price = Decimal{-1, 0} }), RejInvalidPriceIncrement, "Price (44) is -1"},
		"price not canonical":     {ordered(func(r *NewOrderSingle) { r.Price = Decimal{100, -2} }), RejInvalidPriceIncrement, "not canonical"},
		"no time to live":         {ordered(func(r *NewOrderSingle) { r.TimeToLive = 0 }), BusinessMissingField, "TimeToLive is missing"},
		"negative time to live":   {ordered(func(r *NewOrderSingle) { r.TimeToLive = -time.Second }), RejOther, "TimeToLive is -1s"},
		"long time to live":       {ordered(func(r *NewOrderSingle) { r.TimeToLive = MaxTimeToLive + time.Millisecond }), RejOther, "expected at most 24h"},
		"microseconds to live":    {ordered(func(r *NewOrderSingle) { r.TimeToLive = time.Microsecond }), RejOther, "no whole number of milliseconds"},
		"time to live at once":    {ordered(func(r *NewOrderSingle) { r.TimeInForce = FillOrKill }), RejUnsupported, "TimeToLive is for orders good till date"},
		"market that rests":       {ordered(func(r *NewOrderSingle) { r.OrdType = Market }), RejUnsupported, "a market order"},
		"post only at once": {ordered(func(r *NewOrderSingle) {
			r.TimeInForce, r.TimeToLive, r.ExecInst = ImmediateOrCancel, 0, ParticipateDontInitiate
		}), RejUnsupported, "post only"},

		"cancel without an order":     {&OrderCancelRequest{ClOrdID: ID{1}}, BusinessMissingField, "OrigClOrdID (41) is missing"},
		"cancel of itself":            {&OrderCancelRequest{ClOrdID: ID{1}, OrigClOrdID: ID{1}}, CxlDuplicate, "the request's own ID"},
		"replaced by itself":          {replaced(func(r *OrderCancelReplaceRequest) { r.OrigClOrdID = r.ClOrdID }), CxlDuplicate, "the request's own ID"},
		"replaced by nothing":         {replaced(func(r *OrderCancelReplaceRequest) { r.OrderQty = Decimal{} }), CxlOther, "OrderQty (38) is 0"},
		"replaced at price 0":         {replaced(func(r *OrderCancelReplaceRequest) { r.Price = Decimal{} }), CxlInvalidPriceIncrement, "Price (44) is 0"},
		"replaced for no time":        {replaced(func(r *OrderCancelReplaceRequest) { r.TimeToLive = 0 }), BusinessMissingField, "TimeToLive is missing"},
		"status of itself":            {&OrderStatusRequest{ID: ID{1}, ClOrdID: ID{1}}, BusinessIncorrectValue, "the request's own ID"},
		"status of nothing":           {&OrderStatusRequest{ID: ID{1}}, BusinessMissingField, "ClOrdID (11) is missing"},
		"mass status without ID":      {&OrderMassStatusRequest{}, BusinessMissingField, "ID is missing"},
		"mass cancel of a bad symbol": {&OrderMassCancelRequest{ClOrdID: ID{1}, Symbol: "a"}, BusinessIncorrectValue, "Symbol (55)"},

		"empty quote":            {quoted(func(r *Quote) { r.Bids, r.Offers = nil, nil }), BusinessMissingField, "Bids or Offers is missing"},
		"crossed quote":          {quoted(func(r *Quote) { r.Offers[0].Price = Decimal{985, -1} }), QuoteInvalidSpread, "the best bid is not below"},
		"locked quote":           {quoted(func(r *Quote) { r.Offers[0].Price = Decimal{99, 0} }), QuoteInvalidSpread, "the best bid is not below"},
		"bids upwards":           {quoted(func(r *Quote) { r.Bids[1].Price = Decimal{995, -1} }), QuoteInvalidPrice, "bid 2 is not below"},
		"the same offer twice":   {quoted(func(r *Quote) { r.Offers[1].Price = r.Offers[0].Price }), QuoteInvalidPrice, "offer 2 is not above"},
		"17 offers":              {quoted(func(r *Quote) { r.Bids, r.Offers = nil, ladder(MaxLadder+1) }), QuoteExceedsLimit, "Offers has more than 16"},
		"16 offers":              {quoted(func(r *Quote) { r.Bids, r.Offers = nil, ladder(MaxLadder) }), nil, ""},
		"level without size":     {quoted(func(r *Quote) { r.Bids[0].Size = Decimal{} }), QuoteInvalidQuantity, "Size is 0"},
		"level not canonical":    {quoted(func(r *Quote) { r.Bids[0].Price = Decimal{990, -1} }), QuoteInvalidPrice, "not canonical"},
		"quote of a bad symbol":  {quoted(func(r *Quote) { r.Symbol = "?" }), QuoteUnknownSymbol, "Symbol (55)"},
		"quote without end":      {quoted(func(r *Quote) { r.TimeToLive = 0 }), BusinessMissingField, "TimeToLive is missing"},
		"cancel of no quote":     {&QuoteCancel{ID: ID{1}}, BusinessMissingField, "QuoteID (117) is missing"},
		"quote cancels itself":   {&QuoteCancel{ID: ID{1}, QuoteID: ID{1}}, QuoteDuplicate, "the request's own ID"},
		"request for 0":          {&QuoteRequest{QuoteReqID: ID{1}, Symbol: "A", TimeToLive: time.Second}, QuoteInvalidQuantity, "OrderQty (38) is 0"},
		"request of side 3":      {&QuoteRequest{QuoteReqID: ID{1}, Symbol: "A", TimeToLive: time.Second, Side: '3', OrderQty: Decimal{1, 0}}, BusinessUnsupported, "Side (54)"},
		"answer without a quote": {&QuoteResponse{QuoteRespID: ID{1}, Side: Buy, OrderQty: Decimal{1, 0}, Price: Decimal{1, 0}}, BusinessMissingField, "QuoteID (117) is missing"},
	} {
		report := CheckRequest(tc.r)
		if got := reasonOf(report); got != tc.reason {
			t.Errorf("%s: refused with %T %v, expected %T %v", name, got, got, tc.reason, tc.reason)
			continue
		}
		if report == nil {
			continue
		}
		if !strings.Contains(rejectText(report), tc.says) {
			t.Errorf("%s: %q does not say %q", name, rejectText(report), tc.says)
		}
		if _, err := AppendReport(nil, report); err != nil {
			t.Errorf("%s: the refusal cannot be sent: %v", name, err)
		}
	}
}

// What the wire can carry and a request cannot hold is refused in the same way.
func TestBadRequestsOnTheWire(t *testing.T) {
	level := bytesField(4, bytesField(1, varintField(1, 2))+bytesField(2, varintField(1, 2)))
	quote := bytesField(1, "0123456789abcdef") + bytesField(2, "A")
	for name, tc := range map[string]struct {
		b      string
		reason any
		says   string
	}{
		"side 9":           {changed(3, varintField(3, 9)), BusinessUnsupported, `Side (54) has the unknown value "9"`},
		"side A":           {changed(3, varintField(3, 10)), BusinessUnsupported, `Side (54) has the unknown value "A"`},
		"side 36":          {changed(3, varintField(3, 36)), BusinessUnsupported, `Side (54) has the unknown value "36"`},
		"side -1":          {changed(3, varintField(3, math.MaxUint64)), BusinessUnsupported, "Side (54) has the unknown value"},
		"no side":          {changed(3, ""), BusinessMissingField, "Side (54) is missing"},
		"no ID":            {changed(1, ""), BusinessMissingField, "ClOrdID (11) is missing"},
		"no ID, bad price": {bytesField(1, strings.Join(orderParts[1:7], "")), BusinessMissingField, "ClOrdID (11) is missing"},
		"no quantity":      {changed(7, ""), RejIncorrectQuantity, "OrderQty (38) is 0"},
		"not canonical":    {changed(7, bytesField(7, varintField(1, 20))), RejIncorrectQuantity, "not canonical"},
		"no time to live":  {changed(9, ""), BusinessMissingField, "TimeToLive is missing"},
		"too long to live": {changed(9, varintField(9, math.MaxUint32)), RejOther, "TimeToLive is"},
		"long symbol":      {changed(2, bytesField(2, strings.Repeat("A", 5000))), RejUnknownSymbol, "got 5000"},
		"symbol not UTF-8": {changed(2, bytesField(2, "\xff")), RejUnknownSymbol, "is none"},
		"1000 bids":        {bytesField(7, quote+strings.Repeat(level, 500)+varintField(6, 1)), QuoteExceedsLimit, "Bids has more than 16"},
		"kind 31":          {bytesField(31, "x"), BusinessUnsupported, "message 31 is not known here"},
	} {
		_, err := ParseRequest([]byte(tc.b))
		var refused *RequestError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, expected a RequestError", name, err)
			continue
		}
		if got := reasonOf(refused.Reject); got != tc.reason || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: refused with %T %v: %v", name, got, got, err)
		}
		if _, err := AppendReport(nil, refused.Reject); err != nil {
			t.Errorf("%s: the refusal cannot be sent: %v", name, err)
		}
	}
}

// A refusal names the request as far as it could be read.
func TestRejectNamesTheRequest(t *testing.T) {
	bad := ordered(func(r *NewOrderSingle) { r.OrderQty = Decimal{-5, 0} })
	want := &ExecutionReport{
		ClOrdID: bad.ClOrdID, ExecType: ExecRejected, OrdStatus: StatusRejected, Symbol: bad.Symbol, Side: Buy, OrdType: Limit,
		Price: bad.Price, OrdRejReason: RejIncorrectQuantity, Text: "OrderQty (38) is -5, expected more than 0",
	}
	if got := CheckRequest(bad); !reflect.DeepEqual(got, Report(want)) {
		t.Errorf("refused with %+v", got)
	}
	for _, r := range []Request{
		sampleOrder(), &OrderCancelRequest{ClOrdID: ID{1}, OrigClOrdID: ID{2}}, replaced(func(*OrderCancelReplaceRequest) {}),
		&OrderStatusRequest{ID: ID{1}}, &OrderMassStatusRequest{ID: ID{1}}, &OrderMassCancelRequest{ClOrdID: ID{1}},
		quoted(func(*Quote) {}), &QuoteCancel{ID: ID{1}, QuoteID: ID{2}}, &QuoteRequest{QuoteReqID: ID{1}}, &QuoteResponse{QuoteRespID: ID{1}},
	} {
		for _, reason := range ordRejReasons {
			report := NewReject(r, OrdRejReason(reason), "no")
			if report.Answers() != r.RequestID() {
				t.Errorf("%T: the refusal answers %v", r, report.Answers())
			}
			if _, err := AppendReport(nil, report); err != nil {
				t.Errorf("%T, reason %d: %v", r, reason, err)
			}
		}
	}
}

// The order of prices is that of the numbers.
func TestLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b Decimal
		drawer{t}.price(field{0, "a", must}, &a)
		drawer{t}.price(field{0, "b", must}, &b)
		if rapid.Bool().Draw(t, "near") {
			b = Decimal{a.Mantissa + rapid.Int64Range(-1, 1).Draw(t, "difference"), a.Exponent}
		}
		if b.Check() != nil || b.Mantissa <= 0 {
			b = a
		}
		if got, want := less(a, b), rational(a).Cmp(rational(b)) < 0; got != want {
			t.Fatalf("%v < %v: %v", a, b, got)
		}
	})
}

func rational(d Decimal) *big.Rat {
	n := new(big.Rat).SetInt64(d.Mantissa)
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.Exponent, -d.Exponent))), nil))
	if d.Exponent < 0 {
		return n.Quo(n, scale)
	}
	return n.Mul(n, scale)
}

// A request can have several things wrong with it. What refuses it for the first
// repeats none of the others, so that it can be sent.
func TestRefusalsCanBeSent(t *testing.T) {
	r := ordered(func(r *NewOrderSingle) { r.Symbol, r.Side, r.OrdType = "acme", 'W', '9' })
	_, err := AppendRequest(nil, r)
	var refused *RequestError
	if !errors.As(err, &refused) {
		t.Fatalf("expected a refusal, got %v", err)
	}
	report, ok := refused.Reject.(*ExecutionReport)
	if !ok || report.OrdRejReason != RejUnknownSymbol {
		t.Fatalf("expected a report of an unknown symbol, got %#v", refused.Reject)
	}
	if _, err := AppendReport(nil, report); err != nil {
		t.Error(err)
	}
}
