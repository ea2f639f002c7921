package order

import "time"

// The values that fields can have, as FIX writes them.
const (
	sides           = string(rune(Buy)) + string(rune(Sell))
	ordTypes        = string(rune(Market)) + string(rune(Limit))
	timesInForce    = string(rune(ImmediateOrCancel)) + string(rune(FillOrKill)) + string(rune(GoodTillDate))
	execInsts       = string(rune(ParticipateDontInitiate))
	execTypes       = string(rune(ExecNew)) + string(rune(ExecCanceled)) + string(rune(ExecReplaced)) + string(rune(ExecRejected)) + string(rune(ExecExpired)) + string(rune(ExecTrade)) + string(rune(ExecStatus))
	ordStatuses     = string(rune(StatusNew)) + string(rune(StatusPartiallyFilled)) + string(rune(StatusFilled)) + string(rune(StatusCanceled)) + string(rune(StatusRejected)) + string(rune(StatusExpired))
	cxlRejResponses = string(rune(ToCancel)) + string(rune(ToReplace))
)

var (
	ordRejReasons = []uint16{
		uint16(RejBroker), uint16(RejUnknownSymbol), uint16(RejExchangeClosed), uint16(RejExceedsLimit), uint16(RejTooLate),
		uint16(RejUnknownOrder), uint16(RejDuplicate), uint16(RejUnsupported), uint16(RejIncorrectQuantity),
		uint16(RejPriceOutsideBand), uint16(RejInvalidPriceIncrement), uint16(RejOther),
	}
	cxlRejReasons = []uint16{
		uint16(CxlTooLate), uint16(CxlUnknownOrder), uint16(CxlBroker), uint16(CxlDuplicate), uint16(CxlInvalidPriceIncrement), uint16(CxlOther),
	}
	quoteStatuses      = []uint16{uint16(QuoteAccepted), uint16(QuoteRejected), uint16(QuoteExpired), uint16(QuoteCanceled)}
	quoteRejectReasons = []uint16{
		0, uint16(QuoteUnknownSymbol), uint16(QuoteExchangeClosed), uint16(QuoteExceedsLimit), uint16(QuoteTooLate), uint16(QuoteUnknown),
		uint16(QuoteDuplicate), uint16(QuoteInvalidSpread), uint16(QuoteInvalidPrice), uint16(QuoteInvalidQuantity), uint16(QuoteOther),
	}
	businessRejectReasons = []uint16{
		uint16(BusinessOther), uint16(BusinessUnknownID), uint16(BusinessUnsupported), uint16(BusinessNotAvailable),
		uint16(BusinessMissingField), uint16(BusinessThrottled), uint16(BusinessIncorrectValue),
	}
	rejectCodes = []uint16{
		uint16(RejectUnspecified), uint16(RejectMalformed), uint16(RejectBanned), uint16(RejectTakenOver), uint16(RejectNotAvailable),
		uint16(RejectDraining), uint16(RejectSilent), uint16(RejectSlow), uint16(RejectFinished), uint16(RejectEnded),
	}
	// A client that goes in good order gives no code.
	terminateCodes = append([]uint16{0}, rejectCodes...)
)

// tags are the FIX tags of fields, for texts that people read. Fields of the
// session layer, and those without a counterpart in FIX, have none.
var tags = map[string]int{
	"ClOrdID": 11, "OrigClOrdID": 41, "Symbol": 55, "Side": 54, "OrdType": 40, "TimeInForce": 59, "ExecInst": 18,
	"OrderQty": 38, "Price": 44, "QuoteID": 117, "QuoteReqID": 131, "QuoteRespID": 693, "OrderID": 37, "ExecID": 17,
	"ExecType": 150, "OrdStatus": 39, "LastQty": 32, "LastPx": 31, "LeavesQty": 151, "CumQty": 14, "TransactTime": 60,
	"ExpireTime": 126, "OrdRejReason": 103, "LastRptRequested": 912, "Text": 58, "CxlRejResponseTo": 434,
	"CxlRejReason": 102, "TotalAffectedOrders": 533, "QuoteStatus": 297, "QuoteRejectReason": 300,
	"BusinessRejectRefID": 379, "BusinessRejectReason": 380,
}

// String returns the field's name, and its FIX tag if it has one.
func (f field) String() string {
	if tag, ok := tags[f.name]; ok {
		return f.name + " (" + itoa(tag) + ")"
	}
	return f.name
}

// digit is the number that stands for a FIX character in order.proto: a decimal
// digit for itself, and letters go on from A, which is 10. ok is false for other
// characters.
func digit(c byte) (n uint64, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case 'A' <= c && c <= 'Z':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}

// character is the inverse of digit, for n below 36.
func character(n uint64) byte { return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n] }

// maxTime is the end of the year 9999, in milliseconds since 1970.
const maxTime = 253402300799999

// timeOf returns a time that is so many milliseconds after 1970; 0 is no time.
func timeOf(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// millis is the inverse of timeOf, for times that passed the check.
func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMilli())
}
