package gateway

import "time"

// Observer is told what the gateway does, for metrics. It is never told whose
// session it is. Kinds and reasons are from small fixed sets, fit for labels. Its
// methods are called on hot paths and under locks: they return at once, and do not
// call the gateway.
type Observer interface {
	// Request is called for each request, with its kind: the name of its Go type,
	// such as "NewOrderSingle".
	Request(kind string)
	// Reject is called for each request that the gateway refuses before the engine,
	// with a reason such as "throttled".
	Reject(kind, reason string)
	// Acknowledged is called when the first report that answers a request is handed
	// to its connection, with the time since the request was read.
	Acknowledged(kind string, after time.Duration)
	// Sessions is called when the number of attached sessions has changed.
	Sessions(attached int)
	// Appended is called for each write to the journal.
	Appended(entries int, took time.Duration, err error)
	// Ended is called when a connection's session ends, with why: the name of a
	// reject code such as "slow", or "closed".
	Ended(reason string)
}

type noObserver struct{}

func (noObserver) Request(string)                     {}
func (noObserver) Reject(string, string)              {}
func (noObserver) Acknowledged(string, time.Duration) {}
func (noObserver) Sessions(int)                       {}
func (noObserver) Appended(int, time.Duration, error) {}
func (noObserver) Ended(string)                       {}
