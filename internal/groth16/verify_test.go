package groth16

import (
	"bytes"
	"errors"
	"math/big"
	"sync"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

func TestVerifyAcceptsGnarksProof(t *testing.T) {
	f := load(t)
	p, err := ParseProof(f.enc)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.key(t).Verify(p, f.inputs); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyAgreesWithGnark compares our equation with gnark's on the good
// proof and on many changed ones.
func TestVerifyAgreesWithGnark(t *testing.T) {
	f := load(t)
	vk := f.key(t)
	accepted, refused := 0, 0
	compare := func(name string, p Proof, inputs [public.Count]field.Element) {
		t.Helper()
		ours := vk.Verify(&p, inputs)
		if ours != nil && !errors.Is(ours, ErrNoProof) {
			t.Fatalf("%s: %v", name, ours)
		}
		theirs := gnark.Verify(&gnark.Proof{Ar: p.A, Bs: p.B, Krs: p.C}, f.vk, inputs[:])
		if (ours == nil) != (theirs == nil) {
			t.Fatalf("%s: ours %v, gnark's %v", name, ours, theirs)
		}
		if ours == nil {
			accepted++
		} else {
			refused++
		}
	}
	good := Proof{A: f.proof.Ar, B: f.proof.Bs, C: f.proof.Krs}
	compare("good", good, f.inputs)
	for range 5 {
		compare("re-randomised", rerandomise(t, good, vk.points.Delta2), f.inputs)
	}
	_, _, g1, g2 := curve.Generators()
	for i := range 20 {
		p := good
		switch i % 4 {
		case 0:
			p.A = randomG1(g1)
		case 1:
			p.B.ScalarMultiplication(&g2, randomScalar())
		case 2:
			p.C = randomG1(g1)
		case 3:
			p.A.Neg(&p.A)
			p.C.Neg(&p.C)
		}
		compare("other point", p, f.inputs)
	}
	for i := range public.Count {
		for _, delta := range []field.Element{field.FromUint64(1), *new(fr.Element).MustSetRandom()} {
			inputs := f.inputs
			inputs[i].Add(&inputs[i], &delta)
			compare("other input", good, inputs)
		}
		for j := range i {
			inputs := f.inputs
			inputs[i], inputs[j] = inputs[j], inputs[i]
			compare("swapped inputs", good, inputs)
		}
	}
	compare("zero inputs", good, [public.Count]field.Element{})
	negated := good
	negated.A.Neg(&negated.A)
	negated.B.Neg(&negated.B)
	compare("A and B negated", negated, f.inputs)
	if accepted != 7 || refused < 40 {
		t.Fatalf("%d accepted, expected 7; %d refused, expected 40 or more", accepted, refused)
	}
}

// TestVerifyConcurrently fails if two calls share the lines that the Miller
// loop overwrites.
func TestVerifyConcurrently(t *testing.T) {
	f := load(t)
	vk := f.key(t)
	p, err := ParseProof(f.enc)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 {
				if err := vk.Verify(p, f.inputs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestFlippedBits flips each bit of a proof: the parser or the equation
// refuses every one.
func TestFlippedBits(t *testing.T) {
	f := load(t)
	vk := f.key(t)
	reached := 0
	for bit := range 8 * ProofSize {
		if bit%8 > 1 && bit%56 != 2 { // every byte, and the flags; not each of 1,024 pairings
			continue
		}
		b := bytes.Clone(f.enc)
		b[bit/8] ^= 0x80 >> (bit % 8)
		p, err := ParseProof(b)
		if err != nil {
			continue
		}
		reached++
		if err := vk.Verify(p, f.inputs); !errors.Is(err, ErrNoProof) {
			t.Errorf("bit %d: %v, want %v", bit, err, ErrNoProof)
		}
	}
	if reached < 50 {
		t.Errorf("only %d flipped proofs reached the pairing", reached)
	}
}

func TestSumMatchesScalarMultiplication(t *testing.T) {
	f := load(t)
	points, err := ParsePoints(f.encVK)
	if err != nil {
		t.Fatal(err)
	}
	table := newSumTable(points.K[0], points.K[1:])
	var minusOne fr.Element
	minusOne.SetInt64(-1)
	edges := []field.Element{{}, minusOne, field.FromUint64(1), field.FromUint64(31), field.FromUint64(32),
		field.FromUint64(33), field.FromUint64(63), field.FromUint64(64), field.FromUint64(1<<64 - 1)}
	for round := range 40 {
		var inputs [public.Count]field.Element
		for i := range inputs {
			inputs[i].MustSetRandom()
			if (round+i)%3 == 0 {
				inputs[i] = edges[(round+i)%len(edges)]
			}
		}
		want := points.K[0]
		for i := range inputs {
			var term curve.G1Affine
			term.ScalarMultiplication(&points.K[i+1], inputs[i].BigInt(new(big.Int)))
			want.Add(&want, &term)
		}
		sum := table.eval(inputs[:])
		if got := *new(curve.G1Affine).FromJacobian(&sum); !got.Equal(&want) {
			t.Fatalf("round %d: the sum differs", round)
		}
	}
}

// rerandomise returns another proof of the same statement, as anybody can make
// it (trap B2): A/x, x*B + x*y*delta, C + y*A.
func rerandomise(t *testing.T, p Proof, delta curve.G2Affine) Proof {
	t.Helper()
	var x, xInverse, y, xy fr.Element
	x.MustSetRandom()
	y.MustSetRandom()
	xInverse.Inverse(&x)
	xy.Mul(&x, &y)
	var out Proof
	var shift curve.G2Affine
	out.A.ScalarMultiplication(&p.A, xInverse.BigInt(new(big.Int)))
	out.B.ScalarMultiplication(&p.B, x.BigInt(new(big.Int)))
	shift.ScalarMultiplication(&delta, xy.BigInt(new(big.Int)))
	out.B.Add(&out.B, &shift)
	var add curve.G1Affine
	add.ScalarMultiplication(&p.A, y.BigInt(new(big.Int)))
	out.C.Add(&p.C, &add)
	return out
}

func randomScalar() *big.Int {
	var s fr.Element
	return s.MustSetRandom().BigInt(new(big.Int))
}

func randomG1(g1 curve.G1Affine) curve.G1Affine {
	var p curve.G1Affine
	return *p.ScalarMultiplication(&g1, randomScalar())
}

func BenchmarkVerify(b *testing.B) {
	f := load(b)
	vk := f.key(b)
	b.Run("ours, with decoding", func(b *testing.B) {
		for b.Loop() {
			p, err := ParseProof(f.enc)
			if err != nil {
				b.Fatal(err)
			}
			if err := vk.Verify(p, f.inputs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gnark, decoded", func(b *testing.B) {
		for b.Loop() {
			if err := gnark.Verify(f.proof, f.vk, f.inputs[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("opening a key", func(b *testing.B) {
		for b.Loop() {
			points, err := ParsePoints(f.encVK)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := NewVerifyingKey(points); err != nil {
				b.Fatal(err)
			}
		}
	})
}
