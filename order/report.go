package order

import "time"

// Report is what a venue says of requests. The concrete types are pointers to the
// structs of this file.
type Report interface {
	// Answers is the ID of the request that the report is about, as its sender
	// named it; zero if it is about none.
	Answers() ID
	report()
}

// Numbered is a report with its place in the session.
type Numbered struct {
	// Number counts from 1 without a gap. 0 marks what the venue could not record,
	// or what only repeats: it is not sent again after a loss.
	Number uint64
	Report Report
}

// ExecutionReport (8) is the state of an order, and what changed it.
type ExecutionReport struct {
	OrderID OrderID
	// ClOrdID is the order's, or that of the cancel or replacement reported.
	ClOrdID ID
	// OrigClOrdID is the order's name before, if a cancel or replacement is
	// reported.
	OrigClOrdID ID
	// ExecID is unique at the venue: of a repetition, it is the same.
	ExecID    OrderID
	ExecType  ExecType
	OrdStatus OrdStatus
	Symbol    string
	Side      Side
	OrdType   OrdType
	// OrderQty = CumQty + LeavesQty while the order is open.
	OrderQty, Price Decimal
	// LastQty and LastPx are of this trade; zero if there was none.
	LastQty, LastPx   Decimal
	LeavesQty, CumQty Decimal
	// TransactTime is the venue's, in whole milliseconds.
	TransactTime time.Time
	// ExpireTime is when the order ends, in whole milliseconds; zero if it does
	// not rest.
	ExpireTime   time.Time
	OrdRejReason OrdRejReason
	// LastRptRequested (912) ends the answer to a mass status request.
	LastRptRequested bool
	// StatusReqID is the ID of the status request that this answers; zero otherwise.
	StatusReqID ID
	Text        string
}

// OrderCancelReject (9) refuses a cancel or a replacement.
type OrderCancelReject struct {
	// OrderID is zero if the order is not known.
	OrderID          OrderID
	ClOrdID          ID
	OrigClOrdID      ID
	OrdStatus        OrdStatus
	CxlRejResponseTo CxlRejResponseTo
	CxlRejReason     CxlRejReason
	Text             string
}

// OrderMassCancelReport (r) answers a mass cancel, after the reports on the orders.
type OrderMassCancelReport struct {
	ClOrdID             ID
	Symbol              string
	TotalAffectedOrders uint32
}

// QuoteStatusReport (AI) is the state of a quote, of a request for quote, or of an
// answer to one. Trades against a quote come as execution reports with the quote's
// ID.
type QuoteStatusReport struct {
	// ID is the quote's, the request's or the answer's, as its sender named it.
	ID ID
	// QuoteID is the venue's name for it.
	QuoteID           OrderID
	QuoteStatus       QuoteStatus
	QuoteRejectReason QuoteRejectReason
	ExpireTime        time.Time
	// StatusReqID is the QuoteCancel that this answers; zero otherwise.
	StatusReqID ID
	Text        string
}

// QuoteRequestReport (R) tells who listens that somebody asks for a quote.
type QuoteRequestReport struct {
	// QuoteReqID is the venue's name for the request, to be given in a [Quote].
	QuoteReqID OrderID
	Symbol     string
	Side       Side
	OrderQty   Decimal
	ExpireTime time.Time
}

// QuoteReport (S) tells who asked of a quote. It does not say whose it is.
type QuoteReport struct {
	// QuoteReqID is the request's, as its sender named it.
	QuoteReqID ID
	// QuoteID is the venue's name for the quote, to be given in a [QuoteResponse].
	QuoteID      OrderID
	Symbol       string
	Bids, Offers []QuoteLevel
	ExpireTime   time.Time
}

// BusinessMessageReject (j) refuses a message that no other reject fits.
type BusinessMessageReject struct {
	// BusinessRejectRefID is the ID of the message, if it could be read.
	BusinessRejectRefID  ID
	BusinessRejectReason BusinessRejectReason
	Text                 string
}

func (r *ExecutionReport) Answers() ID {
	if !r.StatusReqID.IsZero() {
		return r.StatusReqID
	}
	return r.ClOrdID
}
func (r *OrderCancelReject) Answers() ID     { return r.ClOrdID }
func (r *OrderMassCancelReport) Answers() ID { return r.ClOrdID }
func (r *QuoteStatusReport) Answers() ID {
	if !r.StatusReqID.IsZero() {
		return r.StatusReqID
	}
	return r.ID
}
func (r *QuoteRequestReport) Answers() ID    { return ID{} }
func (r *QuoteReport) Answers() ID           { return r.QuoteReqID }
func (r *BusinessMessageReject) Answers() ID { return r.BusinessRejectRefID }

func (*ExecutionReport) report()       {}
func (*OrderCancelReject) report()     {}
func (*OrderMassCancelReport) report() {}
func (*QuoteStatusReport) report()     {}
func (*QuoteRequestReport) report()    {}
func (*QuoteReport) report()           {}
func (*BusinessMessageReject) report() {}
