package mpc

import (
	"context"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/relation"
)

// Reasons why phase 2 cannot begin.
var (
	// ErrDomain reports an SRS of another domain than the circuit's.
	ErrDomain = errors.New("the SRS is for another domain")
	// ErrCommitments reports a circuit with commitments.
	ErrCommitments = errors.New("circuits with commitments are not supported")
	// ErrUnusedWire reports a wire that no constraint uses: a proof would be
	// valid for any value of it.
	ErrUnusedWire = errors.New("no constraint uses the wire")
)

// NewPhase2 returns where phase 2 begins for a circuit: delta is 1. It involves
// no secrets; everybody computes the same, and the same as gnark. The SRS must be
// for the [Domain] of the circuit. It looks at ctx between chunks of work and
// returns its error.
func NewPhase2(ctx context.Context, system *cs.R1CS, srs *SRS, progress Progress) (*Phase2, *Evaluations, error) {
	if err := checkSystem(system, srs); err != nil {
		return nil, nil, fmt.Errorf("beginning phase 2: %w", err)
	}
	basis, err := newLagrange(ctx, srs, progress)
	if err != nil {
		return nil, nil, err
	}
	evals, k, err := evaluate(ctx, system, basis, progress)
	if err != nil {
		return nil, nil, err
	}
	p := &Phase2{k: k, z: vanishing(srs)}
	_, _, p.delta1, p.delta2 = curve.Generators()
	if err := checkFinite(p, evals); err != nil {
		return nil, nil, fmt.Errorf("beginning phase 2: %w", err)
	}
	return p, evals, nil
}

// vanishing returns the points Z, for delta 1: tau^i*(tau^n-1), in bit-reversed
// order.
func vanishing(srs *SRS) []curve.G1Affine {
	n := domainOf(srs)
	z := make([]curve.G1Affine, n-1)
	for i := range z {
		z[reversed(i, n)].Sub(&srs.G1.Tau[i+n], &srs.G1.Tau[i])
	}
	return z
}

func checkSystem(system *cs.R1CS, srs *SRS) error {
	if commitments, ok := system.CommitmentInfo.(constraint.Groth16Commitments); !ok || len(commitments) > 0 {
		return ErrCommitments
	}
	if err := checkLengths(srs); err != nil {
		return err
	}
	if want, got := Domain(relation.SizeOf(system)), domainOf(srs); got != want {
		return fmt.Errorf("%w: expected %d for this circuit, got %d", ErrDomain, want, got)
	}
	return nil
}

// checkFinite makes sure that no point is at infinity where a contribution could
// not have one.
func checkFinite(p *Phase2, evals *Evaluations) error {
	for i := range p.z {
		if p.z[i].IsInfinity() {
			return &CheckError{Check: CheckTauValue, Err: errors.New("tau is in the domain")}
		}
	}
	for i, points := range [][]curve.G1Affine{evals.G1.VKK, p.k} {
		for j := range points {
			if points[j].IsInfinity() {
				return fmt.Errorf("%w %d", ErrUnusedWire, i*len(evals.G1.VKK)+j)
			}
		}
	}
	return nil
}
