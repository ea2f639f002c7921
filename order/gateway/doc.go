// Package gateway is the venue's end of order sessions: it takes requests from
// members it cannot name, hands them to the venue's matching engine, and sends back
// numbered reports that its journal holds.
//
// # Sessions
//
// [Gateway.Serve] carries one connection, whatever its framing. FIX, which frames
// and numbers in its own way, uses [Gateway.Attach]. Both are the same session
// code: what a lost connection does cannot differ between transports.
//
// A session has one connection. A new one takes it over from the older, at this
// gateway or at another one that shares the journal. Orders of a session that has
// lost its connection are cancelled after the grace that it asked for, and only
// after the journal confirmed that nobody else has attached it since.
//
// # What is acknowledged
//
// The engine does a command, its events are recorded in the journal, and then
// reported. A crash in between leaves an event that is taken up again from the
// engine, or a request that the client repeats; repeated requests are answered from
// the journal. What the journal could not record has the report number 0.
//
// # Time
//
// Lifetimes are measured by a clock that cannot jump, see [Status].ClockOffset.
package gateway
