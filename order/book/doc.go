// Package book is a small matching engine, for demonstrations and tests: it is an
// [github.com/zkkex/zkkex/order/engine.Engine] that keeps nothing on disk. A venue
// has its own.
//
// # Matching
//
// Orders trade by price, then by time. Prices count ticks and quantities count
// lots, so that nothing is rounded; a number that does not fit is refused. Trades
// are at the price of the order that rested, and the events of both sides come in
// one batch. Beyond that:
//
//   - An order that meets an order or quote of its own session ends there: what is
//     left of the newer one is cancelled, and its Text says why.
//   - What has an Expires that is not after a command's Now does not trade with it.
//     A command that meets such an order ends it.
//   - A replacement keeps its place only if it lowers the quantity at the same price.
//   - A command has at most [MaxMatches] others to trade with. What is left of it
//     then is cancelled.
//
// # Quotes
//
// A quote is a ladder of levels that trade like orders, under one name. It takes
// the place of its session's earlier quote in the symbol within one command. A
// quote that answers a request is in no book: who asked is told of it, and can take
// it whole or in part with a QuoteResponse, all of the response or nothing. It
// ends with its request, if not before.
//
// # What is remembered
//
// A command is done once. What is open is known by its name as long as it is open.
// Of what is over, and of cancels and replacements, the book remembers the last
// [Options.Remember] names. A command that is older than what it remembers, by its
// Now, is not done, unless it is a cancel, which does no harm twice: its session is
// told to ask for the order's status. A repetition with a later Now is for the
// gateway to notice, whose journal forgets nothing before the session's epoch ends.
package book
