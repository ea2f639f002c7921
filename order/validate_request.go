package order

import "math/bits"

// CheckRequest says what is wrong with a request whatever the state of the venue
// is: unknown values, numbers that are not canonical or not above 0, times to live
// out of bounds, combinations without a meaning. It returns the report that refuses
// the request, or nil.
func CheckRequest(r Request) Report {
	x := checkMessage(r.(message))
	if x == nil {
		x = checkRules(r)
	}
	if x == nil {
		return nil
	}
	return x.reject(r)
}

// checkRules checks what concerns several fields of a request.
func checkRules(r Request) *fault {
	switch r := r.(type) {
	case *NewOrderSingle:
		return r.check()
	case *OrderCancelRequest:
		return differ(r.ClOrdID, r.OrigClOrdID, "OrigClOrdID (41)")
	case *OrderCancelReplaceRequest:
		return differ(r.ClOrdID, r.OrigClOrdID, "OrigClOrdID (41)")
	case *OrderStatusRequest:
		return differ(r.ID, r.ClOrdID, "ClOrdID (11)")
	case *QuoteCancel:
		return differ(r.ID, r.QuoteID, "QuoteID (117)")
	case *Quote:
		return r.check()
	}
	return nil
}

func differ(id, other ID, name string) *fault {
	if id == other {
		return wrong(RejDuplicate, "%s is the request's own ID, expected that of an earlier one", name)
	}
	return nil
}

func (r *NewOrderSingle) check() *fault {
	rests := r.TimeInForce == GoodTillDate
	switch {
	case rests && r.TimeToLive == 0:
		return missing(field{name: "TimeToLive"})
	case !rests && r.TimeToLive != 0:
		return wrong(RejUnsupported, "TimeToLive is for orders good till date (TimeInForce (59) = 6) only")
	case r.OrdType == Market && rests:
		return wrong(RejUnsupported, "a market order (OrdType (40) = 1) cannot be good till date (TimeInForce (59) = 6)")
	case r.ExecInst == ParticipateDontInitiate && !rests:
		return wrong(RejUnsupported, "post only (ExecInst (18) = 6) is for orders good till date (TimeInForce (59) = 6) only")
	}
	return nil
}

func (r *Quote) check() *fault {
	if len(r.Bids)+len(r.Offers) == 0 {
		return missing(field{name: "Bids or Offers"})
	}
	for i := 1; i < len(r.Bids); i++ {
		if !less(r.Bids[i].Price, r.Bids[i-1].Price) {
			return wrong(RejInvalidPriceIncrement, "bid %d is not below the one before", i+1)
		}
	}
	for i := 1; i < len(r.Offers); i++ {
		if !less(r.Offers[i-1].Price, r.Offers[i].Price) {
			return wrong(RejInvalidPriceIncrement, "offer %d is not above the one before", i+1)
		}
	}
	if len(r.Bids) > 0 && len(r.Offers) > 0 && !less(r.Bids[0].Price, r.Offers[0].Price) {
		return &fault{text: "the best bid is not below the best offer", reason: RejOther, quote: QuoteInvalidSpread}
	}
	return nil
}

// less reports whether a < b, for numbers above 0.
func less(a, b Decimal) bool {
	if a.Exponent <= b.Exponent {
		return lessScaled(a.Mantissa, b.Mantissa, b.Exponent-a.Exponent)
	}
	return !lessScaled(b.Mantissa, a.Mantissa, a.Exponent-b.Exponent) && a != b
}

// lessScaled reports whether a < b * 10^n, for numbers above 0.
func lessScaled(a, b int64, n int32) bool {
	if n > 18 { // 10^19 is above every int64
		return true
	}
	scale := uint64(1)
	for range n {
		scale *= 10
	}
	high, low := bits.Mul64(uint64(b), scale)
	return high != 0 || uint64(a) < low
}
