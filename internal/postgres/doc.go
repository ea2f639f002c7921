// Package postgres is what the stores on PostgreSQL have in common: connections
// only to a server that can keep its promises, transactions that are tried again
// when their outcome is unknown, and schemas with a version.
//
// # What is durable
//
// With synchronous replication, a transaction becomes visible to others only after
// the standbys that count have it. There are two exceptions, and both would let a
// gateway act upon what a fail-over forgets:
//
//   - A client that gives up, and asks the server to cancel, ends the wait for the
//     standbys: the transaction is then visible, and on one machine. So nothing
//     here ever sends such a request; a connection that takes too long is dropped.
//     If somebody else cancels, the server says so with a warning, and the outcome
//     counts as unknown.
//   - A primary that crashed shows, when it is back, what it had written down
//     and not yet replicated. So a connection begins with a [DB.Barrier]: a record
//     in the log whose commit waits until everything before it is replicated. A
//     primary that was replaced, and has lost its standbys, never gets past it.
//
// # What is unknown
//
// A connection that is lost during a commit leaves unknown whether it took place.
// [DB.Do] then tries again: what it is given must do the same if it is done twice,
// and give the same answer.
package postgres
