package plonk_test

import (
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
)

// chain is a circuit of a few rows with the public inputs of the real ones: it
// knows a secret that leads through them to the last.
type chain struct {
	Public [public.Count]frontend.Variable `gnark:",public"`
	Secret frontend.Variable
}

func (c *chain) Define(api frontend.API) error {
	sum := c.Secret
	for i := range public.Count - 1 {
		sum = api.Add(api.Mul(sum, c.Public[i]), c.Secret, 3)
	}
	api.AssertIsEqual(sum, c.Public[public.Count-1])
	return nil
}

// inputs returns inputs that a secret satisfies.
func inputs(secret uint64) (in [public.Count]field.Element) {
	var sum, s, three, term fr.Element
	s.SetUint64(secret)
	three.SetUint64(3)
	sum = s
	for i := range public.Count - 1 {
		in[i].SetUint64(uint64(i + 10))
		sum.Add(term.Mul(&sum, &in[i]), &s)
		sum.Add(&sum, &three)
	}
	in[public.Count-1] = sum
	return in
}

// domain is the one of the small circuit.
const domain = 16

// fixture is the small circuit with its keys.
type fixture struct {
	system    *cs.SparseR1CS
	srs       *plonk.SRS
	proving   *plonk.ProvingKey
	verifying *plonk.VerifyingKey
	inputs    [public.Count]field.Element
	proof     *plonk.Proof
	err       error
}

var shared = sync.OnceValue(func() (f fixture) {
	quiet.Gnark()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, new(chain))
	if err != nil {
		return fixture{err: err}
	}
	f.system = compiled.(*cs.SparseR1CS)
	f.srs = plonktest.SRS(domain, plonktest.Tau())
	if f.proving, f.err = plonk.NewProvingKey(f.system, f.srs); f.err != nil {
		return f
	}
	points := f.proving.Points()
	f.verifying = plonk.NewVerifyingKey(&points)
	f.inputs = inputs(7)
	f.proof, f.err = f.proving.Prove(full(7))
	return f
})

func load(t testing.TB) fixture {
	t.Helper()
	f := shared()
	if f.err != nil {
		t.Fatal(f.err)
	}
	return f
}

// full returns the witness of a secret; nil if there is none.
func full(secret uint64) witness.Witness {
	c := chain{Secret: secret}
	for i, in := range inputs(secret) {
		c.Public[i] = in
	}
	w, err := frontend.NewWitness(&c, ecc.BN254.ScalarField())
	if err != nil {
		return nil
	}
	return w
}
