package groth16prover

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/relation"
)

// Reasons why no proof comes out. They hold nothing of a witness.
var (
	// ErrKey reports a proving key that is not one of the constraint system, or a
	// system whose commitments are not those that this prover makes.
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
	wiresA, wiresB, wiresK, wiresD []int32
	commitment                     *relation.Commitment // nil without one

	bases      atomic.Pointer[bases]
	precompute sync.Once
	proofs     atomic.Uint64
}

// New returns the prover's view of a proving key, whose points it keeps. It
// returns an error wrapping [ErrKey] if lengths do not fit, or if the system has a
// commitment that would not hide what it is to.
func New(system *cs.R1CS, key *gnark.ProvingKey) (*Key, error) {
	size := relation.SizeOf(system)
	wires := size.Wires()
	commitment, err := relation.CommitmentOf(system)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(key.CommitmentKeys) != size.Commitments {
		return nil, fmt.Errorf("%w: commitment keys: expected %d, got %d", ErrKey, size.Commitments, len(key.CommitmentKeys))
	}
	k := &Key{
		system: system, points: key, commitment: commitment,
		wiresA: finite(key.InfinityA), wiresB: finite(key.InfinityB),
	}
	k.wiresK, k.wiresD = privateWires(size, commitment)
	basis, knowledge := commitmentBases(key)
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
		{"commitment key", len(basis), len(k.wiresD)},
		{"commitment key to the exponent", len(knowledge), len(k.wiresD)},
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

// privateWires returns the wires of K, and those that are committed to. The
// challenge is neither: to the equation it is public.
func privateWires(size relation.Size, c *relation.Commitment) (k, d []int32) {
	apart := make(map[int]bool)
	if c != nil {
		apart[c.Challenge] = true
		for _, wire := range c.Wires {
			apart[wire] = true
			d = append(d, int32(wire))
		}
	}
	for wire := size.Public; wire < size.Wires(); wire++ {
		if !apart[wire] {
			k = append(k, int32(wire))
		}
	}
	return k, d
}

// commitmentBases returns the bases of D and of E, if there are any.
func commitmentBases(key *gnark.ProvingKey) (d, e []curve.G1Affine) {
	if len(key.CommitmentKeys) == 0 {
		return nil, nil
	}
	return key.CommitmentKeys[0].Basis, key.CommitmentKeys[0].BasisExpSigma
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
