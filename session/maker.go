package session

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// plan is what a pool knows of the terms of one epoch.
type plan struct {
	terms   Terms
	moments []time.Time // when certificates are made before the epoch begins

	made     uint32
	refused  int // by the venue, as used
	failures int // in a row
	err      error
	failFast time.Time // callers get err again until then
	retryAt  time.Time
}

// newPlan draws the moments at which certificates of an epoch are made ahead:
// each independent, so that they come in no burst.
func newPlan(t Terms, size int, now time.Time) *plan {
	pl := &plan{terms: t}
	from, to, err := window(t.Epoch)
	if err != nil || t.begun(now) {
		return pl
	}
	if now.After(from) {
		from = now
	}
	for range size {
		pl.moments = append(pl.moments, moment(from, to))
	}
	slices.SortFunc(pl.moments, time.Time.Compare)
	return pl
}

// wanted returns how many certificates of the plan should be ready, and when
// that grows next, or zero.
func (pl *plan) wanted(size int, now time.Time) (n int, grows time.Time) {
	if pl.terms.begun(now) {
		return size, grows
	}
	for _, m := range pl.moments {
		if m.After(now) {
			return n, m
		}
		n++
	}
	return n, grows
}

// look asks for the terms and drops what is not for them. It returns an error
// if there are none for the present epoch, after telling everybody who waits.
func (p *Pool) look(ctx context.Context) error {
	select {
	case p.looking <- struct{}{}:
		defer func() { <-p.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	list, err := p.source.Terms(ctx, p.now())
	now := p.now()
	if err == nil {
		list, err = usable(list, now)
	}
	if err != nil && !errors.Is(err, ErrNoTerms) {
		list = p.known(now)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replan(list, now)
	if err != nil && ctx.Err() == nil {
		p.lastError = err
		p.refuse(len(p.waiters), err)
	}
	return err
}

// known returns the terms known before, for when their source cannot tell.
func (p *Pool) known(now time.Time) (list []Terms) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pl := range p.plans {
		if !pl.terms.over(now) {
			list = append(list, pl.terms)
		}
	}
	return list
}

// replan keeps the plans for the terms in list, begins new ones, and drops the
// certificates of all others.
func (p *Pool) replan(list []Terms, now time.Time) {
	var plans []*plan
	for _, t := range list {
		i := slices.IndexFunc(p.plans, func(pl *plan) bool { return pl.terms == t })
		if i >= 0 {
			plans = append(plans, p.plans[i])
			continue
		}
		plans = append(plans, newPlan(t, p.size, now))
	}
	p.plans = plans
	for _, e := range slices.Clone(p.entries) {
		if !e.busy && !slices.Contains(plans, e.plan) { // the end of its admission drops a busy one
			p.drop(e)
		}
	}
}

// present returns the plan of the present epoch, or nil.
func (p *Pool) present(now time.Time) *plan {
	for _, pl := range p.plans {
		if pl.terms.begun(now) && !pl.terms.over(now) {
			return pl
		}
	}
	return nil
}

// keepMaking makes certificates, one at a time, until the pool is closed.
func (p *Pool) keepMaking() {
	for p.ctx.Err() == nil {
		_ = p.look(p.ctx) // whoever waits was told, and State tells
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
