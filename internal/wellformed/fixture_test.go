package wellformed_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/wellformed"
)

// chain is a small circuit in which some wires have no A and some no B, with
// constants that are not 1 and a domain that is not full.
type chain struct {
	Y, Z frontend.Variable `gnark:",public"`
	X, W frontend.Variable
}

func (c *chain) Define(api frontend.API) error {
	square := api.Mul(c.X, c.X)
	cube := api.Mul(square, c.X)
	api.AssertIsEqual(c.Y, api.Add(cube, api.Mul(7, c.X), 5))
	api.AssertIsEqual(api.Mul(c.Z, c.Z), api.Mul(api.Sub(c.W, 3), api.Add(c.W, square)))
	api.AssertIsBoolean(api.Sub(c.Y, c.W))
	return nil
}

// other has the size of chain and other constants.
type other struct {
	Y, Z frontend.Variable `gnark:",public"`
	X, W frontend.Variable
}

func (c *other) Define(api frontend.API) error {
	square := api.Mul(c.X, c.X)
	cube := api.Mul(square, c.X)
	api.AssertIsEqual(c.Y, api.Add(cube, api.Mul(8, c.X), 5))
	api.AssertIsEqual(api.Mul(c.Z, c.Z), api.Mul(api.Sub(c.W, 3), api.Add(c.W, square)))
	api.AssertIsBoolean(api.Sub(c.Y, c.W))
	return nil
}

// loose has a public input that no constraint uses.
type loose struct {
	Y, Unused frontend.Variable `gnark:",public"`
	X         frontend.Variable
}

func (c *loose) Define(api frontend.API) error {
	api.AssertIsEqual(c.Y, api.Mul(c.X, c.X))
	api.AssertIsEqual(api.Mul(c.Y, c.Y), api.Mul(c.X, c.X, c.X, c.X))
	return nil
}

func compile(t testing.TB, circuit frontend.Circuit) *cs.R1CS {
	t.Helper()
	quiet.Gnark()
	system, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, circuit, frontend.IgnoreUnconstrainedInputs())
	if err != nil {
		t.Fatal(err)
	}
	return system.(*cs.R1CS)
}

// ceremony runs both phases. Without a contribution to the second, delta is the
// generator.
func ceremony(t testing.TB, system *cs.R1CS, contribute bool) wellformed.Keys {
	t.Helper()
	n := ecc.NextPowerOfTwo(uint64(system.GetNbConstraints()))
	phase1 := mpcsetup.NewPhase1(n)
	phase1.Contribute()
	srs := phase1.Seal([]byte("beacon of phase 1"))
	var phase2 mpcsetup.Phase2
	evals := phase2.Initialize(system, &srs)
	if contribute {
		phase2.Contribute()
	}
	pk, vk := phase2.Seal(&srs, &evals, []byte("beacon of phase 2"))
	return wellformed.Keys{
		System:       system,
		SRS:          &srs,
		ProvingKey:   pk.(*gnark.ProvingKey),
		VerifyingKey: vk.(*gnark.VerifyingKey),
	}
}

var sealed = sync.OnceValue(func() wellformed.Keys {
	var t testing.T
	return ceremony(&t, compile(&t, &chain{}), true)
})

// fresh returns keys that may be changed.
func fresh() wellformed.Keys { return clone(sealed()) }

// clone copies the keys; the circuit and the first phase are shared.
func clone(keys wellformed.Keys) wellformed.Keys {
	pk, vk := *keys.ProvingKey, *keys.VerifyingKey
	pk.G1.A, pk.G1.B, pk.G1.K, pk.G1.Z = slices.Clone(pk.G1.A), slices.Clone(pk.G1.B), slices.Clone(pk.G1.K), slices.Clone(pk.G1.Z)
	pk.G2.B = slices.Clone(pk.G2.B)
	pk.InfinityA, pk.InfinityB = slices.Clone(pk.InfinityA), slices.Clone(pk.InfinityB)
	vk.G1.K = slices.Clone(vk.G1.K)
	keys.ProvingKey, keys.VerifyingKey = &pk, &vk
	return keys
}

// encoded returns the bytes of both keys, to compare.
func encoded(t *testing.T, keys wellformed.Keys) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := keys.ProvingKey.WriteRawTo(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.VerifyingKey.WriteRawTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
