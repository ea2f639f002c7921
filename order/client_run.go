package order

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"
)

// Times between two attempts to connect.
const (
	minBackoff = 20 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// minTick is how often at most a client looks whether something is to be said,
// whatever the venue asks for.
const minTick = 50 * time.Millisecond

// run keeps the session going until it is over.
func (c *Client) run(l *link) {
	err := c.follow(l)
	c.cancel()
	c.mu.Lock()
	if c.closing != nil {
		err = c.closing
	}
	c.err = err
	calls := c.abandon(err)
	c.inbox.signal()
	close(c.ended)
	c.mu.Unlock()
	finish(calls)
}

// follow serves one connection after the other, and returns why there is no other.
func (c *Client) follow(l *link) error {
	for {
		err := c.serve(l)
		c.mu.Lock()
		c.end(l, err)
		if l.err != nil {
			err = l.err
		}
		over := c.closing != nil
		c.mu.Unlock()
		if over {
			return c.lastWord(err)
		}
		if c.config.Reconnect == Never || !passing(err) {
			return errors.Join(ErrSessionLost, err)
		}
		if l, err = c.again(err); err != nil {
			return errors.Join(ErrSessionLost, err)
		}
	}
}

// lastWord is what the end is after the client was closed: the venue's, unless that
// is only that it heard us.
func (c *Client) lastWord(err error) error {
	if errors.Is(err, ErrFinished) || errors.Is(err, io.EOF) {
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == ErrClosed && !errors.Is(err, ErrClosed) {
		c.closing = err
	}
	return err
}

// again connects, as often as it takes, while that can help.
func (c *Client) again(last error) (*link, error) {
	want := Want{Resume: c.config.Reconnect == Resume}
	backoff := minBackoff
	if errors.Is(last, ErrDraining) {
		backoff = 0 // there is another gateway
	}
	for {
		if err := sleep(c.ctx, rand.N(backoff+1)); err != nil {
			return nil, err
		}
		l, err := c.connect(c.ctx, want)
		if err == nil {
			err = c.reattach(l, want)
		}
		if err == nil {
			return l, nil
		}
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		if !passing(err) || hopeless(err) {
			return nil, err
		}
		backoff = min(max(2*backoff, minBackoff), maxBackoff)
	}
}

// hopeless reports whether an error of Config.Open says that no other attempt helps.
func hopeless(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// reattach takes up another connection.
func (c *Client) reattach(l *link, want Want) error {
	var lost []*call
	if !want.Resume {
		if err := c.ids.begin(c.ctx, l, false); err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.end(l, err)
			return err
		}
		c.mu.Lock()
		lost = c.abandon(ErrSessionLost)
		c.book.lose()
		c.inbox.restart()
		c.book.begin(c)
		c.session = SessionID{}
		c.mu.Unlock()
	}
	c.mu.Lock()
	late := c.attach(l)
	c.mu.Unlock()
	finish(append(lost, late...))
	return nil
}

// attach makes l the connection. What was not answered goes out on it, as it was
// asked. It returns calls that are given up. c.mu is held.
func (c *Client) attach(l *link) []*call {
	if c.closing != nil {
		c.end(l, c.closing)
		return nil
	}
	c.link, c.ack, c.session = l, l.ack, l.ack.Session
	c.inbox.last = max(c.inbox.last, l.ack.LastReport)
	c.inbox.asked = l.ack.LastReport // the venue sends them unasked
	c.nudge()
	return c.requeue()
}

// serve takes what the venue sends until the connection ends, and returns why.
func (c *Client) serve(l *link) error {
	keeper, stop := context.WithCancel(c.ctx)
	defer stop()
	go c.keep(keeper, l)
	frames := l.early
	for {
		if err := c.take(l, frames); err != nil {
			return err
		}
		var err error
		if frames, err = l.stream.ReadReports(frames[:0]); err != nil {
			return err
		}
	}
}

// keep says that we are there when nothing else did, and gives up on a venue that
// is not.
func (c *Client) keep(ctx context.Context, l *link) {
	tick := time.NewTicker(max(l.ack.KeepAlive/3, minTick))
	defer tick.Stop()
	silent := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.closed:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		if silent++; l.heard {
			silent = 0
		}
		if silent > 6 { // twice the longest silence
			c.end(l, &SessionError{Code: RejectSilent, Text: "nothing was heard of the venue"})
		}
		if c.link == l && !l.wrote {
			c.say(&Sequence{NextSeqNo: l.seq})
		}
		l.heard, l.wrote = false, false
		c.mu.Unlock()
		c.nudge()
		_ = c.save(ctx) // as good as it goes: what was taken comes again otherwise
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
