package session

import "time"

// State is what a pool has and does. It holds no secrets.
type State struct {
	// Ready is how many certificates of the present epoch can be taken, and
	// Next how many are made for the next one.
	Ready, Next int
	// Admitted is how many of both the venue has admitted.
	Admitted int
	// Making says that a certificate is being made.
	Making bool
	// Wanted is how many callers wait for one.
	Wanted int
	// Taken is how many were handed out.
	Taken uint64
	// Dropped is how many were made and never handed out, because their epoch
	// or generation was over or the venue refused them: slots that are lost.
	// Those in Ready and Next are lost as well when the process ends.
	Dropped uint64
	// Failed is how often making one failed. The prover's error says whether
	// that cost a slot.
	Failed uint64
	// LastError is what went wrong last, or nil.
	LastError error
	// NextRefresh is when a certificate will be made next, or zero if nothing
	// is planned.
	NextRefresh time.Time
}

// State returns the present state.
func (p *Pool) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	s := State{
		Making: p.making, Wanted: len(p.waiters), LastError: p.lastError,
		Taken: p.taken, Dropped: p.dropped, Failed: p.failed,
	}
	current := p.present(now)
	for _, e := range p.entries {
		switch {
		case e.plan.terms.over(now):
			continue
		case e.plan == current:
			s.Ready++
		default:
			s.Next++
		}
		if e.certificate.Admitted() {
			s.Admitted++
		}
	}
	due, at := p.due(now)
	if due != nil {
		at = now
	}
	s.NextRefresh = at
	return s
}
