package groth16prover

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Reasons why no proof comes out. They hold nothing of a witness.
var (
	// ErrKey reports a proving key that is not one of the constraint system, or
	// one with commitments, which this prover does not make.
	ErrKey = errors.New("the proving key does not fit the constraint system")
	// ErrWitnessSize reports a witness with another number of values than the
	// constraint system has inputs.
	ErrWitnessSize = errors.New("wrong number of values in the witness")
	// ErrUnsatisfied reports a witness that does not satisfy the constraints.
	ErrUnsatisfied = errors.New("the witness does not satisfy the constraints")
	// ErrClosed reports a session that was closed.
	ErrClosed = errors.New("the session is closed")
)

// Key is a proving key with its constraint system. It is safe for concurrent
// use.
type Key struct {
	system *cs.R1CS
	points *gnark.ProvingKey
	// Wires of the points of each part; a wire that a part has no point for is
	// not among them.
	wiresA, wiresB, wiresK []int32

	bases      atomic.Pointer[bases]
	precompute sync.Once
	proofs     atomic.Uint64
}

// New returns the prover's view of a proving key, whose points it keeps. It
// returns an error wrapping [ErrKey] if lengths do not fit.
func New(system *cs.R1CS, key *gnark.ProvingKey) (*Key, error) {
	public := system.GetNbPublicVariables()
	wires := public + system.GetNbSecretVariables() + system.GetNbInternalVariables()
	info, ok := system.CommitmentInfo.(constraint.Groth16Commitments)
	if !ok || len(info) != 0 || len(key.CommitmentKeys) != 0 {
		return nil, fmt.Errorf("%w: expected no commitments", ErrKey)
	}
	k := &Key{
		system: system, points: key,
		wiresA: finite(key.InfinityA), wiresB: finite(key.InfinityB), wiresK: make([]int32, wires-public),
	}
	for i := range k.wiresK {
		k.wiresK[i] = int32(public + i)
	}
	for _, part := range []struct {
		name      string
		got, want int
	}{
		{"flags of A", len(key.InfinityA), wires},
		{"flags of B", len(key.InfinityB), wires},
		{"A", len(key.G1.A), len(k.wiresA)},
		{"B", len(key.G1.B), len(k.wiresB)},
		{"B in G2", len(key.G2.B), len(k.wiresB)},
		{"K", len(key.G1.K), len(k.wiresK)},
		{"Z", len(key.G1.Z), int(key.Domain.Cardinality) - 1},
	} {
		if part.got != part.want {
			return nil, fmt.Errorf("%w: %s: expected %d, got %d", ErrKey, part.name, part.want, part.got)
		}
	}
	if uint64(system.GetNbConstraints()) > key.Domain.Cardinality {
		return nil, fmt.Errorf("%w: %d constraints in a domain of %d", ErrKey, system.GetNbConstraints(), key.Domain.Cardinality)
	}
	k.bases.Store(plain(key))
	return k, nil
}

// finite returns the wires that have a point.
func finite(infinite []bool) []int32 {
	wires := make([]int32, 0, len(infinite))
	for i, none := range infinite {
		if !none {
			wires = append(wires, int32(i))
		}
	}
	return wires
}
