package order

// Enumerations have the values of FIX. A value that is not listed here is refused
// wherever it comes from.

// Side is FIX tag 54.
type Side byte

// Sides.
const (
	Buy  Side = '1'
	Sell Side = '2'
)

// OrdType is FIX tag 40.
type OrdType byte

// Order types. A market order carries a price as well: the worst it takes.
const (
	Market OrdType = '1'
	Limit  OrdType = '2'
)

// TimeInForce is FIX tag 59.
type TimeInForce byte

// Times in force. What rests in a book always has an end, so there is no good till
// cancel.
const (
	ImmediateOrCancel TimeInForce = '3'
	FillOrKill        TimeInForce = '4'
	GoodTillDate      TimeInForce = '6'
)

// ExecInst is FIX tag 18. 0 means none.
type ExecInst byte

// ParticipateDontInitiate is for an order that is cancelled rather than take what
// rests in the book (post only).
const ParticipateDontInitiate ExecInst = '6'

// ExecType is FIX tag 150: what an execution report is about.
type ExecType byte

// Execution types.
const (
	ExecNew      ExecType = '0'
	ExecCanceled ExecType = '4'
	ExecReplaced ExecType = '5'
	ExecRejected ExecType = '8'
	ExecExpired  ExecType = 'C'
	ExecTrade    ExecType = 'F'
	ExecStatus   ExecType = 'I'
)

// OrdStatus is FIX tag 39.
type OrdStatus byte

// Order states.
const (
	StatusNew             OrdStatus = '0'
	StatusPartiallyFilled OrdStatus = '1'
	StatusFilled          OrdStatus = '2'
	StatusCanceled        OrdStatus = '4'
	StatusRejected        OrdStatus = '8'
	StatusExpired         OrdStatus = 'C'
)

// Open reports whether an order in this state can still trade.
func (s OrdStatus) Open() bool { return s == StatusNew || s == StatusPartiallyFilled }

// OrdRejReason is FIX tag 103.
type OrdRejReason uint16

// Reasons for refusing an order.
const (
	RejBroker                OrdRejReason = 0  // the venue takes no orders now
	RejUnknownSymbol         OrdRejReason = 1  //
	RejExchangeClosed        OrdRejReason = 2  // halted by the operator: cancels go on
	RejExceedsLimit          OrdRejReason = 3  // more than the session's budget
	RejTooLate               OrdRejReason = 4  // its time to live was over before it arrived
	RejUnknownOrder          OrdRejReason = 5  //
	RejDuplicate             OrdRejReason = 6  // the ID was used for something else
	RejUnsupported           OrdRejReason = 11 // a combination the venue does not offer
	RejIncorrectQuantity     OrdRejReason = 13 // zero, negative, too much, or no multiple of the lot
	RejPriceOutsideBand      OrdRejReason = 16 //
	RejInvalidPriceIncrement OrdRejReason = 18 // no multiple of the tick, zero or negative
	RejOther                 OrdRejReason = 99 // the text says
)

// CxlRejReason is FIX tag 102.
type CxlRejReason uint16

// Reasons for refusing a cancel or a replacement.
const (
	CxlTooLate               CxlRejReason = 0  // the order is filled, cancelled or expired
	CxlUnknownOrder          CxlRejReason = 1  // there is none, or it is somebody else's
	CxlBroker                CxlRejReason = 2  // the venue takes no replacements now
	CxlDuplicate             CxlRejReason = 6  // the ID was used for something else
	CxlInvalidPriceIncrement CxlRejReason = 18 //
	CxlOther                 CxlRejReason = 99 // the text says
)

// CxlRejResponseTo is FIX tag 434.
type CxlRejResponseTo byte

// What a cancel reject answers.
const (
	ToCancel  CxlRejResponseTo = '1'
	ToReplace CxlRejResponseTo = '2'
)

// QuoteStatus is FIX tag 297.
type QuoteStatus uint16

// States of a quote or a request for one.
const (
	QuoteAccepted QuoteStatus = 0
	QuoteRejected QuoteStatus = 5
	QuoteExpired  QuoteStatus = 7
	QuoteCanceled QuoteStatus = 17
)

// QuoteRejectReason is FIX tag 300. 0 means that nothing was refused.
type QuoteRejectReason uint16

// Reasons for refusing a quote, a request for one, or an answer to one.
const (
	QuoteUnknownSymbol   QuoteRejectReason = 1
	QuoteExchangeClosed  QuoteRejectReason = 2
	QuoteExceedsLimit    QuoteRejectReason = 3
	QuoteTooLate         QuoteRejectReason = 4 // it expired
	QuoteUnknown         QuoteRejectReason = 5
	QuoteDuplicate       QuoteRejectReason = 6
	QuoteInvalidSpread   QuoteRejectReason = 7
	QuoteInvalidPrice    QuoteRejectReason = 8
	QuoteInvalidQuantity QuoteRejectReason = 13
	QuoteOther           QuoteRejectReason = 99
)

// BusinessRejectReason is FIX tag 380.
type BusinessRejectReason uint16

// Reasons for refusing a message as such.
const (
	BusinessOther          BusinessRejectReason = 0
	BusinessUnknownID      BusinessRejectReason = 1
	BusinessUnsupported    BusinessRejectReason = 3 // an unknown message or enumeration value
	BusinessNotAvailable   BusinessRejectReason = 4 // the venue cannot record it now
	BusinessMissingField   BusinessRejectReason = 5
	BusinessThrottled      BusinessRejectReason = 8 // more messages per second than allowed
	BusinessIncorrectValue BusinessRejectReason = 99
)

// Known reports whether the value is one of those listed. A message with one that
// is not is refused.
func (v Side) Known() bool { return v == Buy || v == Sell }

// Known is as [Side.Known].
func (v OrdType) Known() bool { return v == Market || v == Limit }

// Known is as [Side.Known].
func (v TimeInForce) Known() bool {
	return v == ImmediateOrCancel || v == FillOrKill || v == GoodTillDate
}

// Known is as [Side.Known]. No instruction is known.
func (v ExecInst) Known() bool { return v == 0 || v == ParticipateDontInitiate }

// Opposite returns the other side.
func (v Side) Opposite() Side {
	if v == Buy {
		return Sell
	}
	return Buy
}

// String returns "buy" or "sell".
func (v Side) String() string {
	switch v {
	case Buy:
		return "buy"
	case Sell:
		return "sell"
	}
	return "unknown side"
}
