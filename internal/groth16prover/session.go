package groth16prover

import (
	"sync"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"

	"github.com/zkkex/zkkex/internal/groth16"
)

// Session proves statements whose wires differ little. It keeps the wires of its
// first proof and their sums, and computes each later proof's sums as these and
// those of the differences. The quotient is computed in full, and the blinding and
// the wire that hides the others in a commitment are new every time, so a proof's
// distribution is that of [Key.Prove].
//
// What it keeps is as secret as the witness: it stays in memory, and [Session.Close]
// wipes it. A session is safe for concurrent use.
type Session struct {
	key    *Key
	mu     sync.RWMutex // held for reading while base is read
	base   *base
	closed bool
}

// base is what a session keeps.
type base struct {
	wires []fr.Element
	sums  wireSums
	d     curve.G1Jac // the commitment
}

// NewSession returns a session that has nothing to build upon yet.
func (k *Key) NewSession() *Session { return &Session{key: k} }

// Prove is [Key.Prove], and cheaper from the second time on. It returns
// [ErrClosed] if the session is closed before it is done with what the session
// keeps.
func (s *Session) Prove(w witness.Witness) (*groth16.Proof, error) {
	return s.key.prove(w, s, newBlinding)
}

// Close wipes what the session keeps, once proofs have stopped to read it.
// Closing twice is allowed.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.base == nil {
		return
	}
	clear(s.base.wires)
	*s.base = base{}
	s.base = nil
}

// sum sums over all wires. Whoever comes first sums in full, and others wait for
// it, as that is cheaper.
func (s *Session) sum(solution *solution) (*wireSums, error) {
	if sums, err := s.begin(solution); sums != nil || err != nil {
		return sums, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	rows, changes := changes(s.base.wires, solution.W)
	defer clear(changes)
	sums := s.key.sumRows(rows, changes)
	sums.add(&s.base.sums)
	return sums, nil
}

// begin sums in full and keeps the sums if there are none yet; else it returns
// nothing.
func (s *Session) begin(solution *solution) (*wireSums, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.base != nil {
		return nil, nil
	}
	sums, err := s.key.sum(solution)
	if err != nil {
		return nil, err
	}
	s.base = &base{wires: append([]fr.Element(nil), solution.W...), sums: *sums, d: solution.d}
	return sums, nil
}

// commit commits to values by what has changed of them. There may be nothing to
// build upon yet.
func (s *Session) commit(values []fr.Element) (curve.G1Jac, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return curve.G1Jac{}, ErrClosed
	}
	if s.base == nil {
		return s.key.commit(values)
	}
	before := make([]fr.Element, len(values))
	defer clear(before)
	for i, wire := range s.key.wiresD {
		before[i] = s.base.wires[wire]
	}
	rows, changes := changes(before, values)
	defer clear(changes)
	d := s.key.commitRows(rows, changes)
	return *d.AddAssign(&s.base.d), nil
}

// changes returns the differences between values and what they were before, and
// for each value the row of its difference, or -1 if there is none.
func changes(before, values []fr.Element) (rows []int32, changes []fr.Element) {
	rows = make([]int32, len(values))
	for i := range values {
		if values[i].Equal(&before[i]) {
			rows[i] = -1
			continue
		}
		var change fr.Element
		rows[i] = int32(len(changes))
		changes = append(changes, *change.Sub(&values[i], &before[i]))
	}
	return rows, changes
}
