package fixedge

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

const (
	// logonTimeout is how long a connection may take for its Logon.
	logonTimeout = 10 * time.Second
	// goodbye is how long a Logout may take to be sent, and farewell how long the
	// client may then take to answer.
	goodbye  = 3 * time.Second
	farewell = 500 * time.Millisecond
	// maxAge is how old a message may be that comes again after its loss, to add to
	// what is traded. Messages that come for the first time have the same bound, by
	// quickfix's own check.
	maxAge = 120 * time.Second
)

// conn is a FIX connection.
type conn struct {
	edge   *Edge
	client net.Conn
	token  string
	done   chan struct{}

	// These are set before quickfix knows of the connection.
	session  order.SessionID
	refused  refusal
	names    *names
	store    *store
	orders   *gateway.Session
	requests translator
	reports  writer

	id       quickfix.SessionID
	loggedOn chan struct{}
	over     chan struct{}
	onceOn   sync.Once
	onceOver sync.Once
	// parting is set when the client is being logged out, and parted closed when
	// the Logout has gone out.
	parting    atomic.Bool
	parted     chan struct{}
	onceParted sync.Once

	mu sync.Mutex
	// sending is a report on its way to quickfix's queue.
	sending       *quickfix.Message
	sendingNumber uint64
}

func newConn(e *Edge, client net.Conn) *conn {
	return &conn{
		edge: e, client: client, token: token(), done: make(chan struct{}),
		loggedOn: make(chan struct{}), over: make(chan struct{}), parted: make(chan struct{}),
	}
}

// serve carries the connection to its end.
func (c *conn) serve(ctx context.Context) error {
	in := bufio.NewReaderSize(c.client, 2*MaxMessage)
	first, err := c.first(in)
	if err != nil {
		return err
	}
	if err := c.logOn(ctx, first); err != nil {
		c.banned(err)
		var told error
		if c.refused, told = refused(err); told != nil {
			c.edge.log.Warn("a FIX client could not log on", "error", told)
		}
	}
	defer c.detach()
	inner, err := c.edge.private.dial(ctx)
	if err != nil {
		return fmt.Errorf("fixedge: the private connection: %w", err)
	}
	defer inner.Close()
	return c.carry(ctx, in, inner, forQuickfix(first, c.token))
}

// first reads the Logon.
func (c *conn) first(in *bufio.Reader) (*message, error) {
	if err := c.client.SetReadDeadline(time.Now().Add(logonTimeout)); err != nil {
		return nil, err
	}
	b, err := readMessage(in)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(b)
	if err != nil {
		return nil, err
	}
	if m.kind != kindLogon {
		return nil, malformed("the first is no Logon (A)")
	}
	return m, c.client.SetReadDeadline(time.Time{})
}

// logOn attaches the session of a Logon, with what the journal holds of it.
func (c *conn) logOn(ctx context.Context, m *message) error {
	l, err := readLogon(m, c.edge.comp)
	if err != nil {
		return err
	}
	session, err := c.edge.resolve(ctx, l, memberOf(c.client))
	if err != nil {
		return err
	}
	c.edge.supersede(c, session)
	fix, err := c.edge.store.FIX(ctx, session)
	if err != nil {
		return err
	}
	names := newNames(session)
	store, err := openStore(ctx, fix, names)
	if err != nil {
		return err
	}
	c.requests = translator{session: session, longest: c.edge.longest}
	c.reports = writer{session: session, names: names}
	c.names, c.store = names, store
	a := gateway.Attach{Session: session, NextReport: store.delivered() + 1, Grace: c.edge.grace, Deliver: c.deliver}
	if l.quotes {
		a.Quotes = c.edge.symbols
	}
	if c.orders, err = c.edge.gateway.Attach(ctx, a); err != nil {
		c.store = nil
	}
	return err
}

// carry passes bytes between client and quickfix until both have ended.
func (c *conn) carry(ctx context.Context, in *bufio.Reader, inner *tls.Conn, logon []byte) error {
	stop := context.AfterFunc(ctx, func() { c.end("the venue's gateway stops: log on again") })
	defer stop()
	if c.orders != nil {
		go c.watch()
	}
	flush := func() error { return nil }
	if c.store != nil {
		flush = c.store.flush
	}
	out := newOutbox(flush)
	out.sent = c.sent
	var reading sync.WaitGroup
	defer reading.Wait()
	defer c.client.Close() // ends reading
	defer c.stopDelivery()
	var ended error
	reading.Go(func() {
		ended = c.receive(in, inner, logon)
		// quickfix does what it has read, and ends.
		_ = inner.CloseWrite()
	})
	reading.Go(func() { out.fill(inner) })
	err := out.drain(c.client, func() { c.client.Close() })
	c.stopDelivery()
	c.client.Close()
	reading.Wait()
	if err == nil && !errors.Is(ended, net.ErrClosed) && !errors.Is(ended, io.EOF) {
		err = ended
	}
	return err
}

// receive passes messages on, as many at once as have come.
func (c *conn) receive(in *bufio.Reader, inner io.Writer, logon []byte) error {
	if _, err := inner.Write(logon); err != nil {
		return err
	}
	for {
		b, err := readMessages(in)
		if err != nil {
			return c.unreadable(err)
		}
		last, err := c.look(b)
		if err != nil {
			return c.unreadable(err)
		}
		if _, err := inner.Write(b); err != nil {
			return err
		}
		if last {
			// What comes after a Logout is not for quickfix.
			_, err := io.Copy(io.Discard, in)
			return err
		}
	}
}

// unreadable tells a client that what it sends is no FIX.
func (c *conn) unreadable(err error) error {
	if errors.Is(err, zkkex.ErrMalformed) {
		c.end(err.Error())
	}
	return err
}

// look checks messages before quickfix sees them, and writes to the journal what
// the client calls its requests, before any of them is done. It reports whether the
// client logs out.
func (c *conn) look(b []byte) (last bool, err error) {
	for len(b) > 0 {
		n, err := frameLength(b)
		if err != nil {
			return false, err
		}
		m, err := parseMessage(b[:n])
		if err != nil {
			return false, err
		}
		if m.kind == kindLogon {
			return false, malformed("a second Logon on one connection: log out, and connect again")
		}
		if c.names != nil {
			c.names.add(m)
		}
		last = last || m.kind == kindLogout
		b = b[n:]
	}
	if c.store == nil {
		return last, nil
	}
	// A journal that cannot be written does not keep cancels from being done: the
	// names are written before the answers go out.
	if err := c.store.flushNames(); err != nil && final(err) {
		return last, err
	}
	return last, nil
}

// readMessage reads one message.
func readMessage(in *bufio.Reader) ([]byte, error) {
	for {
		b, _ := in.Peek(in.Buffered())
		n, err := frameLength(b)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out := make([]byte, n)
			_, err := io.ReadFull(in, out)
			return out, err
		}
		if _, err := in.Peek(len(b) + 1); err != nil {
			return nil, ending(err, len(b))
		}
	}
}

// ending makes an end within a message an error.
func ending(err error, read int) error {
	if err == io.EOF && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessages reads one message, and all that have come with it.
func readMessages(in *bufio.Reader) ([]byte, error) {
	out, err := readMessage(in)
	for err == nil {
		b, _ := in.Peek(in.Buffered())
		n, ferr := frameLength(b)
		if n == 0 || ferr != nil {
			return out, nil // the next call tells
		}
		var next []byte
		next, err = readMessage(in)
		out = append(out, next...)
	}
	return nil, err
}

// created is called when quickfix has made the session.
func (c *conn) created(id quickfix.SessionID) { c.id = id }

// onLogon lets reports go out: the answer to the Logon has gone before them.
func (c *conn) onLogon() { c.onceOn.Do(func() { close(c.loggedOn) }) }

func (c *conn) stopDelivery() { c.onceOver.Do(func() { close(c.over) }) }

// deliver hands reports to quickfix.
func (c *conn) deliver(reports []order.Numbered) error {
	select {
	case <-c.loggedOn:
	case <-c.over:
		return errClosed
	}
	for _, r := range reports {
		if err := c.send(r); err != nil {
			return err
		}
	}
	return nil
}

// send hands one report to quickfix. One that has been delivered before answers a
// request that came again: it says so, and keeps its ExecID.
func (c *conn) send(r order.Numbered) error {
	m, err := c.reports.message(r.Report)
	if err != nil {
		return err
	}
	number := r.Number
	if number > 0 && number <= c.store.delivered() {
		m.Header.SetString(tagPossResend, "Y")
		number = 0
	}
	c.mu.Lock()
	c.sending, c.sendingNumber = m, number
	c.mu.Unlock()
	return quickfix.SendToTarget(m, c.id)
}

// toApp is called when quickfix is about to save a message.
func (c *conn) toApp(m *quickfix.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m == c.sending && c.sendingNumber > 0 {
		c.store.carries(c.sendingNumber)
		c.sending = nil
	}
}

// fromApp does what a message asks for.
func (c *conn) fromApp(q *quickfix.Message) quickfix.MessageRejectError {
	m, err := parseMessage(q.Bytes())
	if err != nil {
		return quickfix.NewMessageRejectError(err.Error(), 99, nil)
	}
	if c.orders == nil {
		return quickfix.NewBusinessMessageRejectError(errClosed.Error(), 4, nil)
	}
	request, reject := c.requests.request(m, c.own(m))
	if reject != nil {
		return reject
	}
	if c.names.act(request.RequestID()) && c.stale(m) {
		return quickfix.NewBusinessMessageRejectErrorWithRefID("the message was lost on the way, and is too old to be done now", 0, c.names.text(request.RequestID()), nil)
	}
	err = c.orders.Do(context.Background(), []order.ClientFrame{{Request: request}})
	if ended := (*gateway.EndError)(nil); errors.As(err, &ended) {
		// Nothing was done, and nothing need be refused: as a message that was never
		// received, it comes again after the next Logon, at whichever gateway.
		c.store.receiveNoMore()
		return nil
	}
	if err != nil {
		return quickfix.NewBusinessMessageRejectErrorWithRefID(err.Error(), 4, c.names.text(request.RequestID()), nil)
	}
	return nil
}

// own is what tells a message from all others of the session: its number, and from
// where that counts.
func (c *conn) own(m *message) (own [16]byte) {
	n, _ := strconv.ParseUint(m.get(tagMsgSeqNum), 10, 64) // quickfix has read it
	binary.BigEndian.PutUint64(own[:], c.store.base())
	binary.BigEndian.PutUint64(own[8:], n)
	return own
}

// stale reports whether a message is a repetition of one that never came, and too
// old for what it asks.
func (c *conn) stale(m *message) bool {
	if m.get(tagPossDupFlag) != "Y" {
		return false
	}
	switch m.kind {
	case kindNewOrderSingle, kindOrderCancelReplace, kindQuote, kindQuoteRequest, kindQuoteResponse:
		sent, err := parseTime(m.get(tagOrigSendingTime))
		return err != nil || c.edge.now().Sub(sent) > maxAge
	}
	return false
}

// watch ends the connection when the gateway ends the session.
func (c *conn) watch() {
	select {
	case <-c.orders.Done():
	case <-c.over:
		return
	}
	var ended *gateway.EndError
	if errors.As(c.orders.Err(), &ended) {
		c.end(ended.Text)
		c.banned(ended)
	}
}

// end logs the client out, and ends the connection soon after.
func (c *conn) end(text string) {
	select {
	case <-c.loggedOn:
	default:
		c.client.Close()
		return
	}
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, kindLogout)
	m.Body.SetString(tagText, text)
	c.parting.Store(true)
	if quickfix.SendToTarget(m, c.id) == nil {
		c.await(c.parted, goodbye)
		c.await(nil, farewell)
	}
	c.client.Close()
}

// await waits for something, the connection's end, or a time.
func (c *conn) await(what <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-what:
	case <-c.done:
	case <-timer.C:
	}
}

// sent is told what has gone to the client.
func (c *conn) sent(b []byte) {
	if c.parting.Load() && bytes.Contains(b, []byte("\x0135="+kindLogout+"\x01")) {
		c.onceParted.Do(func() { close(c.parted) })
	}
}

// detach gives the session up. A Logout and a lost connection are the same: what is
// open is cancelled after the grace.
func (c *conn) detach() {
	c.stopDelivery()
	if c.orders != nil {
		ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
		defer cancel()
		if err := c.orders.Detach(ctx); err != nil {
			c.edge.log.Warn("a FIX session could not be detached yet", "error", err)
		}
	}
	if c.store == nil {
		return
	}
	if err := c.store.close(); err != nil && !errors.Is(err, journal.ErrTakenOver) {
		c.edge.log.Warn("the end of a FIX connection could not be recorded", "error", err)
	}
}
