package fixedge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// Defaults of [Config].
const (
	DefaultCompID = "VENUE"
	DefaultGrace  = 10 * time.Second
)

// Config is what an edge is made of. Gateway and Store are needed.
type Config struct {
	// Gateway is where orders go, and Store is the same journal as the gateway's.
	Gateway *gateway.Gateway
	Store   journal.Store
	// Schedule is the venue's: a FIX session is one of its epoch. The zero schedule
	// has one epoch.
	Schedule zkkex.Schedule
	// CompID is what clients call the venue: TargetCompID (56). Empty is
	// [DefaultCompID]. Gateways that share a journal have the same.
	CompID string
	// Grace is how long open orders outlive a FIX connection; 0 is [DefaultGrace],
	// and below 0 is none.
	Grace time.Duration
	// MaxTimeToLive is how long orders are good for that are for the day, or good
	// till cancel. It is the gateway's limit, and of all gateways that share a
	// journal the same; 0 is [order.MaxTimeToLive].
	MaxTimeToLive time.Duration
	// Symbols are those whose requests for quote a client hears that asks for it in
	// its Logon.
	Symbols []string
	// Ban is called when a connection's FIX session is found to be banned, with the
	// session of the pseudonym that the connection came with: it is to have that
	// refused as well. nil is for none.
	Ban func(ctx context.Context, member order.SessionID) error
	// Log is told what an operator has to know; never of a client. nil is for none.
	Log *slog.Logger
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
}

// Edge takes FIX connections. It is safe for concurrent use.
type Edge struct {
	gateway  *gateway.Gateway
	store    journal.Store
	schedule zkkex.Schedule
	comp     string
	grace    time.Duration
	longest  time.Duration
	symbols  []string
	log      *slog.Logger
	now      func() time.Time
	private  *private
	ban      func(context.Context, order.SessionID) error

	mu     sync.Mutex
	closed bool
	// conns are by the token that quickfix knows them by, and active by session.
	conns  map[string]*conn
	active map[order.SessionID]*conn
	// begun are the sessions that each member began, as of the epoch counted.
	begun   map[order.SessionID]map[order.SessionID]struct{}
	counted uint64
	all     sync.WaitGroup
}

// ErrClosed means that the edge takes no connections any more.
var ErrClosed = errors.New("the FIX edge is closed")

// New starts an edge.
func New(c Config) (*Edge, error) {
	if c.Gateway == nil || c.Store == nil {
		return nil, errors.New("a FIX edge needs a gateway and its journal")
	}
	e := &Edge{
		gateway: c.Gateway, store: c.Store, schedule: c.Schedule,
		comp: cmp.Or(c.CompID, DefaultCompID), grace: max(cmp.Or(c.Grace, DefaultGrace), 0),
		longest: cmp.Or(c.MaxTimeToLive, order.MaxTimeToLive), symbols: c.Symbols, log: c.Log, now: c.Now, ban: c.Ban,
		conns: make(map[string]*conn), active: make(map[order.SessionID]*conn),
		begun: make(map[order.SessionID]map[order.SessionID]struct{}),
	}
	if !validCompID(e.comp) {
		return nil, fmt.Errorf("the venue's CompID %.40q: expected 1 to %d of A to Z, a to z, 0 to 9 and . _ -", e.comp, MaxCompID)
	}
	if len(e.symbols) > order.MaxQuoteSymbols {
		e.symbols = e.symbols[:order.MaxQuoteSymbols]
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	var err error
	e.private, err = listen(app{e}, app{e})
	return e, err
}

// epoch is the number of the present epoch.
func (e *Edge) epoch() (uint64, error) {
	if e.schedule.Length == 0 {
		return 0, nil
	}
	epoch, err := e.schedule.At(e.now())
	return epoch.Number, err
}

// Serve takes connections from a listener until ctx ends, and then ends those it
// has. It returns nil, or the listener's error if that failed before.
//
// Whoever can connect to the listener can try to log on. It belongs on the loopback
// interface, behind `zkkex serve --upstream`.
func (e *Edge) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		serving.Go(func() { _ = e.ServeConn(ctx, c) })
	}
}

// ServeConn carries one FIX connection, and closes it. When ctx ends, the client is
// logged out. It returns nil after a Logout from either side, the error of a
// connection that was lost, or one wrapping [zkkex.ErrMalformed] for bytes that
// are no FIX.
func (e *Edge) ServeConn(ctx context.Context, client net.Conn) error {
	defer client.Close()
	c := newConn(e, client)
	if err := e.enter(c); err != nil {
		return err
	}
	defer e.leave(c)
	return c.serve(ctx)
}

func (e *Edge) enter(c *conn) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.conns[c.token] = c
	e.all.Add(1)
	return nil
}

func (e *Edge) leave(c *conn) {
	e.mu.Lock()
	delete(e.conns, c.token)
	if e.active[c.session] == c {
		delete(e.active, c.session)
	}
	e.mu.Unlock()
	close(c.done)
	e.all.Done()
}

// connection returns the connection of a quickfix session; nil if it is over.
func (e *Edge) connection(id quickfix.SessionID) *conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.conns[id.SenderSubID]
}

// supersede makes c the connection of a session, and ends the one that had it. It
// returns when that one has written what it had to.
func (e *Edge) supersede(c *conn, session order.SessionID) {
	e.mu.Lock()
	c.session = session
	before := e.active[session]
	e.active[session] = c
	e.mu.Unlock()
	if before != nil {
		before.end("the session was taken over by a later Logon")
		<-before.done
	}
}

// Close logs out all clients, and waits for them to go. Their orders are cancelled
// after the grace unless they log on again, here or elsewhere.
func (e *Edge) Close() error {
	e.mu.Lock()
	e.closed = true
	for _, c := range e.conns {
		go c.end("the venue's gateway stops: log on again")
	}
	e.mu.Unlock()
	e.all.Wait()
	e.private.acceptor.Stop()
	return nil
}
