package plonk_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	gnark "github.com/consensys/gnark/backend/plonk/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/internal/public"
)

func TestProveAndVerify(t *testing.T) {
	f := load(t)
	if err := f.verifying.Verify(f.proof, f.inputs); err != nil {
		t.Fatal(err)
	}
	parsed, err := plonk.ParseProof(f.proof.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.verifying.Verify(parsed, f.inputs); err != nil {
		t.Errorf("from its bytes: %v", err)
	}
	for i := range f.inputs {
		changed := f.inputs
		changed[i].Double(&changed[i])
		if err := f.verifying.Verify(f.proof, changed); !errors.Is(err, plonk.ErrNoProof) {
			t.Errorf("public input %d changed: %v", i, err)
		}
	}
}

// gnark, with keys of its own setup from the same string, agrees: the points are
// the same, and it verifies our proof.
func TestAgreesWithGnark(t *testing.T) {
	f := load(t)
	_, _, g1, g2 := curve.Generators()
	vk := kzg.VerifyingKey{G1: g1, G2: [2]curve.G2Affine{g2, f.srs.Tau}}
	vk.Lines[0], vk.Lines[1] = curve.PrecomputeLines(g2), curve.PrecomputeLines(f.srs.Tau)
	lagrange, err := kzg.ToLagrangeG1(f.srs.Powers[:domain])
	if err != nil {
		t.Fatal(err)
	}
	_, theirs, err := gnark.Setup(f.system, kzg.SRS{Pk: kzg.ProvingKey{G1: f.srs.Powers}, Vk: vk}, kzg.SRS{Pk: kzg.ProvingKey{G1: lagrange}})
	if err != nil {
		t.Fatal(err)
	}
	ours := f.proving.Points()
	for i, pair := range [][2]curve.G1Affine{
		{theirs.S[0], ours.Permutation[0]}, {theirs.S[1], ours.Permutation[1]}, {theirs.S[2], ours.Permutation[2]},
		{theirs.Ql, ours.Left}, {theirs.Qr, ours.Right}, {theirs.Qm, ours.Product}, {theirs.Qo, ours.Out}, {theirs.Qk, ours.Constant},
	} {
		if !pair[0].Equal(&pair[1]) {
			t.Errorf("commitment %d differs", i)
		}
	}
	p := f.proof
	proof := &gnark.Proof{
		LRO: p.Wires, Z: p.Permutation, H: p.Quotient,
		BatchedProof:    kzg.BatchOpeningProof{H: p.Opening, ClaimedValues: p.Values[:]},
		ZShiftedOpening: kzg.OpeningProof{H: p.ShiftedOpening, ClaimedValue: p.ShiftedValue},
	}
	if err := gnark.Verify(proof, theirs, f.inputs[:]); err != nil {
		t.Errorf("gnark refuses our proof: %v", err)
	}
	// The other way: what follows from Powers is what gnark computes.
	s, err := plonk.NewSRS(domain, f.srs.Powers, &f.srs.Tau)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.Bytes(), f.srs.Bytes()) {
		t.Error("the Lagrange basis of the powers is not that of the secret")
	}
}

// No part of a proof can be changed: points to their negatives, doubles, or each
// other; scalars to their negatives, successors, or each other.
func TestMalleations(t *testing.T) {
	f := load(t)
	const points, scalars = 9, 7
	refused := func(name string, b []byte) {
		t.Helper()
		p, err := plonk.ParseProof(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := f.verifying.Verify(p, f.inputs); !errors.Is(err, plonk.ErrNoProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := f.proof.Bytes()
	for i := range points {
		b := bytes.Clone(good)
		b[32*i] ^= 0x40 // the sign of y
		refused("point negated", b)
		var p curve.G1Affine
		if _, err := p.SetBytes(good[32*i : 32*i+32]); err != nil {
			t.Fatal(err)
		}
		doubled := p.Double(&p).Bytes()
		copy(b[32*i:], doubled[:])
		refused("point doubled", b)
		for j := range i {
			refused("points swapped", swapped(good, i, j))
		}
	}
	for i := points; i < points+scalars; i++ {
		var s, one fr.Element
		if err := s.SetBytesCanonical(good[32*i : 32*i+32]); err != nil {
			t.Fatal(err)
		}
		one.SetOne()
		for name, value := range map[string]*fr.Element{
			"scalar negated": new(fr.Element).Neg(&s), "scalar's successor": new(fr.Element).Add(&s, &one), "scalar of zero": new(fr.Element),
		} {
			b, encoded := bytes.Clone(good), value.Bytes()
			copy(b[32*i:], encoded[:])
			refused(name, b)
		}
		for j := points; j < i; j++ {
			refused("scalars swapped", swapped(good, i, j))
		}
	}
	// Another proof's parts do not fit in, although its statement is the same.
	other, err := f.proving.Prove(full(7))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.verifying.Verify(other, f.inputs); err != nil {
		t.Fatal(err)
	}
	for i := range points + scalars {
		b := bytes.Clone(good)
		copy(b[32*i:], other.Bytes()[32*i:32*i+32])
		refused("another proof's part", b)
	}
}

// swapped returns the proof with two parts in each other's place.
func swapped(b []byte, i, j int) []byte {
	out := bytes.Clone(b)
	copy(out[32*i:], b[32*j:32*j+32])
	copy(out[32*j:], b[32*i:32*i+32])
	return out
}

// Two proofs of one witness have nothing in common: each is blinded anew, also the
// parts of the quotient.
func TestProofsAreBlinded(t *testing.T) {
	f := load(t)
	other, err := f.proving.Prove(full(7))
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.proof.Bytes(), other.Bytes()
	for i := 0; i < len(a); i += 32 {
		if bytes.Equal(a[i:i+32], b[i:i+32]) {
			t.Errorf("the parts of 32 bytes at %d are equal", i)
		}
	}
}

func TestProveRefuses(t *testing.T) {
	f := load(t)
	if _, err := f.proving.Prove(nil); !errors.Is(err, plonk.ErrWitnessSize) {
		t.Errorf("no witness: %v", err)
	}
	wrong := full(7)
	values := wrong.Vector().(fr.Vector)
	values[public.Count].SetUint64(8) // the secret
	if _, err := f.proving.Prove(wrong); err != plonk.ErrUnsatisfied {
		t.Errorf("a wrong secret: %v, want %v and nothing else", err, plonk.ErrUnsatisfied)
	}
	publicOnly, err := full(7).Public()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.proving.Prove(publicOnly); !errors.Is(err, plonk.ErrWitnessSize) {
		t.Errorf("public inputs alone: %v", err)
	}
}

// TestShared proves and verifies at once. With -race it finds what gnark writes to.
func TestShared(t *testing.T) {
	f := load(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			p, err := f.proving.Prove(full(9))
			if err != nil {
				t.Error(err)
				return
			}
			for _, wrong := range []bool{false, true, false} {
				in := inputs(9)
				if wrong {
					in[0].SetZero()
				}
				if err := f.verifying.Verify(p, in); (err != nil) != wrong {
					t.Errorf("wrong inputs %v: %v", wrong, err)
				}
			}
		})
	}
	wg.Wait()
}

// committed commits to its secret, which adds to proof and key.
type committed struct{ chain }

func (c *committed) Define(api frontend.API) error {
	commitment, err := api.(frontend.Committer).Commit(c.Secret)
	if err != nil {
		return err
	}
	api.AssertIsDifferent(commitment, 0)
	return c.chain.Define(api)
}

// fewer has other public inputs.
type fewer struct {
	Y frontend.Variable `gnark:",public"`
	X frontend.Variable
}

func (c *fewer) Define(api frontend.API) error {
	x := c.X
	for range 20 {
		x = api.Add(api.Mul(x, x), c.X, 1)
	}
	api.AssertIsEqual(x, c.Y)
	return nil
}

func TestNewProvingKeyRefuses(t *testing.T) {
	f := load(t)
	compile := func(c frontend.Circuit) *cs.SparseR1CS {
		compiled, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, c)
		if err != nil {
			t.Fatal(err)
		}
		return compiled.(*cs.SparseR1CS)
	}
	for name, c := range map[string]frontend.Circuit{"commitments": new(committed), "another number of public inputs": new(fewer)} {
		if _, err := plonk.NewProvingKey(compile(c), f.srs); !errors.Is(err, plonk.ErrCircuit) {
			t.Errorf("%s: %v, want %v", name, err, plonk.ErrCircuit)
		}
	}
	if _, err := plonk.NewProvingKey(f.system, plonktest.SRS(2*domain, plonktest.Tau())); !errors.Is(err, plonk.ErrDomain) {
		t.Errorf("a string of another domain: %v, want %v", err, plonk.ErrDomain)
	}
}
