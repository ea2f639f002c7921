package order

import "time"

// Limits of messages. A message beyond one is malformed.
const (
	// MaxSymbol is the most characters of a symbol: A to Z, 0 to 9, and . / _ -
	MaxSymbol = 32
	// MaxLadder is the most levels on a side of a quote.
	MaxLadder = 16
	// MaxText is the most bytes of a text, which is UTF-8 and for people.
	MaxText = 256
	// MaxTimeToLive is the longest that an order, a quote or a request for one can
	// live; a venue may allow less.
	MaxTimeToLive = 24 * time.Hour
)

// Request is what a client sends to a venue. The concrete types are pointers to
// the structs of this file.
type Request interface {
	// RequestID is the ID that makes the request idempotent.
	RequestID() ID
	request()
}

// NewOrderSingle (D) is an order.
type NewOrderSingle struct {
	ClOrdID     ID
	Symbol      string
	Side        Side
	OrdType     OrdType
	TimeInForce TimeInForce
	ExecInst    ExecInst
	// OrderQty is above 0.
	OrderQty Decimal
	// Price is the limit; of a market order, the worst price it takes.
	Price Decimal
	// TimeToLive is how long the order is good for, in whole milliseconds, from
	// when the gateway reads it: the sender's clock tells nothing and is not
	// asked. It is 0 unless the order is [GoodTillDate].
	TimeToLive time.Duration
	// OwnerKey is the public half of the order's own Ed25519 key. Whoever signs
	// with it owns the order, in this session or another; see [Proof]. All 0 means
	// that only this session owns it.
	OwnerKey [32]byte
}

// Proof shows, from another session than the order's, that the sender owns it: an
// Ed25519 signature by the order's key, see [Secret.Prove]. All 0 is no proof: the
// order is of the same session.
type Proof [64]byte

// OrderCancelRequest (F) cancels what is left of an order. It is never refused for
// a rate, nor for a gap in sequence numbers.
type OrderCancelRequest struct {
	ClOrdID     ID
	OrigClOrdID ID
	Proof       Proof
}

// OrderCancelReplaceRequest (G) gives an order another quantity, price or time to
// live. It keeps the order's place in the book if only the quantity changes, and
// only down. After it, the order is known by the new ClOrdID, in its old session.
type OrderCancelReplaceRequest struct {
	ClOrdID     ID
	OrigClOrdID ID
	// OrderQty is the whole quantity, with what is already filled; at most that
	// ends the order.
	OrderQty Decimal
	Price    Decimal
	// TimeToLive counts anew, from when the gateway reads the request.
	TimeToLive time.Duration
	// OwnerKey is the key of the new ClOrdID.
	OwnerKey [32]byte
	Proof    Proof
}

// OrderStatusRequest (H) asks for the state of one order: an execution report of
// type [ExecStatus], or a reject.
type OrderStatusRequest struct {
	// ID is of the request itself.
	ID      ID
	ClOrdID ID
	Proof   Proof
}

// OrderMassStatusRequest (AF) asks for a report of type [ExecStatus] on each open
// order of the session. The last one says so.
type OrderMassStatusRequest struct {
	ID ID
}

// OrderMassCancelRequest (q) cancels all open orders and quotes of the session, or
// those in one symbol.
type OrderMassCancelRequest struct {
	ClOrdID ID
	// Symbol is empty for all.
	Symbol string
}

// QuoteLevel is one step of a ladder: a price, and how much at it.
type QuoteLevel struct {
	Price Decimal
	Size  Decimal
}

// Quote (S) is a liquidity commitment: firm on one side or both, with a ladder of
// sizes, until it expires. It replaces the session's earlier quote in the symbol,
// as one step: there is no moment with both or neither. With a QuoteReqID, it
// answers a request for quote, is shown to nobody but who asked, and replaces
// nothing.
type Quote struct {
	QuoteID    ID
	Symbol     string
	QuoteReqID OrderID
	// Bids and Offers begin with the best price. Each side has at most
	// [MaxLadder] levels, all prices of a side differ, and the best bid is below
	// the best offer.
	Bids, Offers []QuoteLevel
	// TimeToLive is as of an order, and always above 0.
	TimeToLive time.Duration
	// OwnerKey is as of an order.
	OwnerKey [32]byte
}

// QuoteCancel (Z) withdraws a quote.
type QuoteCancel struct {
	// ID is of the request itself.
	ID ID
	// QuoteID is the quote's.
	QuoteID ID
	Proof   Proof
}

// QuoteRequest (R) asks all who listen for quotes, see [Establish.Quotes]. They
// learn the symbol, the side if one is named, and the quantity; not who asks.
type QuoteRequest struct {
	QuoteReqID ID
	Symbol     string
	// Side is 0 if the asker does not say.
	Side       Side
	OrderQty   Decimal
	TimeToLive time.Duration
}

// QuoteResponse (AJ) takes a quote that answered the sender's request: all of
// OrderQty at that price or better from its ladder, or nothing.
type QuoteResponse struct {
	QuoteRespID ID
	// QuoteID is the venue's name for the quote, from [QuoteReport].
	QuoteID  OrderID
	Side     Side
	OrderQty Decimal
	// Price is the worst price taken.
	Price Decimal
}

func (r *NewOrderSingle) RequestID() ID            { return r.ClOrdID }
func (r *OrderCancelRequest) RequestID() ID        { return r.ClOrdID }
func (r *OrderCancelReplaceRequest) RequestID() ID { return r.ClOrdID }
func (r *OrderStatusRequest) RequestID() ID        { return r.ID }
func (r *OrderMassStatusRequest) RequestID() ID    { return r.ID }
func (r *OrderMassCancelRequest) RequestID() ID    { return r.ClOrdID }
func (r *Quote) RequestID() ID                     { return r.QuoteID }
func (r *QuoteCancel) RequestID() ID               { return r.ID }
func (r *QuoteRequest) RequestID() ID              { return r.QuoteReqID }
func (r *QuoteResponse) RequestID() ID             { return r.QuoteRespID }

func (*NewOrderSingle) request()            {}
func (*OrderCancelRequest) request()        {}
func (*OrderCancelReplaceRequest) request() {}
func (*OrderStatusRequest) request()        {}
func (*OrderMassStatusRequest) request()    {}
func (*OrderMassCancelRequest) request()    {}
func (*Quote) request()                     {}
func (*QuoteCancel) request()               {}
func (*QuoteRequest) request()              {}
func (*QuoteResponse) request()             {}
