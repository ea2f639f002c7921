package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
)

// Tuning of admissions.
const (
	// admitTimeout is how long an admission may take.
	admitTimeout = 30 * time.Second
	// openPatience is how long an open waits for an admission under way before
	// that is given up. The venue says the same when it is asked again.
	openPatience = time.Second
	// maxGap bounds the silence around an admission, and after an open.
	maxGap = 5 * time.Second
	// maxLate: an admission that could not be begun in time, because the machine
	// slept or another one hung, gets another moment.
	maxLate = 5 * time.Second
	// maxAdmitTries is how often an admission is tried. After that the
	// certificate is shown when it is opened.
	maxAdmitTries = 8
	// firstAdmitRetry and lastAdmitRetry bound the time until the next try.
	firstAdmitRetry = 30 * time.Second
	lastAdmitRetry  = 15 * time.Minute
)

// Admitter shows a certificate to the venue, on a connection of its own, ahead
// of its use, and returns nil if the venue admitted it. An error wrapping a
// [zkkex.RejectError] for [zkkex.SlotUsed] says that its slot is gone; after any
// other error the pool tries again later. It must not keep the certificate.
type Admitter func(ctx context.Context, c *Certificate) error

// admission is one under way.
type admission struct {
	entry  *entry
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed at the end
}

// schedule plans the admission of e at a random moment from from on, before to
// and the end of its epoch. Each is independent of all others; what falls beside
// another one is postponed when its moment comes.
func (p *Pool) schedule(e *entry, from, to time.Time) {
	if p.admit == nil {
		return
	}
	if end := e.certificate.Ends(); end.Before(to) {
		to = end
	}
	e.admitAt = moment(from, to)
}

// keepQuiet keeps admissions away from what happens now.
func (p *Pool) keepQuiet(now time.Time) {
	p.quietUntil = now.Add(p.gap + time.Duration(below(int64(p.gap)+1))).Round(0)
}

// BeginOpen is called before a session is opened, with a certificate of the pool
// or again with an older one. Until the function it returns is called, and a
// little longer, the pool admits nothing: an admission beside an open would tell
// that both are of one member. It waits for an admission under way, a second at
// most if the [Admitter] heeds its context. It returns the context's error or one
// wrapping [ErrClosed].
func (p *Pool) BeginOpen(ctx context.Context) (end func(), err error) {
	for {
		under, err := p.tryOpen()
		if err != nil {
			return nil, err
		}
		if under == nil {
			return sync.OnceFunc(p.endOpen), nil
		}
		select {
		case <-under.done:
		case <-time.After(openPatience):
			under.cancel()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryOpen counts an open, or returns what to wait for.
func (p *Pool) tryOpen() (*admission, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("session: %w", ErrClosed)
	}
	if p.admitting != nil {
		return p.admitting, nil
	}
	p.opens++
	return nil, nil
}

func (p *Pool) endOpen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opens--
	p.keepQuiet(p.now())
	wake(p.wakeAdmit)
}

// keepAdmitting admits certificates, one at a time, until the pool is closed.
func (p *Pool) keepAdmitting() {
	for p.ctx.Err() == nil {
		a, at := p.beginAdmission()
		if a == nil {
			p.sleep(at, p.wakeAdmit)
			continue
		}
		err := p.admit(a.ctx, a.entry.certificate)
		a.cancel()
		p.finishAdmission(a, err)
	}
}

// beginAdmission begins the admission that is due now, or returns until when
// there is none: zero if nothing is known to come.
func (p *Pool) beginAdmission() (*admission, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opens > 0 || p.closed {
		return nil, time.Time{} // the end of the open wakes
	}
	now := p.now()
	p.postpone(now)
	e := p.firstAdmission()
	if e == nil {
		return nil, time.Time{}
	}
	if e.admitAt.After(now) {
		return nil, e.admitAt
	}
	if e.plan.terms.over(now) || !slices.Contains(p.plans, e.plan) || e.plan.refused >= maxRefused {
		e.admitAt = time.Time{} // it is about to be dropped, or the venue is shown no more
		return nil, now
	}
	e.busy = true
	p.admitting = &admission{entry: e, done: make(chan struct{})}
	p.admitting.ctx, p.admitting.cancel = context.WithTimeout(p.ctx, admitTimeout)
	return p.admitting, now
}

// postpone gives another moment to what is due in the quiet time, or overdue: the
// end of the quiet, or of a machine's sleep, would be a mark as well.
func (p *Pool) postpone(now time.Time) {
	for _, e := range p.entries {
		if e.admitAt.IsZero() || e.admitAt.After(now) {
			continue
		}
		if now.Before(p.quietUntil) || now.Sub(e.admitAt) > maxLate {
			from := later(now, p.quietUntil)
			p.schedule(e, from, from.Add(p.spread))
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// firstAdmission returns the entry that is to be admitted first, or nil.
func (p *Pool) firstAdmission() (first *entry) {
	for _, e := range p.entries {
		if !e.admitAt.IsZero() && (first == nil || e.admitAt.Before(first.admitAt)) {
			first = e
		}
	}
	return first
}

// finishAdmission takes in what the venue said.
func (p *Pool) finishAdmission(a *admission, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	e := a.entry
	e.busy = false
	e.admitAt = time.Time{}
	p.admitting = nil
	close(a.done)
	p.keepQuiet(now)
	switch {
	case p.closed || !slices.Contains(p.plans, e.plan):
		p.drop(e)
	case err == nil:
		e.certificate.MarkAdmitted()
	case slotUsed(err):
		p.lastError = fmt.Errorf("session: the venue refused a certificate that was never used: the slot state was put back, or another device takes the same slots: %w", err)
		e.plan.refused++
		p.drop(e)
	default:
		p.lastError = fmt.Errorf("session: admitting a certificate: %w", err)
		p.tryAgain(e, now)
	}
	p.serve(now)
	wake(p.wakeMaker)
}

// tryAgain plans another try, unless there were enough.
func (p *Pool) tryAgain(e *entry, now time.Time) {
	e.tries++
	if e.tries >= maxAdmitTries {
		return
	}
	rest := backoff(e.tries, firstAdmitRetry, lastAdmitRetry)
	from := now.Add(rest)
	p.schedule(e, from, from.Add(rest))
}

func slotUsed(err error) bool {
	var no *zkkex.RejectError
	return errors.As(err, &no) && no.Reason == zkkex.SlotUsed
}
