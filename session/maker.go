package session

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// keepMaking makes certificates, one at a time, until the pool is closed.
func (p *Pool) keepMaking() {
	for p.ctx.Err() == nil {
		pl, at := p.begin()
		if pl == nil {
			p.sleep(at, p.wakeMaker)
			continue
		}
		c, err := p.make(&pl.terms)
		p.finish(pl, c, err)
	}
}

// begin returns the plan to make a certificate for, now, or until when there is
// nothing to do: zero if nothing is known to come.
func (p *Pool) begin() (*plan, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	pl, at := p.due(now)
	p.making = pl != nil
	if current := p.present(now); current != nil {
		end, _ := current.terms.Epoch.End()
		at = earlier(at, end)
	}
	return pl, at
}

// due returns the plan that a certificate is due for, or when one will be.
func (p *Pool) due(now time.Time) (due *plan, at time.Time) {
	current := p.present(now)
	for _, pl := range p.plans {
		if pl.terms.over(now) {
			continue
		}
		waiting := 0
		if pl == current {
			waiting = len(p.waiters)
		}
		ready := p.count(pl)
		if waiting > ready {
			if !now.Before(pl.failFast) {
				return pl, at
			}
			at = earlier(at, pl.failFast)
		}
		if pl.refused >= maxRefused || pl.made >= pl.terms.Limit {
			continue
		}
		want, grows := pl.wanted(p.size, now)
		switch {
		case want+waiting <= ready:
			at = earlier(at, grows)
		case now.Before(pl.retryAt):
			at = earlier(at, pl.retryAt)
		default:
			return pl, at
		}
	}
	return nil, at
}

// earlier returns the earlier of two times; a zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// make makes one certificate, with a fresh key.
func (p *Pool) make(t *Terms) (*Certificate, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	presentation, err := p.prover.Prove(p.ctx, t.claim([32]byte(key.PublicKey().Bytes())))
	if err != nil {
		return nil, err
	}
	if err := t.check(presentation); err != nil {
		return nil, err
	}
	return New(presentation, key)
}

// finish takes in what making a certificate gave.
func (p *Pool) finish(pl *plan, c *Certificate, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making = false
	now := p.now()
	if err != nil {
		p.failMaking(pl, err, now)
		return
	}
	pl.made++
	pl.failures, pl.err, pl.failFast, pl.retryAt = 0, nil, time.Time{}, time.Time{}
	e := &entry{certificate: c, plan: pl}
	p.entries = append(p.entries, e)
	if p.closed || !slices.Contains(p.plans, pl) {
		p.drop(e)
		return
	}
	p.schedule(e, now, now.Add(p.spread))
	p.serve(now)
	wake(p.wakeAdmit)
}

// failMaking tells those who wait, and lets the prover rest.
func (p *Pool) failMaking(pl *plan, err error, now time.Time) {
	if p.closed {
		return
	}
	next, _ := pl.terms.Epoch.End()
	err = fmt.Errorf("session: %w", &MakeError{Err: err, Next: next})
	p.failed++
	p.lastError = err
	pl.failures++
	pl.err = err
	pl.retryAt = now.Add(backoff(pl.failures, firstRetry, lastRetry)).Round(0)
	pl.failFast = now.Add(failFast).Round(0)
	if errors.Is(err, ErrTerms) {
		pl.failFast = pl.retryAt // every try costs a slot
	}
	if pl == p.present(now) {
		p.refuse(len(p.waiters)-p.count(pl), err)
	}
}
