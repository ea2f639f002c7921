package ceremony

import "github.com/zkkex/zkkex/internal/mpc"

// How long parts of the work take, in tenths of a second on two slow cores for the
// circuits that ship. They make progress even, and nothing else follows from them.
const (
	costPowers     = 6 // reading and verifying imported powers
	costChain      = 1 // and the contributions to them
	costRead1      = 6 // reading a contribution to phase 1
	costVerify1    = 3
	costRead2      = 1 // reading one to phase 2
	costVerify2    = 1
	costMake1      = 15 // contributing
	costMake2      = 5
	costSeal1      = 16 // closing phase 1
	costSeal2      = 4
	costBasis      = 67 // beginning phase 2: transforming the powers of tau,
	costMultiples  = 5  // preparing them,
	costEvaluation = 50 // and evaluating the circuit
)

// fine is how many steps of progress one unit of cost has.
const fine = 1000

// meter tells of work of several parts as of one step, so that how long it took says
// how long the rest will take.
type meter struct {
	progress Progress
	step     string
	total    int // cost of all parts
	begun    int // cost of the parts before the one under way
	at       int // what was told last, in fine steps
}

func newMeter(progress Progress, step string, total int) *meter {
	m := &meter{progress: progress, step: step, total: total}
	m.progress.report(step, 0, total*fine)
	return m
}

// tell moves on, and never back.
func (m *meter) tell(at int) {
	if at = min(at, m.total*fine); at > m.at {
		m.at = at
		m.progress.report(m.step, at, m.total*fine)
	}
}

// part returns the progress of the next part, and what ends it. The part may tell of
// steps with names of their own, one after the other, of so much cost each.
func (m *meter) part(costs ...int) (within mpc.Progress, end func()) {
	base, i, name := m.begun, 0, ""
	for _, cost := range costs {
		m.begun += cost
	}
	within = func(step string, done, total int) {
		if name != "" && step != name && i < len(costs)-1 {
			base += costs[i]
			i++
		}
		name = step
		if total > 0 {
			m.tell(base*fine + int(int64(costs[i])*fine*int64(done)/int64(total)))
		}
	}
	return within, func() { m.tell(m.begun * fine) }
}

// did ends a part that tells nothing.
func (m *meter) did(cost int) {
	_, end := m.part(cost)
	end()
}

// end ends all parts.
func (m *meter) end() { m.tell(m.total * fine) }

// beginning returns what beginning phase 2 costs, by its steps, or nothing if that was
// done.
func (r *replay) beginning() []int {
	closing, err := r.closing()
	if err != nil || r.c.begun != nil && r.c.begun.of == r.digest(closing) {
		return nil
	}
	costs := []int{costBasis, costMultiples, costEvaluation}
	if closing > 0 {
		costs = append([]int{costSeal1}, costs...)
	}
	return costs
}

// cost returns what verifying a step costs.
func (r *replay) cost(step int) int {
	if step == 0 {
		if r.c.definition.Imported == nil {
			return 0
		}
		return costPowers + costChain
	}
	h := &r.c.files[step-1].Header
	switch {
	case h.Kind == Beacon:
		return 0
	case h.Phase == 1:
		return costRead1 + costVerify1
	case step == 1 || r.c.files[step-2].Header.Phase == 1: // the first of phase 2
		return costRead2 + costVerify2 + sum(r.beginning())
	}
	return costRead2 + costVerify2
}

func sum(costs []int) (total int) {
	for _, cost := range costs {
		total += cost
	}
	return total
}
