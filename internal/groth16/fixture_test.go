package groth16

import (
	"bytes"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs_bn254 "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// powers is a small relation with as many public inputs as ours: each is
// squared into a wire of its own, and Secret is the fifth root of the first.
type powers struct {
	Public [public.Count]frontend.Variable `gnark:",public"`
	Secret frontend.Variable
}

func (c *powers) Define(api frontend.API) error {
	for _, x := range c.Public {
		api.Mul(x, x)
	}
	square := api.Mul(c.Secret, c.Secret)
	api.AssertIsEqual(api.Mul(square, square, c.Secret), c.Public[0])
	return nil
}

// unused leaves its last public input out of every constraint.
type unused powers

func (c *unused) Define(api frontend.API) error {
	for _, x := range c.Public[:public.Count-1] {
		api.Mul(x, x)
	}
	square := api.Mul(c.Secret, c.Secret)
	api.AssertIsEqual(api.Mul(square, square, c.Secret), c.Public[0])
	return nil
}

// fixture is one real setup and one real proof by gnark.
type fixture struct {
	vk     *gnark.VerifyingKey
	encVK  []byte
	proof  *gnark.Proof
	enc    []byte
	inputs [public.Count]field.Element
}

var shared = sync.OnceValues(func() (*fixture, error) { return newFixture(&powers{}) })

func newFixture(circuit frontend.Circuit) (*fixture, error) {
	logger.Disable()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, circuit)
	if err != nil {
		return nil, err
	}
	system := compiled.(*cs_bn254.R1CS)
	var pk gnark.ProvingKey
	f := &fixture{vk: new(gnark.VerifyingKey)}
	if err := gnark.Setup(system, &pk, f.vk); err != nil {
		return nil, err
	}
	var root fr.Element
	root.SetUint64(1234567)
	f.inputs[0].Square(&root).Square(&f.inputs[0]).Mul(&f.inputs[0], &root)
	for i := 1; i < public.Count; i++ {
		f.inputs[i].MustSetRandom()
	}
	assignment := &powers{Secret: root}
	for i := range f.inputs {
		assignment.Public[i] = f.inputs[i]
	}
	witness, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return nil, err
	}
	if f.proof, err = gnark.Prove(system, &pk, witness); err != nil {
		return nil, err
	}
	f.enc = (&Proof{A: f.proof.Ar, B: f.proof.Bs, C: f.proof.Krs}).Bytes()
	var vk bytes.Buffer
	if _, err := f.vk.WriteTo(&vk); err != nil {
		return nil, err
	}
	f.encVK = vk.Bytes()
	return f, nil
}

func load(t testing.TB) *fixture {
	t.Helper()
	f, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) key(t testing.TB) *VerifyingKey {
	t.Helper()
	points, err := ParsePoints(f.encVK)
	if err != nil {
		t.Fatal(err)
	}
	vk, err := NewVerifyingKey(points)
	if err != nil {
		t.Fatal(err)
	}
	return vk
}
