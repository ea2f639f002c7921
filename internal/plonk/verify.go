package plonk

import (
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// ErrNoProof reports a proof that does not verify.
var ErrNoProof = errors.New("the proof does not verify")

// Verify returns nil if p proves the relation for the public inputs, and
// [ErrNoProof] if it does not. The equations and the Fiat-Shamir transcript are
// gnark's. Whatever gnark takes on trust is settled before: a [Proof] and a
// [VerifyingKey] hold finite points of the curve, canonical scalars, the one
// number of values, no commitments; the inputs are as many as the key has, and
// size, generator and cosets follow from the domain.
func (vk *VerifyingKey) Verify(p *Proof, inputs [public.Count]field.Element) error {
	if err := gnark.Verify(p.gnark(), &vk.key, fr.Vector(inputs[:])); err != nil {
		return ErrNoProof
	}
	return nil
}
