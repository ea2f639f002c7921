package groth16

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/field"
)

// challengeTag separates the hash of a commitment from every other: gnark's
// constraint.CommitmentDst.
const challengeTag = "bsb22-commitment"

// Challenge returns the value of the wire that a circuit gets from its
// commitment: RFC 9380's hash_to_field with SHA-256 over the commitment,
// uncompressed. No public input is hashed with it, as [ParsePoints] refuses keys
// that ask for some.
func Challenge(d *curve.G1Affine) field.Element {
	b := d.RawBytes()
	out, err := fr.Hash(b[:], []byte(challengeTag), 1)
	if err != nil { // only for a tag that is too long
		panic("groth16: internal error: " + err.Error())
	}
	return out[0]
}
