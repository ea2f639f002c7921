package book

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// Limits of a book.
const (
	// MaxInstruments is the most instruments.
	MaxInstruments = order.MaxInstruments
	// MaxMatches is the most orders and quotes that one command meets.
	MaxMatches = 1000
	// MaxAnswers is the most open quotes that answer one request.
	MaxAnswers = 64
)

// Options are what a book may use. The zero value is fit for a book in the
// gateway's own process.
type Options struct {
	// Events is how many events are kept for who asks for them later; 1024 if 0.
	// The events of the latest commands are kept even if they are more.
	Events int
	// Remember is how many names of commands are remembered after what they named
	// is over; a million if 0, which takes about 50 MB.
	Remember int
	// MaxOpen is how many orders, quotes and requests can be open; a million if 0.
	// Cancels are taken all the same.
	MaxOpen int
	// Now is the book's clock; time.Now if nil. It keeps a gateway whose clock is
	// ahead from making the book take everybody else's commands for old ones.
	Now func() time.Time
}

func (o Options) check() (Options, error) {
	if o.Events < 0 || o.Remember < 0 || o.MaxOpen < 0 {
		return o, errors.New("book: negative numbers in the options")
	}
	o.Events = cmp.Or(o.Events, 1024)
	o.Remember = cmp.Or(o.Remember, 1<<20)
	o.MaxOpen = cmp.Or(o.MaxOpen, 1<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// Book is a matching engine in memory. It is safe for concurrent use.
type Book struct {
	instruments []order.Instrument
	options     Options

	mu       sync.Mutex
	markets  map[string]*market
	orders   map[order.OrderID]*liveOrder
	quotes   map[order.OrderID]*liveQuote
	requests map[order.OrderID]*liveRequest
	memory   memory
	log      eventLog

	command *engine.Command // the one being done
	batch   []engine.Event  // what the commands being done led to
	matches int             // that the command has had
	execIDs cipher.Block
	// lastExecID is here because a cipher keeps nothing on the stack.
	lastExecID order.OrderID
}

var (
	_ engine.Engine   = (*Book)(nil)
	_ engine.Restorer = (*Book)(nil)
)

// New returns an empty book. Its error says what is wrong with an instrument.
func New(instruments []order.Instrument, options Options) (*Book, error) {
	options, err := options.check()
	if err != nil {
		return nil, err
	}
	if len(instruments) == 0 || len(instruments) > MaxInstruments {
		return nil, fmt.Errorf("book: expected 1 to %d instruments, found %d", MaxInstruments, len(instruments))
	}
	markets := make(map[string]*market, len(instruments))
	for _, i := range instruments {
		m, err := newMarket(i)
		if err != nil {
			return nil, fmt.Errorf("book: instrument %q: %w", i.Symbol, err)
		}
		if markets[i.Symbol] != nil {
			return nil, fmt.Errorf("book: instrument %q is there twice", i.Symbol)
		}
		markets[i.Symbol] = m
	}
	return &Book{
		instruments: slices.Clone(instruments),
		options:     options,
		markets:     markets,
		orders:      make(map[order.OrderID]*liveOrder),
		quotes:      make(map[order.OrderID]*liveQuote),
		requests:    make(map[order.OrderID]*liveRequest),
		memory:      newMemory(options.Remember),
		log:         newEventLog(options.Events),
		execIDs:     newExecIDs(),
	}, nil
}

// Instruments returns what New was given.
func (b *Book) Instruments(context.Context) ([]order.Instrument, error) {
	return slices.Clone(b.instruments), nil
}

// Do does the commands, and calls what [Book.Events] was given before it returns,
// once. It returns an error only if ctx is over before it begins.
func (b *Book) Do(ctx context.Context, commands []engine.Command) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batch = make([]engine.Event, 0, 2*len(commands))
	for i := range commands {
		b.command, b.matches = &commands[i], 0
		b.do()
	}
	batch := b.batch
	b.command, b.batch = nil, nil
	b.log.add(batch)
	return nil
}

// do does one command.
func (b *Book) do() {
	c := b.command
	switch r := c.Request.(type) {
	case *order.OrderCancelRequest:
		b.once(func() { b.cancelOrder(r) })
		return
	case *order.QuoteCancel:
		b.once(func() { b.cancelQuote(r) })
		return
	}
	if b.known(c.ID) {
		return
	}
	if b.memory.forgot(c.Now) {
		b.refuse(order.BusinessOther, textForgotten)
		return
	}
	b.sawTime()
	switch r := c.Request.(type) {
	case *order.NewOrderSingle:
		b.newOrder(r)
	case *order.OrderCancelReplaceRequest:
		b.memory.add(c.ID, 0)
		b.replaceOrder(r)
	case *order.Quote:
		b.newQuote(r)
	case *order.QuoteRequest:
		b.newRequest(r)
	case *order.QuoteResponse:
		b.memory.add(c.ID, 0)
		b.answer(r)
	default:
		b.memory.add(c.ID, 0)
		b.refuse(order.BusinessUnsupported, textUnsupported)
	}
}

// once does a cancel, if it was not done before. Those that nobody asked for have no
// effect twice, and are not remembered.
func (b *Book) once(cancel func()) {
	if b.command.Reason == 0 {
		if b.known(b.command.ID) {
			return
		}
		b.memory.add(b.command.ID, 0)
	}
	cancel()
}

// known reports whether a command was done, as far as is remembered.
func (b *Book) known(id order.OrderID) bool {
	if _, ok := b.orders[id]; ok {
		return true
	}
	if _, ok := b.quotes[id]; ok {
		return true
	}
	if _, ok := b.requests[id]; ok {
		return true
	}
	_, ok := b.memory.status(id)
	return ok
}

// sawTime tells the memory of the command's time, or the book's if that is earlier.
func (b *Book) sawTime() {
	now := b.command.Now
	if own := b.options.Now(); own.Before(now) {
		now = own
	}
	b.memory.saw(now)
}

// full reports whether nothing more may be opened.
func (b *Book) full() bool {
	return len(b.orders)+len(b.quotes)+len(b.requests) >= b.options.MaxOpen
}

// emit adds an event.
func (b *Book) emit(to order.SessionID, r order.Report, state *engine.Order) {
	b.batch = append(b.batch, engine.Event{
		Number:  b.nextNumber(),
		Command: b.command.ID,
		Session: to,
		Report:  r,
		Order:   state,
	})
}

// nextNumber is the number of the next event.
func (b *Book) nextNumber() uint64 { return b.log.next + uint64(len(b.batch)) }

// refuse answers a command that is none of the book's.
func (b *Book) refuse(reason order.BusinessRejectReason, text string) {
	var id order.ID
	if r := b.command.Request; r != nil {
		id = r.RequestID()
	}
	b.emit(b.command.Session, &order.BusinessMessageReject{
		BusinessRejectRefID: id, BusinessRejectReason: reason, Text: text,
	}, nil)
}

// newExecIDs returns a permutation of event numbers, so that ExecIDs are unique, and
// tell nobody how much the venue trades.
func newExecIDs() cipher.Block {
	var key [16]byte
	rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("book: internal error: " + err.Error()) // 16 bytes are a key
	}
	return block
}
