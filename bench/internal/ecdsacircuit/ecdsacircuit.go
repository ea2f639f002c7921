// Package ecdsacircuit is gnark's own verification of an ECDSA signature as a circuit,
// to measure beside: nothing else of zkkex uses it.
package ecdsacircuit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/algebra/emulated/sw_emulated"
	"github.com/consensys/gnark/std/math/emulated"
	gadget "github.com/consensys/gnark/std/signature/ecdsa"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex/internal/eckey"
)

// circuit verifies one signature: with a hidden key, as an anonymous proof has it, of a
// message that everybody knows.
type circuit[Base, Scalar emulated.FieldParams] struct {
	Message   emulated.Element[Scalar] `gnark:",public"`
	Signature gadget.Signature[Scalar]
	Key       gadget.PublicKey[Base, Scalar]
}

func (c *circuit[Base, Scalar]) Define(api frontend.API) error {
	c.Key.Verify(api, sw_emulated.GetCurveParams[Base](), &c.Message, &c.Signature)
	return nil
}

// Prover proves one signature again and again.
type Prover struct {
	system     *cs.R1CS
	key        gnark.ProvingKey
	assignment frontend.Circuit
}

// New compiles the circuit for a curve, with gnark's defaults, which is complete
// arithmetic, makes parameters that are thrown away, and signs something.
func New(curve eckey.Curve) (*Prover, error) {
	if curve == eckey.Secp256k1 {
		return newProver(&circuit[emulated.Secp256k1Fp, emulated.Secp256k1Fr]{}, assignSecp256k1)
	}
	return newProver(&circuit[emulated.P256Fp, emulated.P256Fr]{}, assignP256)
}

func newProver(empty frontend.Circuit, assign func() (frontend.Circuit, error)) (*Prover, error) {
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, empty)
	if err != nil {
		return nil, err
	}
	p := &Prover{system: compiled.(*cs.R1CS)}
	var verifying gnark.VerifyingKey
	if err := gnark.Setup(p.system, &p.key, &verifying); err != nil {
		return nil, err
	}
	p.assignment, err = assign()
	return p, err
}

// Constraints returns the number of constraints.
func (p *Prover) Constraints() int { return p.system.GetNbConstraints() }

// Prove makes a proof with gnark's prover.
func (p *Prover) Prove() error {
	w, err := frontend.NewWitness(p.assignment, ecc.BN254.ScalarField())
	if err != nil {
		return err
	}
	_, err = gnark.Prove(p.system, &p.key, w)
	return err
}

func digest() [32]byte { return sha256.Sum256([]byte("a message")) }

func assignP256() (frontend.Circuit, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	d := digest()
	r, s, err := ecdsa.Sign(rand.Reader, key, d[:])
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return assigned[emulated.P256Fp, emulated.P256Fr](point, d, r, s), nil
}

func assignSecp256k1() (frontend.Circuit, error) {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	d := digest()
	sig := secp256k1ecdsa.SignCompact(key, d[:], true)
	r, s := new(big.Int).SetBytes(sig[1:33]), new(big.Int).SetBytes(sig[33:])
	return assigned[emulated.Secp256k1Fp, emulated.Secp256k1Fr](key.PubKey().SerializeUncompressed(), d, r, s), nil
}

func assigned[Base, Scalar emulated.FieldParams](point []byte, digest [32]byte, r, s *big.Int) frontend.Circuit {
	var c circuit[Base, Scalar]
	c.Message = emulated.ValueOf[Scalar](new(big.Int).SetBytes(digest[:]))
	c.Signature.R, c.Signature.S = emulated.ValueOf[Scalar](r), emulated.ValueOf[Scalar](s)
	c.Key.X = emulated.ValueOf[Base](new(big.Int).SetBytes(point[1:33]))
	c.Key.Y = emulated.ValueOf[Base](new(big.Int).SetBytes(point[33:]))
	return &c
}
