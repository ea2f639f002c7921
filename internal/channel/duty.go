package channel

import (
	"net"
	"syscall"
	"time"
)

// whoReads says who reads from the connection below.
type whoReads uint8

const (
	reads      whoReads = iota // nobody now: a Read was here, and comes again
	readsHere                  // a Read, in its caller's goroutine
	readsApart                 // a goroutine of its own
)

// away is how long after the last Read, at least, a goroutine of its own reads on.
const away = 10 * time.Millisecond

// duty is that of reading, which goes from one to another: while an application
// reads all the time, it does so itself, which saves a switch of goroutines for
// what arrives; while it does not, a goroutine reads, so that ratchets and ends are
// seen. The mutex is the input's.
type duty struct {
	raw    net.Conn
	linger time.Duration
	apart  func() // reads until it is told that a Read does
	// lent says that a Read can take the duty: only from a socket of the system's,
	// since others may take a deadline, by which it is taken back, for their end.
	lent bool
	who  whoReads

	waiting int         // Reads that wait for the goroutine
	taken   uint64      // how often a Read took the duty
	seen    uint64      // taken, when the timer was set
	set     bool        // the timer runs
	timer   *time.Timer // looks whether Read comes back
	called  bool        // a Read is told to give the duty back
}

func (d *duty) begin(raw net.Conn, linger time.Duration, apart func()) {
	_, socket := raw.(syscall.Conn)
	d.raw, d.linger, d.apart, d.lent, d.who = raw, linger, apart, socket, readsApart
}

// takeDuty makes a Read the reader, if that is possible now, or sees to it that there
// is one.
func (in *input) takeDuty() bool {
	d := &in.duty
	if d.who != reads {
		return false
	}
	if in.dropping || !in.deadline.at.IsZero() {
		in.readApart()
		return false
	}
	d.who = readsHere
	d.taken++
	return true
}

// readApart starts the goroutine that reads.
func (in *input) readApart() {
	in.duty.who = readsApart
	go in.duty.apart()
}

// wait waits in a Read.
func (in *input) wait() {
	in.duty.waiting++
	in.readable.Wait()
	in.duty.waiting--
}

// leaveDuty is for a Read that has read.
func (in *input) leaveDuty() {
	in.mu.Lock()
	defer in.mu.Unlock()
	d := &in.duty
	if d.called || in.dropping || in.err != nil {
		in.readApart()
		in.recall()
		return
	}
	d.who = reads
	in.expectRead()
	if d.waiting > 0 {
		in.readable.Broadcast() // another Read
	}
}

// endDuty is for a Read that has read, and has nothing more to read.
func (in *input) endDuty() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.duty.who = readsApart
	in.recall()
}

// leaveToRead reports whether a Read waits that can do what the goroutine does.
func (in *input) leaveToRead() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	d := &in.duty
	if !d.lent || d.waiting == 0 || in.dropping || in.err != nil || !in.deadline.at.IsZero() {
		return false
	}
	d.who = reads
	in.expectRead()
	in.readable.Broadcast()
	return true
}

// expectRead sees to it that somebody reads if no Read comes.
func (in *input) expectRead() {
	d := &in.duty
	if d.set {
		return
	}
	d.set, d.seen = true, d.taken
	if d.timer == nil {
		d.timer = time.AfterFunc(away, in.look)
		return
	}
	d.timer.Reset(away)
}

// look looks whether Read has come back.
func (in *input) look() {
	in.mu.Lock()
	defer in.mu.Unlock()
	d := &in.duty
	d.set = false
	switch {
	case d.who != reads:
	case d.seen == d.taken:
		in.readApart()
	default:
		in.expectRead()
	}
}

// attend sees to it that somebody reads.
func (in *input) attend() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.duty.who == reads {
		in.readApart()
	}
}

// interrupt takes the duty from a Read that has to look at something else.
func (in *input) interrupt() {
	d := &in.duty
	switch {
	case d.who == reads:
		in.readApart()
	case d.who == readsHere && !d.called:
		d.called = true
		_ = d.raw.SetReadDeadline(past) // one that cannot has no duty to give
	}
}

// interrupted reports whether an error while reading is that of interrupt.
func (in *input) interrupted() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.duty.called
}

// recall ends an interruption.
func (in *input) recall() {
	d := &in.duty
	if !d.called {
		return
	}
	d.called = false
	var until time.Time
	if in.dropping {
		until = time.Now().Add(d.linger) // as at the end of the channel
	}
	_ = d.raw.SetReadDeadline(until)
}
