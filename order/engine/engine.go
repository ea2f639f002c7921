// Package engine is what a gateway asks of a venue's matching engine: one small
// interface. zkkex is no matching engine; [github.com/zkkex/zkkex/order/book] is a
// simple one for demonstrations and tests, and
// [github.com/zkkex/zkkex/order/engine/enginegrpc] connects one in another process.
//
// Commands go in and events come out, and nothing is answered otherwise. Both
// directions survive the loss of a gateway:
//
//   - A command has a name, [Command.ID], that follows from the session and the
//     request. An engine does a command once; given a name again, it does nothing,
//     and says nothing new.
//   - Events are numbered without a gap. A gateway takes them up from where the
//     venue's journal ends, and an event that was taken twice is recorded once.
//
// A gateway acknowledges to a client only what its journal holds.
package engine

import (
	"context"
	"errors"
	"time"

	"github.com/zkkex/zkkex/order"
)

// Command is something for the engine to do.
type Command struct {
	// ID names the command. Of a new order, a quote or a request for quote, it is
	// also the venue's name for it: order.NewOrderID(Session, request's ID).
	ID order.OrderID
	// Session owns the request. Engines may keep sessions from trading with
	// themselves; they show the session to nobody.
	Session order.SessionID
	// Request is one of NewOrderSingle, OrderCancelRequest,
	// OrderCancelReplaceRequest, Quote, QuoteCancel, QuoteRequest, QuoteResponse.
	// What does not depend on the state of the book has been checked by the
	// gateway: symbols, units, bounds.
	Request order.Request
	// Target is the order, or the quote, that a cancel or a replacement is about.
	Target order.OrderID
	// Expires is when the time to live ends. The gateway sees to it, with a command
	// whose Reason is [Expired]; engines need no clock for it, but a quote or order
	// whose Expires is not after Now trades no more.
	Expires time.Time
	// Now is the gateway's time of the command, in whole milliseconds, and the
	// TransactTime of its events.
	Now time.Time
	// Reason is why, for a cancel that no client asked for: an OrderCancelRequest
	// or a QuoteCancel, whatever the target is. If that is over already, or is not
	// over yet and the reason is [Expired], it leads to no event. The request's own
	// ID may be zero; a ClOrdID is repeated in the report.
	Reason Reason
}

// Reason is why an order is cancelled without its owner's word.
type Reason uint8

// Reasons. Zero is a request of the owner.
const (
	// Expired is for a time to live that is over.
	Expired Reason = 1
	// Disconnected is for cancel on disconnect.
	Disconnected Reason = 2
	// Operator is for the kill switch and for a ban.
	Operator Reason = 3
	// MassCancel is for a mass cancel request of the owner.
	MassCancel Reason = 4
)

// Event is something that the engine did.
type Event struct {
	// Number counts from 1, without a gap, over all of the engine's events.
	Number uint64
	// Command is the command that caused the event.
	Command order.OrderID
	// Session is whose report it is. Zero is for all who listen for requests for
	// quote in a symbol; Report is then an *order.QuoteRequestReport. If a command's
	// session is not that of the order it cancels or replaces, there are two
	// events, one for each.
	Session order.SessionID
	Report  order.Report
	// Order is the state that the report leaves an order or quote in, if it is
	// about one: enough to cancel it, to expire it, to show it, and to put it back
	// into an engine that keeps nothing itself.
	Order *Order
}

// Order is an order in an engine. A level of a quote is none; a quote as a whole is
// one, with the latest report on it.
type Order struct {
	ID      order.OrderID
	Session order.SessionID
	// ClOrdID is what the owner calls it now, and OwnerKey the key that goes with
	// that name.
	ClOrdID  order.ID
	OwnerKey [32]byte
	Symbol   string
	// Open reports whether it can still trade.
	Open    bool
	Expires time.Time
	// Place orders the book: of two orders at one price, the lower was first.
	Place uint64
	// Report is the latest, with all quantities: an ExecutionReport, or the
	// QuoteStatusReport of a quote.
	Report order.Report
	// Quote is what is left of a quote; nil for an order. Private quotes, which
	// answer a request, carry its QuoteReqID. A request for quote is held as a quote
	// without levels that carries its own ID there.
	Quote *order.Quote
	// CumBought and CumSold are what the sides of a quote have traded so far.
	CumBought, CumSold order.Decimal
	// TimeInForce and ExecInst are the order's.
	TimeInForce order.TimeInForce
	ExecInst    order.ExecInst
}

// Engine is a matching engine. It is safe for concurrent use.
type Engine interface {
	// Instruments are what is traded. They do not change while the engine runs.
	Instruments(ctx context.Context) ([]order.Instrument, error)
	// Do takes commands, in order. What they led to comes as events, perhaps
	// before Do returns. An error wraps [ErrUnavailable], and says that it is not
	// known which of the commands were taken: they may be given again.
	Do(ctx context.Context, commands []Command) error
	// Events calls take with the events after the one numbered after, in order and
	// one call at a time, until ctx ends, take returns an error, or the engine is
	// lost. It returns that error, or one wrapping [ErrUnavailable] or
	// [ErrForgotten]. There is one such call at a time for each gateway. The events
	// of one command, such as both sides of a trade, come in one call. Nobody
	// changes what reports and orders point to, and take may keep it. An engine in
	// the same process may call take from within Do: take must not call the engine.
	Events(ctx context.Context, after uint64, take func([]Event) error) error
}

// Restorer is an engine that keeps nothing itself: one in the gateway's own
// process. Before anything else, the gateway puts back what its journal holds.
type Restorer interface {
	// Restore puts open orders and quotes into an empty engine, and makes next the
	// number of the next event. Orders do not trade with each other.
	Restore(orders []Order, next uint64) error
}

// Errors of engines.
var (
	// ErrUnavailable means that the engine could not be reached.
	ErrUnavailable = errors.New("the matching engine cannot be reached")
	// ErrForgotten means that the engine no longer has the events asked for, or
	// never had: it was started anew.
	ErrForgotten = errors.New("the matching engine no longer has these events")
)
