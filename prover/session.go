package prover

import (
	"context"
	"errors"
	"sync"

	"github.com/consensys/gnark/backend/witness"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
)

// ErrClosed reports a session or a holder that was closed.
var ErrClosed = errors.New("prover: closed")

// Session proves one statement after the other. As long as they are one member's
// at one root, which leaves most of the witness as it was, a proof costs a
// fraction of the first with Groth16, and the same with PLONK; no proof shows that
// it was made this way. It is safe for concurrent use.
//
// A session keeps the last member's witness and values that would recognise the
// proofs made in the session. They stay in memory, and are wiped as soon as the
// member or the root changes, and by Close.
type Session struct {
	prover *Prover

	mu     sync.Mutex
	common common
	sums   engineSession
	closed bool
}

// common is what the proofs that share sums have in common.
type common struct {
	root   zkkex.Root
	member zkkex.Commitment
}

// Session returns a session.
func (p *Prover) Session() *Session { return &Session{prover: p} }

// Prove does what [Prover.Prove] does, with the same errors, and [ErrClosed].
func (s *Session) Prove(ctx context.Context, st *zkkex.Statement, w *circuits.Witness) (zkkex.Proof, error) {
	sums, err := s.sumsFor(common{root: st.Root, member: w.Commitment()})
	if err != nil {
		return nil, err
	}
	proof, err := s.prover.prove(ctx, st, w, func(full witness.Witness) (zkkex.Proof, error) {
		proof, err := sums.prove(full)
		if errors.Is(err, errSessionClosed) { // member or root changed meanwhile
			return s.prover.engine.prove(full)
		}
		return proof, err
	})
	if errors.Is(err, ErrUnproved) {
		s.forget(sums) // they may be damaged
	}
	return proof, err
}

// Close wipes what the session keeps. Proofs in progress may still come out.
// Closing twice is allowed.
func (s *Session) Close() {
	s.mu.Lock()
	sums := s.sums
	s.sums, s.common, s.closed = nil, common{}, true
	s.mu.Unlock()
	if sums != nil {
		sums.close()
	}
}

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// sumsFor returns the sums to build upon, and wipes those of another member or
// root.
func (s *Session) sumsFor(c common) (engineSession, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	old := s.sums
	if old != nil && s.common == c {
		s.mu.Unlock()
		return old, nil
	}
	sums := s.prover.engine.newSession()
	s.sums, s.common = sums, c
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
	return sums, nil
}

// forget wipes sums, and lets the next proof start anew.
func (s *Session) forget(sums engineSession) {
	s.mu.Lock()
	if s.sums == sums {
		s.sums, s.common = nil, common{}
	}
	s.mu.Unlock()
	sums.close()
}
