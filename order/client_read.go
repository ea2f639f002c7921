package order

import (
	"context"
	"fmt"
)

// Received is a report as [Client.Next] returns it.
type Received struct {
	// Session is the session that the report is of: another one after a client that
	// does not resume has begun anew. Numbers count from 1 in each.
	Session SessionID
	Numbered
}

// inbox is what comes from the venue. Its fields are guarded by the client's lock.
//
// Reports have two readers: the client's own books, which take each at once, and
// whoever calls Next, who may be slow. Each has its position. What the latter has
// no room for is not kept: it is asked for again, from the venue's journal.
type inbox struct {
	next   uint64 // the first report that the books have not taken
	stream uint64 // the first that the buffer has not
	last   uint64 // the last that is known to exist
	asked  uint64 // those up to here are on their way
	beat   uint64 // what was missing at the last heartbeat

	buffer   []Received // a ring
	head     int
	count    int
	returned Received // by the last Next
	taken    uint64   // the first that was not taken by who calls Next
	ready    chan struct{}
}

func (in *inbox) init(size int) {
	*in = inbox{buffer: make([]Received, size), ready: make(chan struct{}, 1)}
	in.restart()
}

// restart begins with another session. What is in the buffer stays.
func (in *inbox) restart() {
	in.next, in.stream, in.taken = 1, 1, 1
	in.last, in.asked, in.beat = 0, 0, 0
}

// position returns the number of the next report that Next returns.
func (in *inbox) position() uint64 {
	if in.returned.Number >= in.taken {
		return in.returned.Number + 1
	}
	return in.taken
}

// missing returns the number of the next report that is to come: for the buffer, if
// that has room and is behind, and otherwise for the books.
func (in *inbox) missing() uint64 {
	if in.stream < in.next && in.room() > 0 {
		return in.stream
	}
	return in.next
}

func (in *inbox) room() int { return len(in.buffer) - in.count }

func (in *inbox) push(r Received) {
	in.buffer[(in.head+in.count)%len(in.buffer)] = r
	in.count++
	in.signal()
}

func (in *inbox) signal() {
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

// Next returns the next report of the session, and waits for it. Reports with a
// number come in order, and each once, over whatever connections: nothing is left
// out, however slow the reader is. In between come requests for quote of others,
// whose Number is 0, and which are dropped while the buffer is full. Reports that
// only answer, with Number 0, go to who asked.
//
// A report counts as taken when Next is called again: a process that takes up the
// session of one that died may see the last one a second time, by its number.
//
// After the client has ended and everything was returned, the error is that of
// [Client.Err].
func (c *Client) Next(ctx context.Context) (Received, error) {
	for {
		c.mu.Lock()
		r, ok := c.pop()
		more := c.count > 0
		asks := len(c.control) > 0
		err := c.err
		c.mu.Unlock()
		if more {
			c.inbox.signal()
		}
		if asks {
			c.nudge()
		}
		if ok {
			return r, nil
		}
		if err != nil {
			c.inbox.signal() // for others who wait
			return Received{}, err
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return Received{}, ctx.Err()
		}
	}
}

// pop returns the first report of the buffer. c.mu is held.
func (c *Client) pop() (Received, bool) {
	in := &c.inbox
	if in.returned.Session == c.session && in.returned.Number >= in.taken {
		in.taken = in.returned.Number + 1
	}
	if in.count == 0 {
		return Received{}, false
	}
	r := in.buffer[in.head]
	in.buffer[in.head] = Received{}
	in.head = (in.head + 1) % len(in.buffer)
	in.count--
	if r.Number > 0 {
		in.returned = r
	}
	c.catchUp()
	return r, true
}

// take takes what the venue sent. Its error ends the connection.
func (c *Client) take(l *link, frames []VenueFrame) error {
	var done []*call
	c.mu.Lock()
	l.heard = true
	var err error
	for _, f := range frames {
		if f.Session != nil {
			err = c.heed(f.Session)
		} else if k := c.report(f.Report); k != nil {
			done = append(done, k)
		}
		if err != nil {
			break
		}
	}
	c.catchUp()
	busy := c.waiting()
	c.mu.Unlock()
	if busy {
		c.nudge()
	}
	finish(done)
	return err
}

// heed takes a message of the session layer. c.mu is held.
func (c *Client) heed(m SessionMessage) error {
	switch m := m.(type) {
	case *Sequence:
		if m.NextSeqNo > 0 {
			c.last = max(c.last, m.NextSeqNo-1)
		}
		// What was missing at the last heartbeat, and is now, is not on its way.
		missing := c.inbox.missing()
		if missing == c.beat && missing <= c.last {
			c.asked = missing - 1
		}
		c.beat = missing
	case *NotApplied:
		c.notApplied(m)
	case *Terminate:
		return &SessionError{Code: m.Code, Text: m.Text}
	default:
		return fmt.Errorf("%w: a %T out of place", ErrProtocol, m)
	}
	return nil
}

// report takes a report, and returns the call that it ends, if any. c.mu is held.
func (c *Client) report(f Numbered) *call {
	in := &c.inbox
	in.last = max(in.last, f.Number)
	if f.Number > in.next {
		// It is asked for again, behind those that are missing before it.
		if f.Number <= in.asked {
			in.asked = in.next - 1
		}
		return nil
	}
	id := f.Report.Answers()
	k := c.pending[id]
	if f.Number == in.next || f.Number == 0 {
		c.book.take(f.Report, k)
		c.quoted(f.Report)
	}
	if f.Number == in.next {
		in.next++
	}
	c.offer(f, id)
	if k == nil || !k.answer(f.Report) {
		return nil
	}
	return c.settle(k)
}

// offer puts a report in the buffer, if it is the next. c.mu is held.
func (c *Client) offer(f Numbered, id ID) {
	in := &c.inbox
	switch {
	case f.Number == 0 && (!id.IsZero() || in.room() == 0):
	case f.Number != 0 && f.Number != in.stream:
	case in.room() == 0:
		in.asked = min(in.asked, in.stream-1)
	default:
		in.push(Received{c.session, f})
		if f.Number != 0 {
			in.stream++
		}
	}
}

// catchUp asks for reports that are missing. c.mu is held; the caller calls nudge
// afterwards.
func (c *Client) catchUp() {
	in := &c.inbox
	if c.link == nil {
		return
	}
	from, most := in.missing(), uint64(MaxRetransmit)
	if from < in.next {
		most = min(most, uint64(in.room()))
		if in.room() < (len(in.buffer)+1)/2 {
			return // a few at a time would be many questions
		}
	}
	if from > in.last || in.asked >= from {
		return
	}
	count := min(in.last-from+1, most)
	in.asked = from + count - 1
	c.say(&RetransmitRequest{FromReport: from, Count: uint32(count)})
}
