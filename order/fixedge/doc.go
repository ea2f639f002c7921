// Package fixedge lets FIX 4.4 clients trade at a venue's gateway. It is an
// acceptor: github.com/quickfixgo/quickfix keeps the FIX session, this package
// turns its messages into requests and reports, and package gateway does the rest,
// as it does for every other transport.
//
//	client --FIX--> Edge --private connection--> quickfix --> gateway.Session
//
// The edge stands on both sides of quickfix. What comes from a client is framed,
// bounded and checked before quickfix sees it: a Logon with its password goes no
// further than the edge. What quickfix sends is written to the journal before it
// leaves, many messages at a time.
//
// # What survives
//
// The next numbers of both directions, the messages that were sent, how far the
// session's reports have become FIX messages, and what the client calls its
// requests, all live in the journal, see [journal.FIX]. A client that lost its
// connection, or its gateway, logs on again, there or at another gateway on the
// same journal, and goes on with its numbers. A report becomes a FIX message once.
//
// docs/fix.md says which messages and values are taken.
//
// [journal.FIX]: https://pkg.go.dev/github.com/zkkex/zkkex/order/journal#FIX
package fixedge
