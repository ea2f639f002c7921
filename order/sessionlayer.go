package order

import "time"

// Messages of the session layer, after FIXP 1.1. Requests are an idempotent flow,
// reports a recoverable one.

// Bounds of the session layer.
const (
	// MaxGrace is the longest that orders outlive their connection.
	MaxGrace = 10 * time.Minute
	// MinKeepAlive and MaxKeepAlive bound the silence that both sides allow.
	MinKeepAlive = time.Second
	MaxKeepAlive = 60 * time.Second
	// MaxRetransmit is the most reports that one request asks for.
	MaxRetransmit = 10_000
)

// Establish opens the session on a connection, as the first message. Which session
// it is follows from the channel that carries it.
type Establish struct {
	// NextReport is the number of the next report that the client expects: the
	// venue begins with it. 0 asks for none from before.
	NextReport uint64
	// KeepAlive is the longest silence of the client, in whole milliseconds.
	KeepAlive time.Duration
	// Grace is how long open orders outlive the connection if the session is not
	// established again, in whole milliseconds: cancel on disconnect. The venue
	// may shorten it.
	Grace time.Duration
	// KeepOrders leaves orders in the book until they expire, whatever happens to
	// the connection, if the venue allows that.
	KeepOrders bool
	// Quotes are the symbols whose requests for quote the client wants to hear.
	Quotes []string
}

// MaxQuoteSymbols is the most symbols of [Establish.Quotes].
const MaxQuoteSymbols = 64

// EstablishmentAck answers Establish.
type EstablishmentAck struct {
	// Session is the venue's name for the session.
	Session SessionID
	// NextSeqNo is the number of the next request that the venue expects.
	NextSeqNo uint64
	// NextReport is the number of the first report that follows.
	NextReport uint64
	// LastReport is the number of the last report there is so far; the client is
	// up to date when it has it.
	LastReport uint64
	KeepAlive  time.Duration
	Grace      time.Duration
	KeepOrders bool
	// MaxOpenOrders and OrdersPerSecond are the session's budget.
	MaxOpenOrders, OrdersPerSecond uint32
	// MaxTimeToLive is the most that an order can have.
	MaxTimeToLive time.Duration
	// Time is the venue's clock, in whole milliseconds.
	Time time.Time
	// Instruments are what is traded.
	Instruments []Instrument
}

// Instrument is something to trade, and the units in which.
type Instrument struct {
	Symbol string
	// TickSize and LotSize are the units of prices and quantities: each is one of
	// 10^n.
	TickSize, LotSize Decimal
	// MinQty and MaxQty bound the quantity of an order.
	MinQty, MaxQty Decimal
}

// RejectCode says why a session ends or does not begin.
type RejectCode uint16

// Reject codes of sessions.
const (
	// RejectUnspecified is for what no other code fits.
	RejectUnspecified RejectCode = 1
	// RejectMalformed is for bytes that are no message, or one out of place.
	RejectMalformed RejectCode = 2
	// RejectBanned is for a session that the operator ended until its epoch ends.
	RejectBanned RejectCode = 3
	// RejectTakenOver is for a connection whose session was established anew on
	// another one.
	RejectTakenOver RejectCode = 4
	// RejectNotAvailable is for a venue that cannot record now.
	RejectNotAvailable RejectCode = 5
	// RejectDraining is for a gateway that is about to stop: connect to another.
	RejectDraining RejectCode = 6
	// RejectSilent is for a client that was silent for longer than it said.
	RejectSilent RejectCode = 7
	// RejectSlow is for a client that does not read its reports. They are kept:
	// connect again.
	RejectSlow RejectCode = 8
	// RejectFinished is for a session that is over in good order.
	RejectFinished RejectCode = 9
	// RejectEnded is for a session of an epoch that is over: begin another.
	RejectEnded RejectCode = 10
)

// EstablishmentReject answers Establish, and ends the connection.
type EstablishmentReject struct {
	Code RejectCode
	Text string
}

// Sequence says that its sender is there (FIXP Sequence, as a heartbeat). NextSeqNo
// is the number of the next request, or report, that it will send.
type Sequence struct {
	NextSeqNo uint64
}

// NotApplied tells the client that requests were lost on the way: it expected
// FromSeqNo. What came after is done all the same. The client sends those again.
type NotApplied struct {
	FromSeqNo uint64
	Count     uint64
}

// RetransmitRequest asks for reports again, without interrupting those to come.
type RetransmitRequest struct {
	FromReport uint64
	Count      uint32
}

// Terminate ends the session's connection, either way. From a client that has
// Finish set, it also cancels what is open, at once and without grace.
type Terminate struct {
	Code   RejectCode
	Finish bool
	Text   string
}

// SessionMessage is a message of the session layer.
type SessionMessage interface{ sessionMessage() }

func (*Establish) sessionMessage()           {}
func (*EstablishmentAck) sessionMessage()    {}
func (*EstablishmentReject) sessionMessage() {}
func (*Sequence) sessionMessage()            {}
func (*NotApplied) sessionMessage()          {}
func (*RetransmitRequest) sessionMessage()   {}
func (*Terminate) sessionMessage()           {}

// ClientFrame is one message from a client: exactly one of its fields is set.
type ClientFrame struct {
	// SeqNo counts requests from 1 on each session; 0 with a session message.
	SeqNo   uint64
	Request Request
	// Session is [Establish], [Sequence], [RetransmitRequest] or [Terminate].
	Session SessionMessage
}

// VenueFrame is one message from a venue: exactly one of its fields is set.
type VenueFrame struct {
	Report Numbered
	// Session is any but [Establish] and [RetransmitRequest].
	Session SessionMessage
}

// Stream carries the messages of one session between client and venue: length
// prefixes on a channel, gRPC, or a WebSocket. One goroutine may read while
// another writes.
type Stream interface {
	// ReadRequests and WriteReports are the venue's ends. Read returns at least
	// one, appended to dst, or an error: [io.EOF] at a clean end, and one wrapping
	// [github.com/zkkex/zkkex.ErrMalformed] for what is no message. A
	// [*RequestError] is for one bad request, after which reading can go on.
	ReadRequests(dst []ClientFrame) ([]ClientFrame, error)
	// WriteReports writes all, together.
	WriteReports([]VenueFrame) error
	// Close ends the connection, after what was written.
	Close() error
}

// ClientStream is the client's end of a [Stream].
type ClientStream interface {
	// ReadReports and WriteRequests are as in [Stream].
	ReadReports(dst []VenueFrame) ([]VenueFrame, error)
	WriteRequests([]ClientFrame) error
	Close() error
}

// RequestError is a request that is well framed, but not valid: an enumeration
// value that is not listed, a number that is not canonical, a ladder that is too
// long. The venue answers with Reject and goes on.
type RequestError struct {
	SeqNo  uint64
	Reject Report
}

func (e *RequestError) Error() string { return "a request is not valid: " + rejectText(e.Reject) }

func rejectText(r Report) string {
	switch r := r.(type) {
	case *BusinessMessageReject:
		return r.Text
	case *ExecutionReport:
		return r.Text
	case *OrderCancelReject:
		return r.Text
	case *QuoteStatusReport:
		return r.Text
	}
	return "refused"
}
