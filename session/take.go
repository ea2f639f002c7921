package session

import (
	"context"
	"fmt"
	"time"
)

// waiter is a caller of Take.
type waiter struct {
	answer chan answer // of size 1
}

type answer struct {
	certificate *Certificate
	err         error
}

// Take returns a certificate of the present epoch that was never handed out:
// one that is admitted, if there is one, and chosen at random among its like.
// If none is ready it waits for one being made. Call [Pool.BeginOpen] before it is
// opened. It returns the error of the
// context, of the source of terms, or one wrapping [ErrNoTerms], [ErrBusy],
// [ErrClosed], or a [MakeError].
func (p *Pool) Take(ctx context.Context) (*Certificate, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := p.look(ctx); err != nil {
		return nil, err
	}
	w, err := p.enqueue()
	if err != nil {
		return nil, err
	}
	select {
	case a := <-w.answer:
		return a.certificate, a.err
	case <-ctx.Done():
	}
	if p.abandon(w) {
		return nil, ctx.Err()
	}
	a := <-w.answer // it came at the same moment
	return a.certificate, a.err
}

// enqueue lets a caller wait, and answers at once if it can.
func (p *Pool) enqueue() (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("session: %w", ErrClosed)
	}
	if len(p.waiters) >= MaxWaiters {
		return nil, fmt.Errorf("session: %w", ErrBusy)
	}
	now := p.now()
	w := &waiter{answer: make(chan answer, 1)}
	p.waiters = append(p.waiters, w)
	p.serve(now)
	if pl := p.present(now); pl != nil && now.Before(pl.failFast) {
		p.refuse(len(p.waiters)-p.count(pl), pl.err)
	}
	wake(p.wakeMaker)
	return w, nil
}

// abandon forgets a waiter, and reports whether it had no answer yet.
func (p *Pool) abandon(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:i:i], p.waiters[i+1:]...)
			return true
		}
	}
	return false
}

// serve hands out what there is to those who wait, the first first.
func (p *Pool) serve(now time.Time) {
	for len(p.waiters) > 0 {
		e := p.choose(now)
		if e == nil {
			return
		}
		p.remove(e)
		p.taken++
		p.keepQuiet(now) // an open follows
		p.waiters[0].answer <- answer{certificate: e.certificate}
		p.waiters = p.waiters[1:]
	}
}

// refuse answers the last n that wait with an error.
func (p *Pool) refuse(n int, err error) {
	for ; n > 0 && len(p.waiters) > 0; n-- {
		last := len(p.waiters) - 1
		p.waiters[last].answer <- answer{err: err}
		p.waiters = p.waiters[:last]
	}
}

// choose returns an entry that can be handed out, or nil. The choice is random,
// so that the order of admissions tells nothing about the order of opens.
func (p *Pool) choose(now time.Time) *entry {
	var admitted, others []*entry
	pl := p.present(now)
	for _, e := range p.entries {
		switch {
		case e.plan != pl || e.busy:
		case e.certificate.Admitted():
			admitted = append(admitted, e)
		default:
			others = append(others, e)
		}
	}
	if len(admitted) == 0 {
		admitted = others
	}
	if len(admitted) == 0 {
		return nil
	}
	return admitted[below(int64(len(admitted)))]
}
