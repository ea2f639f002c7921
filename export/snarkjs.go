package export

import (
	"encoding/json"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/public"
)

// Names of snarkjs' files, as its documentation calls them.
const (
	SnarkjsKeyFile    = "verification_key.json"
	SnarkjsPublicFile = "public.json"
	SnarkjsProofFile  = "proof.json"
)

// Names of the proof system and of the curve in snarkjs.
const (
	snarkjsProtocol = "groth16"
	snarkjsCurve    = "bn128"
)

// A point is written by its projective coordinates, in decimal, with Z = 1. An
// element of Fp2 is its real part, then its imaginary part.
type (
	snarkjsG1 [3]string
	snarkjsG2 [3][2]string
)

type snarkjsKey struct {
	Protocol string                      `json:"protocol"`
	Curve    string                      `json:"curve"`
	NPublic  int                         `json:"nPublic"`
	Alpha1   snarkjsG1                   `json:"vk_alpha_1"`
	Beta2    snarkjsG2                   `json:"vk_beta_2"`
	Gamma2   snarkjsG2                   `json:"vk_gamma_2"`
	Delta2   snarkjsG2                   `json:"vk_delta_2"`
	IC       [public.Count + 1]snarkjsG1 `json:"IC"`
}

type snarkjsProof struct {
	A        snarkjsG1 `json:"pi_a"`
	B        snarkjsG2 `json:"pi_b"`
	C        snarkjsG1 `json:"pi_c"`
	Protocol string    `json:"protocol"`
	Curve    string    `json:"curve"`
}

// Snarkjs returns the key as snarkjs' verification_key.json, without
// vk_alphabeta_12: that follows from two other fields, and no verifier of
// snarkjs reads it.
func (k *Key) Snarkjs() []byte {
	key := snarkjsKey{
		Protocol: snarkjsProtocol,
		Curve:    snarkjsCurve,
		NPublic:  public.Count,
		Alpha1:   toSnarkjsG1(&k.points.Alpha1),
		Beta2:    toSnarkjsG2(&k.points.Beta2),
		Gamma2:   toSnarkjsG2(&k.points.Gamma2),
		Delta2:   toSnarkjsG2(&k.points.Delta2),
	}
	for i := range k.points.K {
		key.IC[i] = toSnarkjsG1(&k.points.K[i])
	}
	return snarkjsJSON(&key)
}

// Snarkjs returns the proof as snarkjs' proof.json.
func (p *Proof) Snarkjs() []byte {
	return snarkjsJSON(&snarkjsProof{
		A:        toSnarkjsG1(&p.points.A),
		B:        toSnarkjsG2(&p.points.B),
		C:        toSnarkjsG1(&p.points.C),
		Protocol: snarkjsProtocol,
		Curve:    snarkjsCurve,
	})
}

// SnarkjsPublic returns the public inputs as snarkjs' public.json: a list of
// decimal numbers below the order of the scalar field.
func (p *Proof) SnarkjsPublic() []byte {
	var inputs [public.Count]string
	for i := range p.inputs {
		inputs[i] = decimal(&p.inputs[i])
	}
	return snarkjsJSON(&inputs)
}

func toSnarkjsG1(p *curve.G1Affine) snarkjsG1 {
	return snarkjsG1{decimal(&p.X), decimal(&p.Y), "1"}
}

func toSnarkjsG2(p *curve.G2Affine) snarkjsG2 {
	return snarkjsG2{
		{decimal(&p.X.A0), decimal(&p.X.A1)},
		{decimal(&p.Y.A0), decimal(&p.Y.A1)},
		{"1", "0"},
	}
}

// decimal returns the one decimal form of an element. Its own String writes the
// largest elements as negative numbers.
func decimal(e interface{ BigInt(*big.Int) *big.Int }) string {
	return e.BigInt(new(big.Int)).String()
}

// snarkjsJSON indents as snarkjs does. The types above cannot fail to encode.
func snarkjsJSON(v any) []byte {
	b, _ := json.MarshalIndent(v, "", " ")
	return append(b, '\n')
}
