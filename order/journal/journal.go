// Package journal is the durable memory of a venue's gateways: reports and their
// numbers, requests that were done, open orders, and the sequence numbers of FIX
// sessions. What it does not hold was told to nobody.
//
// [Store] is the contract. [Memory] forgets when the process ends. Pebble keeps
// one gateway's journal in a folder (package pebblejournal), PostgreSQL that of
// several (package pgjournal). Package journaltest tests that a store keeps the
// contract.
package journal

import (
	"context"
	"errors"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// Session is what the journal holds of a session.
type Session struct {
	ID order.SessionID
	// Attachment counts how often the session was attached. The highest is the
	// only one that is valid.
	Attachment uint64
	// Gateway names the gateway that attached it last, and Detached is when that
	// ended; zero while it lasts. A gateway that starts again takes another name, or
	// what it had attached before it died looks alive.
	Gateway  string
	Detached time.Time
	// NextSeqNo is the next request's number, as of the last entry.
	NextSeqNo uint64
	// LastReport is the number of the last report.
	LastReport uint64
	// Grace and KeepOrders are as in order.Establish.
	Grace      time.Duration
	KeepOrders bool
}

// Entry is a report to record, and what goes with it. All of it is recorded, or
// nothing. [CheckEntries] says what is none. A session that there is not is made,
// attached to nobody.
type Entry struct {
	// Session is whose report it is.
	Session order.SessionID
	// Event is the number of the engine's event; 0 for a gateway's own. Several
	// entries can be of one event, next to each other and in one call.
	Event uint64
	// Report is encoded by order.AppendReport; at most [MaxReport] bytes. Empty is
	// for an event that is no report to this session (Session is then zero).
	Report []byte
	// Request, if set, is marked as done: a repetition is answered from the journal.
	// One that is done already stays as it is, but gets the digest if it has none;
	// and an entry with Event 0 whose request was done before is left out, be that
	// earlier in the same call. An entry with neither is recorded as often as it
	// comes.
	Request *Request
	// Order, if set, replaces what is held of the order: its state after the event.
	// Nobody may change it any more, nor one that a store returned.
	Order *engine.Order
	// SeqNo, if above 0, makes SeqNo+1 the session's NextSeqNo, if it was lower.
	SeqNo uint64
}

// MaxReport is the most bytes of an encoded report.
const MaxReport = 8 << 10

// Request is a request that was done.
type Request struct {
	ID order.ID
	// Digest tells another request with the same ID; see order.RequestDigest. All
	// 0 if the engine's event came before the request was seen here.
	Digest [32]byte
	// Report is the number of the first report that answered it, or 0 if that had
	// none; set by the store.
	Report uint64
}

// Numbered is a report as recorded.
type Numbered struct {
	Number uint64
	Report []byte
}

// Store is a journal. It is safe for concurrent use, by as many gateways as the
// implementation says. Errors other than those named mean that the store cannot
// tell; the same call may be made again, and does the same. They wrap
// [ErrUnavailable], or are those of a context that ended.
//
// Times are kept in whole milliseconds. Functions given to a store may call it.
type Store interface {
	// Attach makes the session if there is none, gives it to the gateway, and takes
	// it from whoever had it. The returned session has the new Attachment. An error
	// wraps [ErrEnded] if the session's epoch was pruned, and [ErrBanned].
	Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*Session, error)
	// Detach ends an attachment at a time. It returns an error wrapping
	// [ErrTakenOver] if there was a later one: the session is another's, and so are
	// its orders. A session that is detached already stays so since it was.
	Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error
	// Alias makes pseudonym another name of a session, so that it is found by either
	// after a renewal; session may be an alias itself, and stands for what it
	// resolves to then. Resolve returns the session, or alias itself if there is
	// none, or its epoch was pruned.
	Alias(ctx context.Context, alias, session order.SessionID) error
	Resolve(ctx context.Context, alias order.SessionID) (order.SessionID, error)

	// Append records entries in order, atomically and durably, and returns their
	// numbers; 0 where there is no report. Entries with an Event must be complete
	// and consecutive: those up to [Store.Cursor] are left out, and have number 0;
	// the first one after it must be the next, else the error wraps [ErrGap].
	// skipped is how many were left out because they had been recorded before, and
	// had no effect. An error wraps [ErrEntry] for what can never be recorded.
	Append(ctx context.Context, entries []Entry) (numbers []uint64, skipped int, err error)
	// Cursor returns the number of the last event recorded.
	Cursor(ctx context.Context) (uint64, error)
	// Reports returns the reports from a number on, at most max of them, fewer if
	// they are long, and at least one if there is one.
	Reports(ctx context.Context, id order.SessionID, from uint64, max int) ([]Numbered, error)
	// LastReport returns the number of a session's last report; 0 if there is none.
	LastReport(ctx context.Context, id order.SessionID) (uint64, error)
	// Requests calls f with each request of a session that was done, in no order.
	Requests(ctx context.Context, id order.SessionID, f func(Request) error) error
	// OpenOrders calls f with every open order and quote, by Place.
	OpenOrders(ctx context.Context, f func(*engine.Order) error) error
	// Orders returns what is held of the orders that anyone calls id now, open or
	// not: seldom more than one, since IDs are random.
	Orders(ctx context.Context, id order.ID) ([]*engine.Order, error)

	// Beat says that a gateway lives, as of now by the store's own clock if it has
	// one. Orphans detaches, as of now, all sessions of gateways whose last beat is
	// older than that, or never was, and returns every session that is detached and
	// has open orders, with when.
	Beat(ctx context.Context, gateway string, now time.Time) error
	Orphans(ctx context.Context, now time.Time, older time.Duration) ([]Session, error)

	// Ban refuses a session from now on, be there one already or not. The ban ends
	// with the session's epoch. Bans returns all that there are, in no order.
	Ban(ctx context.Context, id order.SessionID) error
	Bans(ctx context.Context) ([]order.SessionID, error)
	// Halt makes all gateways refuse new orders, or take them again; Halted says.
	Halt(ctx context.Context, halted bool) error
	Halted(ctx context.Context) (bool, error)

	// FIX returns the store of a FIX session, and makes it if there is none. An error
	// wraps [ErrEnded] if the epoch was pruned.
	FIX(ctx context.Context, id order.SessionID) (FIX, error)

	// Prune removes the sessions of epochs before the one numbered, for good: they
	// cannot be attached again, whatever is pruned later. Open orders are kept, and
	// their sessions with them, until a later call finds them closed; but these
	// cannot be attached either.
	Prune(ctx context.Context, epoch uint64) error
	// Close releases the store.
	Close() error
}

// FIX keeps the numbers and messages of a FIX session, for an engine that resends
// what was lost. It has the life of its order session.
type FIX interface {
	// Numbers returns the next numbers to send and to receive, from 1, and when the
	// session was made or reset.
	Numbers(ctx context.Context) (send, receive uint64, created time.Time, err error)
	// SetReceive records the next number to receive.
	SetReceive(ctx context.Context, receive uint64) error
	// SetSend records the next number to send.
	SetSend(ctx context.Context, send uint64) error
	// Save records a message that is about to be sent, and next as the next number
	// to send, together; with next 0, the message alone.
	Save(ctx context.Context, number uint64, message []byte, next uint64) error
	// Messages returns the messages from first to last, by number, as far as there
	// are any.
	Messages(ctx context.Context, first, last uint64) ([][]byte, error)
	// Reset forgets all messages, and begins both numbers at 1.
	Reset(ctx context.Context, now time.Time) error
}

// Errors of stores.
var (
	// ErrTakenOver means that the session was attached again since.
	ErrTakenOver = errors.New("the session was taken over by a later connection")
	// ErrEnded means that the session's epoch is over and gone.
	ErrEnded = errors.New("the session's epoch has been pruned")
	// ErrBanned means that the operator has banned the session.
	ErrBanned = errors.New("the session is banned until its epoch ends")
	// ErrGap means that events were left out.
	ErrGap = errors.New("events are missing before these")
	// ErrUnavailable means that the store could not be written or read.
	ErrUnavailable = errors.New("the journal cannot be reached")
	// ErrEntry means that an entry contradicts itself: a mistake of the caller.
	ErrEntry = errors.New("not an entry of a journal")
)
