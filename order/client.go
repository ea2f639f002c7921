package order

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Reconnect is what a client does when its connection is lost.
type Reconnect uint8

// What a client can do. A session on another connection is linked to the one
// before, for the venue, which finds what is open in it; a fresh one is linked to
// nothing.
const (
	// Resume takes the session up again: every report comes, once, and what was not
	// answered is asked again, by the same IDs.
	Resume Reconnect = 0
	// Never ends the client.
	Never Reconnect = 1
	// Fresh begins another session, under another pseudonym. What was open in the
	// one before is left to its grace, reports of it that were not read yet are
	// lost to this client, and nothing of it is sent again; what was not answered
	// ends with [ErrSessionLost]. [Recover] finds what is left.
	Fresh Reconnect = 2
)

// Bounds and defaults of a client. A client that says something else than others
// do can be told from them by it.
const (
	// DefaultGrace is how long orders outlive a lost connection.
	DefaultGrace = 10 * time.Second
	// DefaultKeepAlive is the longest silence.
	DefaultKeepAlive = 10 * time.Second
	// DefaultBuffer is how many reports wait for [Client.Next].
	DefaultBuffer = 4096
	// DefaultUnanswered is how many requests may be unanswered before the next one,
	// unless it is a cancel, waits for its turn.
	DefaultUnanswered = 1024
	// DefaultResendWithin is how old an order may be when it is sent again.
	DefaultResendWithin = 10 * time.Second
)

// Config is what a [Client] is made of. It is not changed.
type Config struct {
	// Secret makes IDs and keys. The client does not wipe it.
	Secret *Secret
	// Open opens a channel to the venue. An error with a method Permanent() bool that
	// returns true says that trying again is in vain.
	Open func(ctx context.Context, w Want) (Channel, error)
	// Stream makes a channel's stream: gRPC or a WebSocket, see packages ordergrpc and
	// orderws. Nil is the fast path, [NewClientStream]. ctx lasts as long as the
	// connection.
	Stream func(ctx context.Context, c Channel) (ClientStream, error)
	// State remembers which IDs were used: [OpenState], or [MemoryState] for
	// sessions that end with the process. It is required.
	State State
	// WriteAhead saves each request in State before it is sent, and what was
	// answered after: a process that takes up the session of one that died sends
	// again what that one was not told of. It costs a write to the disk for all
	// requests that are sent together.
	WriteAhead bool

	// Reconnect is what to do when the connection is lost.
	Reconnect Reconnect
	// Grace, KeepOrders and Quotes are as in [Establish]; a Grace of 0 is
	// [DefaultGrace], and one below 0 none. KeepAlive is [DefaultKeepAlive] if 0.
	Grace      time.Duration
	KeepOrders bool
	Quotes     []string
	KeepAlive  time.Duration
	// ResendWithin is how old an order may be, counted from when the caller submitted
	// it, to be sent on another connection than the one of then, if its own time to
	// live is not shorter: an order that was lost is not to be entered at a price of
	// long ago. After that the client asks whether the venue knows it, and gives it
	// up otherwise; the same for what a process before left. 0 is
	// [DefaultResendWithin].
	ResendWithin time.Duration

	// Buffer is how many reports wait for [Client.Next]: 0 is [DefaultBuffer].
	// What does not fit stays at the venue, which keeps it in its journal, and is
	// asked for when there is room: no report is dropped, and nothing waits for who
	// reads slowly or not at all.
	Buffer int
	// Unanswered is how many requests may be unanswered: 0 is [DefaultUnanswered].
	Unanswered int
	// NoOwnerKeys enters orders without keys of their own: only their session can
	// cancel them, and [Recover] does not find them. It saves some 20 microseconds
	// of computing for each.
	NoOwnerKeys bool
}

func (c Config) check() (Config, error) {
	switch {
	case c.Secret == nil:
		return c, fmt.Errorf("%w: Secret is missing", ErrConfig)
	case c.Open == nil:
		return c, fmt.Errorf("%w: Open is missing", ErrConfig)
	case c.State == nil:
		return c, fmt.Errorf("%w: State is missing: OpenState, or MemoryState for a session that nobody resumes", ErrConfig)
	case c.Reconnect > Fresh:
		return c, fmt.Errorf("%w: Reconnect is %d, expected Resume, Never or Fresh", ErrConfig, c.Reconnect)
	case c.Buffer < 0 || c.Unanswered < 0 || c.ResendWithin < 0:
		return c, fmt.Errorf("%w: Buffer, Unanswered and ResendWithin cannot be below 0", ErrConfig)
	case len(c.Quotes) > MaxQuoteSymbols:
		return c, fmt.Errorf("%w: %d symbols in Quotes, expected at most %d", ErrConfig, len(c.Quotes), MaxQuoteSymbols)
	}
	if c.Stream == nil {
		c.Stream = func(_ context.Context, ch Channel) (ClientStream, error) { return NewClientStream(ch), nil }
	}
	orDefault(&c.Grace, DefaultGrace)
	c.Grace = max(c.Grace, 0)
	orDefault(&c.KeepAlive, DefaultKeepAlive)
	orDefault(&c.ResendWithin, DefaultResendWithin)
	orDefault(&c.Buffer, DefaultBuffer)
	orDefault(&c.Unanswered, DefaultUnanswered)
	if c.Grace > MaxGrace || c.Grace%time.Millisecond != 0 {
		return c, fmt.Errorf("%w: a grace of %v, expected whole milliseconds and at most %v", ErrConfig, c.Grace, MaxGrace)
	}
	if c.KeepAlive < MinKeepAlive || c.KeepAlive > MaxKeepAlive || c.KeepAlive%time.Millisecond != 0 {
		return c, fmt.Errorf("%w: KeepAlive is %v, expected whole milliseconds from %v to %v", ErrConfig, c.KeepAlive, MinKeepAlive, MaxKeepAlive)
	}
	return c, nil
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Client sends requests to a venue and takes its reports, over as many connections
// as it takes. It is safe for concurrent use. It ends with [Client.Finish],
// [Client.Leave] or [Client.Close], or by itself when its session cannot go on; see
// [Client.Err].
type Client struct {
	config Config
	ids    *ids
	window chan struct{} // holds one for each request that is not answered and not urgent
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // for the writer
	work   sync.WaitGroup

	mu      sync.Mutex
	link    *link // nil while there is no connection
	ack     *EstablishmentAck
	session SessionID
	saved   *Saved // of the process before; taken up with the first connection
	err     error  // why the client ended
	ended   chan struct{}
	closing error // what the end is to be called, once somebody closed the client

	outbox
	inbox
	book
}

// Dial opens a channel, establishes a session on it, and returns its client. It
// returns the errors of Config.Open, a [*SessionError], or one wrapping [ErrConfig],
// [ErrState] or [ErrProtocol].
func Dial(ctx context.Context, config Config) (*Client, error) {
	config, err := config.check()
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, window: make(chan struct{}, config.Unanswered), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.outbox.pending = make(map[ID]*call)
	c.inbox.init(config.Buffer)
	c.book.begin(c)
	c.ids = newIDs(c)
	l, err := c.connect(ctx, Want{})
	if err == nil {
		err = c.begin(ctx, l)
	}
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.work.Go(c.ids.fill)
	c.work.Go(c.writer)
	c.work.Go(func() { c.run(l) })
	return c, nil
}

// begin takes up the first connection, and what an earlier process left.
func (c *Client) begin(ctx context.Context, l *link) error {
	if err := c.ids.begin(ctx, l, c.saved != nil); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.end(l, err)
		return err
	}
	c.mu.Lock()
	if c.saved != nil {
		for _, r := range c.saved.Unanswered {
			// Nobody knows how old it is: what is no cancel is asked after.
			old := time.Unix(0, 1)
			c.enqueue(&call{request: r, id: r.RequestID(), asked: old, sent: old, done: make(chan struct{}), prove: takesProof(r)})
		}
	}
	late := c.attach(l)
	c.mu.Unlock()
	finish(late)
	return c.save(ctx)
}

// ClientState is what a client has at a venue.
type ClientState struct {
	// Session is the venue's name for the session, and Connected says whether there
	// is a connection.
	Session   SessionID
	Connected bool
	// Venue is what the venue said when the session was last established: its
	// instruments and the session's budget.
	Venue EstablishmentAck
	// Open are the open orders, oldest first.
	Open []OrderState
	// Unanswered is how many requests the venue has not answered.
	Unanswered int
	// NextReport is the number of the next report that [Client.Next] returns, and
	// LastReport that of the last one that there is, as far as known.
	NextReport, LastReport uint64
	// Err is why the client ended, or nil.
	Err error
}

// State returns the present state.
func (c *Client) State() ClientState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ClientState{
		Session: c.session, Connected: c.link != nil, Venue: *c.ack, Open: c.book.open(),
		Unanswered: len(c.pending), NextReport: c.inbox.position(), LastReport: c.last, Err: c.err,
	}
}

// Err returns why the client ended, or nil while it goes on.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done is closed when the client has ended; see [Client.Err].
func (c *Client) Done() <-chan struct{} { return c.ended }

// Finish cancels everything that is open, and ends the session in good order. It
// returns nil when the venue has confirmed the cancels; what was filled before them
// can be read by [Client.Next] still. Otherwise the orders are cancelled when their
// grace ends, at the latest. If ctx has ended already, the venue is told, and not
// waited for.
func (c *Client) Finish(ctx context.Context) error {
	_, err := c.MassCancel(ctx, "")
	return errors.Join(err, c.terminate(ctx, true))
}

// Leave ends the connection in good order. Orders go on until their grace is over,
// or until they expire if they are kept; see [Config].KeepOrders.
func (c *Client) Leave(ctx context.Context) error { return c.terminate(ctx, false) }

// Close ends the client at once, without a word to the venue: it is, for the
// venue, as if the connection were lost. It is not to be called from a function that
// the client calls.
func (c *Client) Close() error {
	_ = c.saveLast(context.Background())
	c.mu.Lock()
	c.closeAs(ErrClosed)
	if c.link != nil {
		c.end(c.link, ErrClosed)
	}
	c.mu.Unlock()
	c.cancel()
	c.work.Wait()
	return nil
}

// closeAs says what the end is to be called. c.mu is held.
func (c *Client) closeAs(why error) {
	if c.closing == nil {
		c.closing = why
	}
}

func (c *Client) terminate(ctx context.Context, finish bool) error {
	c.mu.Lock()
	if c.link == nil || c.closing != nil || c.err != nil {
		c.mu.Unlock()
		return c.closeAfter(ErrSessionLost)
	}
	c.mu.Unlock()
	_ = c.saveLast(ctx)
	c.mu.Lock()
	c.closeAs(ErrClosed)
	c.bye = &Terminate{Code: RejectFinished, Finish: finish}
	if len(c.pending) <= inline {
		c.writeBatch() // at once, for the sake of who calls with a ctx that has ended
	}
	c.mu.Unlock()
	c.nudge()
	select {
	case <-c.ended:
	case <-ctx.Done():
		return c.closeAfter(ctx.Err())
	}
	err := c.Err()
	if errors.Is(err, ErrClosed) {
		err = nil
	}
	return c.closeAfter(err)
}

func (c *Client) closeAfter(err error) error {
	_ = c.Close()
	return err
}
