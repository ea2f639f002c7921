package session

import (
	"context"
	"errors"
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

// keepLooking asks for the terms again and again, until the pool is closed. It
// does not wait for a proof that is being made: what is for old terms must not
// be handed out meanwhile.
func (p *Pool) keepLooking() {
	for p.ctx.Err() == nil {
		_ = p.look(p.ctx) // whoever waits was told, and State tells
		wake(p.wakeMaker)
		p.sleep(p.endOfEpoch(), p.wakeLook)
	}
}

// endOfEpoch returns when the present epoch ends, or zero.
func (p *Pool) endOfEpoch() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.present(p.now())
	if pl == nil {
		return time.Time{}
	}
	end, _ := pl.terms.Epoch.End()
	return end
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
