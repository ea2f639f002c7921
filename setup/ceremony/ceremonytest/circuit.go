// Package ceremonytest makes ceremonies for tests: in milliseconds, with a small
// circuit in a real one's place, and with planted faults around which everything
// else is as honest parties would have made it, so that no digest or signature
// hides them from the check that is for them.
package ceremonytest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
)

// Circuit is the circuit in whose place [Small] puts a small one.
const Circuit = zkkex.BabyJubjub20

// small is a relation of a domain of 16 with as many public inputs as ours have.
type small struct {
	Inputs [public.Count]frontend.Variable `gnark:",public"`
	Root   frontend.Variable
}

// Define squares each public input alone, and proves a root of the first.
func (c *small) Define(api frontend.API) error {
	for _, in := range c.Inputs {
		api.Mul(in, in)
	}
	power := c.Root
	for range 4 {
		power = api.Mul(power, power)
	}
	api.AssertIsEqual(power, c.Inputs[0])
	return nil
}

// Small puts a small circuit in the place of [Circuit] until the test ends, and
// gives the test a cache folder of its own. Such tests are not for parallel runs.
func Small(t testing.TB) {
	t.Helper()
	Cache(t)
	quiet.Gnark()
	compiledCircuit, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &small{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(compiled.TestingOnlyReplace(Circuit, compiledCircuit.(*cs.R1CS)))
}

// Cache gives the test a cache folder of its own and returns it.
func Cache(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	return dir
}

// Key returns the ssh-ed25519 key of a name. Everybody knows it.
func Key(t testing.TB, name string) ssh.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte("ceremonytest key of " + name))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
