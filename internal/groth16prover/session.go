package groth16prover

import (
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"

	"github.com/zkkex/zkkex/internal/groth16"
)

// Session proves statements whose wires differ little. It keeps the wires of its
// first proof and their sums, and computes each later proof's sums as these and
// those of the differences. The quotient is computed in full and the blinding is
// new every time, so a proof's distribution is that of [Key.Prove].
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
}

// NewSession returns a session that has nothing to build upon yet.
func (k *Key) NewSession() *Session { return &Session{key: k} }

// Prove is [Key.Prove], and cheaper from the second time on. It returns
// [ErrClosed] if the session is closed before it is done with what the session
// keeps.
func (s *Session) Prove(w witness.Witness) (*groth16.Proof, error) {
	return s.key.prove(w, s.sum, newBlinding)
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
func (s *Session) sum(wires []fr.Element) (*wireSums, error) {
	if sums, err := s.begin(wires); sums != nil || err != nil {
		return sums, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	sums := s.sumChanges(wires)
	sums.add(&s.base.sums)
	return sums, nil
}

// begin sums in full and keeps the sums if there are none yet; else it returns
// nothing.
func (s *Session) begin(wires []fr.Element) (*wireSums, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.base != nil {
		return nil, nil
	}
	sums, err := s.key.sumWires(wires)
	if err != nil {
		return nil, err
	}
	s.base = &base{wires: append([]fr.Element(nil), wires...), sums: *sums}
	return sums, nil
}

// sumChanges sums over what the wires have changed by.
func (s *Session) sumChanges(wires []fr.Element) *wireSums {
	rows := make([]int32, len(wires))
	var changes []fr.Element
	for i := range wires {
		if wires[i].Equal(&s.base.wires[i]) {
			rows[i] = -1
			continue
		}
		var change fr.Element
		rows[i] = int32(len(changes))
		changes = append(changes, *change.Sub(&wires[i], &s.base.wires[i]))
	}
	defer clear(changes)
	return s.key.sumRows(rows, changes)
}
