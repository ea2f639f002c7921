package gateway

import (
	"context"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex/order"
)

// page is the most reports read from the journal at once.
const page = 256

// maxResend is the most retransmissions that wait.
const maxResend = 64

// span is a range of reports to send again.
type span struct{ from, to uint64 }

// resend notes reports to be sent again, unless that is noted already. Those that
// were not sent yet come in their order: another gateway may have recorded them.
func (s *Session) resend(r span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.to >= s.next {
		s.live = false
		s.missed++
		r.to = s.next - 1
	}
	if r.from <= r.to && len(s.again) < maxResend && !slices.ContainsFunc(s.again, r.within) {
		s.again = append(s.again, r)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// within reports whether a has all of r.
func (r span) within(a span) bool { return a.from <= r.from && r.to <= a.to }

// push hands a report to the connection. Reports with a number are passed on in
// order, each once; while the client is not up to date, they are read from the
// journal instead, and those without a number wait, unless they are urgent.
func (s *Session) push(number uint64, r order.Report, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return
	}
	switch {
	case number > 0 && !s.live:
	case number > 0 && number < s.next:
		return // the journal's copy went out before
	case number > s.next:
		s.live = false // another gateway has recorded some in between
	case number > 0:
		s.next++
		s.queue(order.VenueFrame{Report: order.Numbered{Number: number, Report: r}})
	case s.live || urgent && s.started:
		s.queue(order.VenueFrame{Report: order.Numbered{Report: r}})
	case len(s.held) < s.g.limits.MaxOutbox:
		s.held = append(s.held, order.VenueFrame{Report: order.Numbered{Report: r}})
	}
	s.last = max(s.last, number)
	s.notify()
}

// catchUp makes the connection read from the journal what it has not sent.
func (s *Session) catchUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = false
	s.missed++
	s.notify()
}

// say queues a message of the session layer.
func (s *Session) say(m order.SessionMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.queue(order.VenueFrame{Session: m})
		s.notify()
	}
}

// queue queues a frame. The caller holds mu.
func (s *Session) queue(f order.VenueFrame) {
	if s.ended != nil {
		return
	}
	if len(s.frames) >= s.g.limits.MaxOutbox {
		clear(s.frames)
		s.frames = s.frames[:0]
		s.endLocked(order.RejectSlow, "reports are not read fast enough; they are kept: reconnect")
		return
	}
	s.frames = append(s.frames, f)
}

// notify wakes the writer, unless the reader will write what is queued. The caller
// holds mu.
func (s *Session) notify() {
	if s.busy && s.live && s.ended == nil {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// flush writes what is queued. With last set, the reader that calls it will not come
// back.
func (s *Session) flush(last bool) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		s.mu.Lock()
		if len(s.frames) == 0 {
			if last {
				s.busy = false
			}
			s.mu.Unlock()
			return nil
		}
		frames := s.frames
		s.frames, s.spare = s.spare[:0], nil
		s.sent = s.g.clock.exact()
		s.mu.Unlock()
		err := s.write(frames)
		clear(frames)
		s.mu.Lock()
		s.spare = frames[:0]
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// run writes what the reader does not, until the session ends here.
func (s *Session) run() {
	defer close(s.done)
	for {
		select {
		case <-s.wake:
		case <-s.gone.Done():
			return
		}
		if err := s.send(); err != nil {
			s.fail(err)
			return
		}
		s.mu.Lock()
		ended := s.ended != nil && len(s.frames) == 0
		s.mu.Unlock()
		if ended {
			s.leave()
			return
		}
	}
}

// send writes what is queued, and what has to be read from the journal.
func (s *Session) send() error {
	for wait := newBackoff(); ; {
		if err := s.flush(false); err != nil {
			return err
		}
		more, err := s.read()
		if err != nil {
			// The journal cannot be read. What is live goes on.
			if !wait.sleep(s.gone) {
				return nil
			}
			continue
		}
		if !more {
			return nil
		}
		wait = newBackoff()
	}
}

// read queues a page of reports from the journal, if there is something to catch up
// with or to send again, and reports whether there was.
func (s *Session) read() (bool, error) {
	s.mu.Lock()
	live, next, missed, ended := s.live, s.next, s.missed, s.ended != nil
	var again span
	if len(s.again) > 0 {
		again = s.again[0]
	}
	s.mu.Unlock()
	switch {
	case ended:
		return false, nil
	case !live:
		return s.replay(next, missed)
	case again.from > 0:
		return true, s.repeat(again)
	}
	return false, nil
}

// replay queues reports from next on, or finds that the connection is up to date.
// What another gateway recorded before catchUp was called is seen by a reading that
// begins after it: missed is how often it was called before this one.
func (s *Session) replay(next, missed uint64) (bool, error) {
	frames, err := s.g.load(s.gone, s, next, s.g.page())
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		if f.Report.Number != s.next {
			return false, fmt.Errorf("the journal has report %d where %d is expected", f.Report.Number, s.next)
		}
		s.queue(f)
		s.next++
	}
	if len(frames) > 0 || s.missed != missed {
		return true, nil
	}
	if s.last >= s.next {
		return false, fmt.Errorf("the journal does not show report %d yet", s.next)
	}
	s.live = true
	for _, f := range s.held {
		s.queue(f)
	}
	s.held = nil
	return true, nil
}

// repeat queues reports that were sent before.
func (s *Session) repeat(again span) error {
	frames, err := s.g.load(s.gone, s, again.from, int(min(uint64(s.g.page()), again.to-again.from+1)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		s.queue(f)
	}
	if n := len(frames); n > 0 && frames[n-1].Report.Number < again.to {
		s.again[0].from = frames[n-1].Report.Number + 1
	} else {
		s.again = s.again[1:]
	}
	return nil
}

// page is how many reports are read at once: half of what may wait at most, since
// what is live may come beside them.
func (g *Gateway) page() int { return max(1, min(page, g.limits.MaxOutbox/2)) }

// load reads reports from the journal.
func (g *Gateway) load(ctx context.Context, s *Session, from uint64, n int) ([]order.VenueFrame, error) {
	reports, err := g.store.Reports(ctx, s.id, from, n)
	if err != nil {
		return nil, err
	}
	frames := make([]order.VenueFrame, len(reports))
	for i, r := range reports {
		report, err := order.ParseReport(r.Report)
		if err != nil {
			return nil, fmt.Errorf("a report in the journal: %w", err)
		}
		frames[i].Report = order.Numbered{Number: r.Number, Report: report}
	}
	g.noteReports(s, frames)
	return frames, nil
}

// noteReports completes what is known of requests that were answered before they
// were known here.
func (g *Gateway) noteReports(s *Session, frames []order.VenueFrame) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range frames {
		id := f.Report.Report.Answers()
		if d, ok := s.st.requests[id]; ok && d.report == 0 {
			s.st.requests[id] = done{d.digest, f.Report.Number}
		}
	}
}
