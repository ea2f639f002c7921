package mpc

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/consensys/gnark/backend/groth16"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
)

// Evaluations are the points of the keys that phase 2 does not change: a
// circuit's columns evaluated at tau.
type Evaluations = mpcsetup.Phase2Evaluations

// Seal ends phase 2 with a beacon, a public value that came after the last
// contribution, and returns the keys. The beacon's factor follows from the
// beacon and the hash of p; gnark's own Seal computes it and makes the keys, on
// copies: p, srs and evals are not changed, and the keys share nothing with
// them. The error is that of ctx, which is looked at before it begins.
func (p *Phase2) Seal(ctx context.Context, srs *SRS, evals *Evaluations, beacon []byte) (*gnark.ProvingKey, *gnark.VerifyingKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	last, err := p.gnark()
	if err != nil {
		return nil, nil, fmt.Errorf("sealing: %w", err)
	}
	e := *evals
	e.G1.VKK = slices.Clone(evals.G1.VKK) // the other points are copied as the keys are made
	pk, vk := last.Seal(srs, &e, beacon)
	return keys(pk, vk)
}

// keys names the concrete types.
func keys(pk groth16.ProvingKey, vk groth16.VerifyingKey) (*gnark.ProvingKey, *gnark.VerifyingKey, error) {
	p, ok := pk.(*gnark.ProvingKey)
	if !ok {
		return nil, nil, fmt.Errorf("sealing: a proving key of type %T", pk)
	}
	v, ok := vk.(*gnark.VerifyingKey)
	if !ok {
		return nil, nil, fmt.Errorf("sealing: a verifying key of type %T", vk)
	}
	return p, v, nil
}

// gnark returns a copy as gnark has it.
func (p *Phase2) gnark() (*mpcsetup.Phase2, error) {
	g := new(mpcsetup.Phase2)
	g.Parameters.G1.Delta = p.delta1
	g.Parameters.G2.Delta = p.delta2
	g.Parameters.G1.PKK = slices.Clone(p.k)
	g.Parameters.G1.Z = slices.Clone(p.z)
	g.Challenge = bytes.Clone(p.challenge)
	if _, err := g.Delta.ReadFrom(bytes.NewReader(p.proof.append(nil))); err != nil {
		return nil, err
	}
	return g, nil
}
