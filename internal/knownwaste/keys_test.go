package knownwaste

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/rangecheck"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/groth16prover"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
)

func TestMain(m *testing.M) {
	quiet.Gnark()
	os.Exit(m.Run())
}

// product knows a factor of the first public input.
type product struct {
	Public  [public.Count]frontend.Variable `gnark:",public"`
	A, B    frontend.Variable
	Checked bool
	Unused  []frontend.Variable
}

func (c *product) Define(api frontend.API) error {
	if c.Checked {
		rangecheck.New(api).Check(c.A, 30)
	}
	api.AssertIsEqual(api.Mul(c.A, c.B), c.Public[0])
	for _, x := range c.Public {
		api.Mul(x, x)
	}
	return nil
}

func compile(t *testing.T, c frontend.Circuit) *cs.R1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.R1CS)
}

// keys returns the keys of a circuit, encoded.
func keys(t *testing.T, system *cs.R1CS, w *Waste) (pk, vk []byte) {
	t.Helper()
	proving, verifying, err := Keys(t.Context(), system, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := proving.WriteRawTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), verifying.Bytes()
}

// The keys prove and verify, with our prover and with gnark's, and the loaders find
// nothing wrong with them.
func TestKeysWork(t *testing.T) {
	for _, checked := range []bool{false, true} {
		system := compile(t, &product{Checked: checked})
		encoded, encodedVK := keys(t, system, Of(relation.Digest(system)))
		points, err := groth16.ParsePoints(encodedVK)
		if err != nil {
			t.Fatal(err)
		}
		vk, err := groth16.NewVerifyingKey(points)
		if err != nil {
			t.Fatal(err)
		}
		pk, err := provingkey.Parse(encoded, relation.SizeOf(system), points, provingkey.Untrusted)
		if err != nil {
			t.Fatal(err)
		}
		assignment := &product{A: 6, B: 7}
		var inputs [public.Count]fr.Element
		for i := range inputs {
			inputs[i].SetUint64(uint64(42 + i))
			assignment.Public[i] = inputs[i]
		}
		w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
		if err != nil {
			t.Fatal(err)
		}
		key, err := groth16prover.New(system, pk)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := key.Prove(w)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := gnark.Prove(system, pk, w)
		if err != nil {
			t.Fatal(err)
		}
		again := &groth16.Proof{A: theirs.Ar, B: theirs.Bs, C: theirs.Krs}
		if checked {
			again.Commitment = &groth16.Commitment{D: theirs.Commitments[0], E: theirs.CommitmentPok}
		}
		for name, p := range map[string]*groth16.Proof{"ours": ours, "gnark's": again} {
			if err := vk.Verify(p, inputs); err != nil {
				t.Errorf("with a commitment: %v, %s: %v", checked, name, err)
			}
		}
		inputs[0].SetUint64(43)
		if err := vk.Verify(ours, inputs); !errors.Is(err, groth16.ErrNoProof) {
			t.Errorf("with a commitment: %v, another input: %v", checked, err)
		}
	}
}

// The keys are the same on one processor and on many, and those of every machine.
func TestKeysAreDeterministic(t *testing.T) {
	system := compile(t, &product{Checked: true})
	w := Of([32]byte{1}) // whatever the digest is: what compiles it may change
	pk, vk := keys(t, system, w)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	pkOne, vkOne := keys(t, system, w)
	if !bytes.Equal(pk, pkOne) || !bytes.Equal(vk, vkOne) {
		t.Error("one processor makes other keys")
	}
	plain := compile(t, new(product))
	pk, vk = keys(t, plain, w)
	const want = "5a4c9ec04187179f4121d436cc80b6e5a681794a519c0407f0f42bd3f6e01364"
	if got := fmt.Sprintf("%x", sha256.Sum256(append(pk, vk...))); got != want {
		t.Errorf("keys with SHA-256 %s, want %s", got, want)
	}
}

// Circuits with other digests have nothing in common.
func TestWasteFollowsFromTheCircuit(t *testing.T) {
	seen := map[fr.Element]bool{}
	for _, digest := range [][32]byte{{}, {1}, {31: 1}} {
		w := Of(digest)
		for _, e := range []fr.Element{w.Tau, w.Alpha, w.Beta, w.Gamma, w.Delta, w.G, w.Sigma} {
			seen[e] = true
		}
	}
	if len(seen) != 21 {
		t.Errorf("%d different scalars of 21", len(seen))
	}
}

func TestKeysAreRefused(t *testing.T) {
	system := compile(t, new(product))
	for name, spoil := range map[string]func(w *Waste){
		"tau in the domain": func(w *Waste) { w.Tau.SetOne() },
		"alpha is 0":        func(w *Waste) { w.Alpha = fr.Element{} },
		"beta is 0":         func(w *Waste) { w.Beta = fr.Element{} },
		"gamma is 0":        func(w *Waste) { w.Gamma = fr.Element{} },
		"delta is 0":        func(w *Waste) { w.Delta = fr.Element{} },
		"g is 0":            func(w *Waste) { w.G = fr.Element{} },
		"sigma is 0":        func(w *Waste) { w.Sigma = fr.Element{} },
	} {
		w := Of([32]byte{})
		spoil(w)
		if pk, _, err := Keys(t.Context(), system, w, nil); err == nil || pk != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	unused := compile(t, &product{Unused: make([]frontend.Variable, 1)})
	if _, _, err := Keys(t.Context(), unused, Of([32]byte{}), nil); !errors.Is(err, ErrUnusedWire) {
		t.Errorf("an unused wire: %v, want %v", err, ErrUnusedWire)
	}
	system.Public = append(system.Public, "another")
	if _, _, err := Keys(t.Context(), system, Of([32]byte{}), nil); !errors.Is(err, ErrPublicInputs) {
		t.Errorf("another public input: %v, want %v", err, ErrPublicInputs)
	}
}

// Work ends with its context, between steps, and tells how far it is.
func TestKeysInterrupted(t *testing.T) {
	system := compile(t, new(product))
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, _, err := Keys(ctx, system, Of([32]byte{}), func(_ string, done, total int) {
		if steps++; done == 1 {
			cancel()
		}
		if done >= total {
			t.Errorf("step %d of %d", done, total)
		}
	})
	if !errors.Is(err, context.Canceled) || steps != 2 {
		t.Errorf("%v after %d steps", err, steps)
	}
}
