package groth16

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// mixer makes claims that hold and claims that do not.
type mixer struct {
	vk   *VerifyingKey
	good []Claim // of one statement, each another proof
}

func newMixer(t *testing.T) *mixer {
	t.Helper()
	f := load(t)
	m := &mixer{vk: f.key(t)}
	proof := Proof{A: f.proof.Ar, B: f.proof.Bs, C: f.proof.Krs}
	m.good = append(m.good, Claim{&proof, f.inputs})
	for range 9 {
		again := rerandomise(t, proof, m.vk.points.Delta2)
		m.good = append(m.good, Claim{&again, f.inputs})
	}
	return m
}

// some returns n claims that hold. Some of them are the same.
func (m *mixer) some(n int) []Claim {
	claims := make([]Claim, n)
	for i := range claims {
		claims[i] = m.good[rand.N(len(m.good))]
	}
	return claims
}

// spoiled returns a claim that does not hold, by one of several ways.
func (m *mixer) spoiled(way int) Claim {
	_, _, g1, g2 := curve.Generators()
	claim := m.good[rand.N(len(m.good))]
	proof := *claim.Proof
	claim.Proof = &proof
	switch way % 6 {
	case 0:
		proof.A = randomG1(g1)
	case 1:
		proof.B.ScalarMultiplication(&g2, randomScalar())
	case 2:
		proof.C = randomG1(g1)
	case 3:
		proof.A.Neg(&proof.A)
	case 4:
		proof.A, proof.C = proof.C, proof.A
	case 5:
		var one fr.Element
		one.SetOne()
		i := rand.N(len(claim.Inputs))
		claim.Inputs[i].Add(&claim.Inputs[i], &one)
	}
	return claim
}

// wantSame compares a batch with one by one, and returns how many claims hold.
func (m *mixer) wantSame(t *testing.T, name string, claims []Claim) (good int, work Work) {
	t.Helper()
	got, work := m.vk.VerifyBatch(claims)
	if len(got) != len(claims) {
		t.Fatalf("%s: %d verdicts for %d claims", name, len(got), len(claims))
	}
	for i, c := range claims {
		if want := m.vk.Verify(c.Proof, c.Inputs); !errors.Is(got[i], want) {
			t.Errorf("%s: claim %d of %d: %v in the batch, %v alone", name, i, len(claims), got[i], want)
		} else if want == nil {
			good++
		}
	}
	return good, work
}

func TestBatchAgreesWithOneByOne(t *testing.T) {
	m := newMixer(t)
	for _, mix := range []struct{ claims, bad int }{
		{0, 0}, {1, 0}, {1, 1}, {2, 1}, {3, 0}, {3, 1}, {3, 3}, {4, 2}, {8, 1}, {9, 0}, {9, 9}, {16, 1}, {17, 2}, {31, 5}, {33, 0}, {33, 33}, {64, 1},
	} {
		claims := m.some(mix.claims)
		for way, i := range rand.Perm(mix.claims)[:mix.bad] {
			claims[i] = m.spoiled(way)
		}
		name := fmt.Sprintf("%d bad of %d", mix.bad, mix.claims)
		if good, _ := m.wantSame(t, name, claims); good != mix.claims-mix.bad {
			t.Errorf("%s: %d hold", name, good)
		}
	}
}

// Every place of a bad claim is found, alone.
func TestBatchFindsEveryPlace(t *testing.T) {
	m := newMixer(t)
	const n = 20
	for place := range n {
		claims := m.some(n)
		claims[place] = m.spoiled(place)
		verdicts, _ := m.vk.VerifyBatch(claims)
		for i, err := range verdicts {
			if (err != nil) != (i == place) {
				t.Errorf("bad at %d: claim %d: %v", place, i, err)
			}
		}
	}
}

// cancelling returns two claims that do not hold, and whose errors are inverse
// to each other: the product of their equations holds.
func (m *mixer) cancelling() (Claim, Claim) {
	_, _, g1, _ := curve.Generators()
	shift := randomG1(g1)
	first, second := m.good[0], m.good[1]
	up, down := *first.Proof, *second.Proof
	up.C.Add(&up.C, &shift)
	down.C.Sub(&down.C, &shift)
	first.Proof, second.Proof = &up, &down
	return first, second
}

// Weights that are the same for all let two bad claims through; so does every
// weight that the maker of the proofs knows. Random ones do not.
func TestBatchCatchesCancellingErrors(t *testing.T) {
	m := newMixer(t)
	claims := m.some(12)
	claims[3], claims[4] = m.cancelling()
	if good, _ := m.wantSame(t, "in one group", claims); good != 10 {
		t.Errorf("%d of 12 hold, expected 10", good)
	}
	constant := func() weight { return weight{low: 12345, high: 678} }
	fooled, _ := m.vk.verifyBatch(claims, constant)
	if slices.ContainsFunc(fooled, func(err error) bool { return err != nil }) {
		t.Error("equal weights catch errors that cancel: this test shows nothing")
	}
	claims = m.some(12)
	claims[0], claims[11] = m.cancelling()
	if good, _ := m.wantSame(t, "in two groups", claims); good != 10 {
		t.Errorf("%d of 12 hold, expected 10", good)
	}
}

// Sums over all claims hide whose inputs are whose; the weights do not.
func TestBatchCatchesSwappedInputs(t *testing.T) {
	m := newMixer(t)
	claims := m.some(6)
	var one fr.Element
	one.SetOne()
	claims[1].Inputs[2].Add(&claims[1].Inputs[2], &one)
	claims[5].Inputs[2].Sub(&claims[5].Inputs[2], &one)
	if good, _ := m.wantSame(t, "inputs that add up", claims); good != 4 {
		t.Errorf("%d of 6 hold, expected 4", good)
	}
	other := m.spoiled(5)
	claims = m.some(6)
	claims[0] = other
	claims[4].Inputs, claims[0].Inputs = claims[0].Inputs, claims[4].Inputs
	if good, _ := m.wantSame(t, "swapped inputs", claims); good != 5 {
		t.Errorf("%d of 6 hold, expected 5", good)
	}
}

func TestBatchTakesDuplicates(t *testing.T) {
	m := newMixer(t)
	bad := m.spoiled(2)
	claims := []Claim{m.good[0], m.good[0], bad, bad, m.good[0], bad, m.good[3], m.good[3], m.good[3], m.good[0]}
	if good, _ := m.wantSame(t, "duplicates", claims); good != 7 {
		t.Errorf("%d of 10 hold, expected 7", good)
	}
}

// The work is what the documentation says, for good batches and for the worst.
func TestBatchWork(t *testing.T) {
	m := newMixer(t)
	for n, want := range map[int]Work{
		0: {}, 1: {Pairs: 3, Equations: 1}, 2: {Pairs: 6, Equations: 2},
		3: {Pairs: 5, Equations: 1}, 8: {Pairs: 10, Equations: 1}, 9: {Pairs: 11, Equations: 1}, 64: {Pairs: 66, Equations: 1},
	} {
		if _, work := m.wantSame(t, fmt.Sprint(n), m.some(n)); work != want {
			t.Errorf("%d good claims: %+v, expected %+v", n, work, want)
		}
	}
	for _, n := range []int{3, 8, 9, 24, 40} {
		claims := make([]Claim, n)
		for i := range claims {
			claims[i] = m.spoiled(i)
		}
		_, work := m.wantSame(t, fmt.Sprint(n), claims)
		if work.Equations > n+n/2 || work.Pairs > 4*n+2*(n/2) || work.Failed != work.Equations-n {
			t.Errorf("%d bad claims: %+v, more than the documentation allows", n, work)
		}
	}
	claims := m.some(64)
	claims[0] = m.spoiled(0)
	// Of 64, 32, 16, 8 one half each time, which holds, and then 8 alone.
	if _, work := m.wantSame(t, "one of 64", claims); work != (Work{Pairs: 64 + 7*2 + 8*3, Equations: 7 + 8, Failed: 4}) {
		t.Errorf("one bad claim of 64: %+v", work)
	}
}

func TestWeightsMultiply(t *testing.T) {
	_, _, g1, _ := curve.Generators()
	edges := []weight{{}, {1, 0}, {0, 1}, {1, 1}, {^uint64(0), ^uint64(0)}, {1 << 63, 0}, {0, 1 << 63}}
	var points []curve.G1Affine
	var weights []weight
	var want curve.G1Affine
	for i := range 2 * len(edges) {
		w, p := randomWeight(), randomG1(g1)
		if i < len(edges) {
			w = edges[i]
		}
		points, weights = append(points, p), append(weights, w)
		var alone curve.G1Affine
		one := weigh([]curve.G1Affine{p}, []weight{w})
		alone.FromJacobian(&one)
		scalar := w.scalar()
		var multiple curve.G1Affine
		multiple.ScalarMultiplication(&p, scalar.BigInt(new(big.Int)))
		if !alone.Equal(&multiple) {
			t.Errorf("weight %v: the multiple differs", w)
		}
		want.Add(&want, &multiple)
	}
	sum := weigh(points, weights)
	if got := *new(curve.G1Affine).FromJacobian(&sum); !got.Equal(&want) {
		t.Error("the sum differs")
	}
}

// Weights are never repeated, and both halves are random.
func TestWeightsAreRandom(t *testing.T) {
	var low, high uint64
	seen := make(map[weight]bool)
	for range 1000 {
		w := randomWeight()
		seen[w] = true
		low, high = low|w.low, high|w.high
	}
	if len(seen) != 1000 || low != ^uint64(0) || high != ^uint64(0) {
		t.Errorf("%d different weights of 1000, bits %x and %x", len(seen), low, high)
	}
}

func BenchmarkVerifyBatch(b *testing.B) {
	f := load(b)
	vk := f.key(b)
	proof := Proof{A: f.proof.Ar, B: f.proof.Bs, C: f.proof.Krs}
	for _, n := range []int{1, 2, 3, 4, 8, 16, 64} {
		claims := slices.Repeat([]Claim{{&proof, f.inputs}}, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if verdicts, _ := vk.VerifyBatch(claims); slices.ContainsFunc(verdicts, func(err error) bool { return err != nil }) {
					b.Fatal(verdicts)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/proof")
		})
	}
}
