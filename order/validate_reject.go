package order

import "strings"

// NewReject returns the report that refuses a request, of the type that FIX has for
// it: an [ExecutionReport] for an order, an [OrderCancelReject] for a cancel or a
// replacement, a [QuoteStatusReport] for a quote and what goes with it, and a
// [BusinessMessageReject] for the others. The reason is given as for an order, and
// becomes the nearest one that the report has. The report has neither OrderID nor
// ExecID nor a time.
func NewReject(r Request, reason OrdRejReason, text string) Report {
	switch r := r.(type) {
	case *NewOrderSingle:
		return r.reject(reason, text)
	case *OrderCancelRequest:
		return &OrderCancelReject{
			ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, OrdStatus: StatusRejected,
			CxlRejResponseTo: ToCancel, CxlRejReason: nearestCxl(reason), Text: text,
		}
	case *OrderCancelReplaceRequest:
		return &OrderCancelReject{
			ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, OrdStatus: StatusRejected,
			CxlRejResponseTo: ToReplace, CxlRejReason: nearestCxl(reason), Text: text,
		}
	case *QuoteCancel:
		return &QuoteStatusReport{
			ID: r.QuoteID, StatusReqID: r.ID, QuoteStatus: QuoteRejected, QuoteRejectReason: nearestQuote(reason), Text: text,
		}
	case *Quote, *QuoteRequest, *QuoteResponse:
		return &QuoteStatusReport{
			ID: r.RequestID(), QuoteStatus: QuoteRejected, QuoteRejectReason: nearestQuote(reason), Text: text,
		}
	}
	return &BusinessMessageReject{BusinessRejectRefID: r.RequestID(), BusinessRejectReason: nearestBusiness(reason), Text: text}
}

// reject returns an execution report that says of the order what can be said.
func (r *NewOrderSingle) reject(reason OrdRejReason, text string) *ExecutionReport {
	report := &ExecutionReport{
		ClOrdID: r.ClOrdID, ExecType: ExecRejected, OrdStatus: StatusRejected,
		OrdRejReason: reason, Text: text,
	}
	if strings.IndexByte(sides, byte(r.Side)) >= 0 {
		report.Side = r.Side
	}
	if strings.IndexByte(ordTypes, byte(r.OrdType)) >= 0 {
		report.OrdType = r.OrdType
	}
	if checkSymbol(r.Symbol) == nil {
		report.Symbol = r.Symbol
	}
	if r.OrderQty.Check() == nil && r.OrderQty.Mantissa > 0 {
		report.OrderQty = r.OrderQty
	}
	if r.Price.Check() == nil && r.Price.Mantissa > 0 {
		report.Price = r.Price
	}
	return report
}

// reject returns the report that refuses a request with this fault.
func (x *fault) reject(r Request) Report {
	text := x.text
	if len(text) > MaxText {
		text = "a value is too long"
	}
	id := r.RequestID()
	if id.IsZero() && x.business == BusinessOther {
		return &BusinessMessageReject{BusinessRejectReason: BusinessMissingField, Text: text}
	}
	if x.business != BusinessOther {
		return &BusinessMessageReject{BusinessRejectRefID: id, BusinessRejectReason: x.business, Text: text}
	}
	report := NewReject(r, x.reason, text)
	if quote, ok := report.(*QuoteStatusReport); ok && x.quote != 0 {
		quote.QuoteRejectReason = x.quote
	}
	return report
}

func nearestCxl(reason OrdRejReason) CxlRejReason {
	switch reason {
	case RejTooLate:
		return CxlTooLate
	case RejUnknownOrder:
		return CxlUnknownOrder
	case RejBroker, RejExchangeClosed:
		return CxlBroker
	case RejDuplicate:
		return CxlDuplicate
	case RejInvalidPriceIncrement:
		return CxlInvalidPriceIncrement
	}
	return CxlOther
}

func nearestQuote(reason OrdRejReason) QuoteRejectReason {
	switch reason {
	case RejUnknownSymbol, RejExchangeClosed, RejExceedsLimit, RejTooLate, RejUnknownOrder, RejDuplicate, RejIncorrectQuantity:
		return QuoteRejectReason(reason) // FIX has the same numbers
	case RejInvalidPriceIncrement, RejPriceOutsideBand:
		return QuoteInvalidPrice
	}
	return QuoteOther
}

func nearestBusiness(reason OrdRejReason) BusinessRejectReason {
	switch reason {
	case RejUnknownOrder:
		return BusinessUnknownID
	case RejBroker, RejExchangeClosed:
		return BusinessNotAvailable
	case RejExceedsLimit:
		return BusinessThrottled
	case RejUnsupported:
		return BusinessUnsupported
	case RejUnknownSymbol, RejDuplicate, RejIncorrectQuantity, RejInvalidPriceIncrement:
		return BusinessIncorrectValue
	}
	return BusinessOther
}
