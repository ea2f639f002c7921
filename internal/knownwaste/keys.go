package knownwaste

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/pedersen"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/relation"
)

// Reasons why a circuit has no keys.
var (
	// ErrPublicInputs reports a circuit with another number of public inputs than
	// package public has.
	ErrPublicInputs = errors.New("wrong number of public inputs")
	// ErrUnusedWire reports a wire that no constraint uses: a proof would be valid
	// for any value of it.
	ErrUnusedWire = errors.New("no constraint uses the wire")
)

// Progress is told how far the work has come. It may be nil.
type Progress func(step string, done, total int)

// Keys returns the keys that a circuit's setup gives with some waste, as gnark's
// Setup computes them: the same on every machine, however many processors it has.
// It returns [ErrPublicInputs], [ErrUnusedWire], the error of
// [relation.CommitmentOf], or the error of ctx, which it looks at between steps.
func Keys(ctx context.Context, system *cs.R1CS, w *Waste, progress Progress) (*gnark.ProvingKey, *groth16.Points, error) {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	k, err := newMaker(system, w)
	if err != nil {
		return nil, nil, err
	}
	steps := []struct {
		name string
		run  func()
	}{
		{"points of the proving key", k.proving},
		{"points in G2", k.proving2},
		{"quotient", k.quotient},
		{"verifying key", k.verifying},
	}
	for i, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		progress(step.name, i, len(steps))
		step.run()
	}
	return k.pk, k.vk, nil
}

// maker makes one pair of keys.
type maker struct {
	size       relation.Size
	commitment *relation.Commitment
	waste      *Waste
	columns    *columns
	combined   []fr.Element // of each wire, beta*a + alpha*b + c
	pk         *gnark.ProvingKey
	vk         *groth16.Points
}

func newMaker(system *cs.R1CS, w *Waste) (*maker, error) {
	k := &maker{size: relation.SizeOf(system), waste: w, pk: new(gnark.ProvingKey), vk: new(groth16.Points)}
	if got := k.size.Public - 1; got != public.Count {
		return nil, fmt.Errorf("%w: expected %d, got %d", ErrPublicInputs, public.Count, got)
	}
	var err error
	if k.commitment, err = relation.CommitmentOf(system); err != nil {
		return nil, err
	}
	k.pk.Domain = *fft.NewDomain(uint64(k.size.Constraints))
	if err := w.check(k.pk.Domain.Cardinality); err != nil {
		return nil, err
	}
	k.columns = evaluate(system, &k.pk.Domain, w.Tau)
	k.combined = make([]fr.Element, k.size.Wires())
	for i := range k.combined {
		var left, right fr.Element
		left.Mul(&k.columns.a[i], &w.Beta)
		right.Mul(&k.columns.b[i], &w.Alpha)
		k.combined[i].Add(&left, &right).Add(&k.combined[i], &k.columns.c[i])
		if k.combined[i].IsZero() {
			return nil, fmt.Errorf("%w %d of %d", ErrUnusedWire, i, len(k.combined))
		}
	}
	return k, nil
}

// proving makes the points in G1 of the proving key, but for the quotient's.
func (k *maker) proving() {
	pk, w := k.pk, k.waste
	single := inG1().times([]fr.Element{w.Alpha, w.Beta, w.Delta})
	pk.G1.Alpha, pk.G1.Beta, pk.G1.Delta = single[0], single[1], single[2]
	var a, b []fr.Element
	a, pk.InfinityA, pk.NbInfinityA = finite(k.columns.a)
	b, pk.InfinityB, pk.NbInfinityB = finite(k.columns.b)
	pk.G1.A, pk.G1.B = inG1().times(a), inG1().times(b)

	apart := make([]bool, k.size.Wires())
	for i := range k.size.Public {
		apart[i] = true
	}
	if c := k.commitment; c != nil {
		apart[c.Challenge] = true
		for _, wire := range c.Wires {
			apart[wire] = true
		}
		basis := divided(k.combined, w.Gamma, c.Wires)
		exponents := make([]fr.Element, len(basis))
		for i := range basis {
			exponents[i].Mul(&basis[i], &w.Sigma)
		}
		pk.CommitmentKeys = []pedersen.ProvingKey{{Basis: inG1().times(basis), BasisExpSigma: inG1().times(exponents)}}
	}
	var private []int
	for wire := range apart {
		if !apart[wire] {
			private = append(private, wire)
		}
	}
	pk.G1.K = inG1().times(divided(k.combined, w.Delta, private))
}

// proving2 makes the points in G2 of the proving key.
func (k *maker) proving2() {
	b, _, _ := finite(k.columns.b)
	k.pk.G2.B = inG2().times(b)
	single := inG2().times([]fr.Element{k.waste.Beta, k.waste.Delta})
	k.pk.G2.Beta, k.pk.G2.Delta = single[0], single[1]
}

// quotient makes the points Z: tau^i (tau^n - 1) / delta, in bit-reversed order and
// without the last.
func (k *maker) quotient() {
	n := k.pk.Domain.Cardinality
	one := fr.One()
	var power fr.Element
	power.Exp(k.waste.Tau, new(big.Int).SetUint64(n))
	power.Sub(&power, &one).Div(&power, &k.waste.Delta)
	scalars := make([]fr.Element, n)
	unused := 64 - bits.TrailingZeros64(n)
	for i := range n {
		scalars[bits.Reverse64(i)>>unused] = power
		power.Mul(&power, &k.waste.Tau)
	}
	k.pk.G1.Z = inG1().times(scalars[:n-1])
}

// verifying makes the points of the verifying key.
func (k *maker) verifying() {
	vk, w := k.vk, k.waste
	vk.Alpha1, vk.Beta1, vk.Delta1 = k.pk.G1.Alpha, k.pk.G1.Beta, k.pk.G1.Delta
	vk.Beta2, vk.Delta2 = k.pk.G2.Beta, k.pk.G2.Delta
	vk.Gamma2 = inG2().times([]fr.Element{w.Gamma})[0]
	inputs := make([]int, len(vk.K))
	for i := range inputs {
		inputs[i] = i
	}
	copy(vk.K[:], inG1().times(divided(k.combined, w.Gamma, inputs)))
	if k.commitment == nil {
		return
	}
	var sigma fr.Element
	sigma.Mul(&w.G, &w.Sigma).Neg(&sigma)
	g := inG2().times([]fr.Element{w.G, sigma})
	challenge := inG1().times(divided(k.combined, w.Gamma, []int{k.commitment.Challenge}))
	vk.Commitment = &groth16.CommitmentPoints{Challenge: challenge[0], G: g[0], GSigmaNeg: g[1]}
}

// divided returns some wires' values over by.
func divided(values []fr.Element, by fr.Element, wires []int) []fr.Element {
	by.Inverse(&by)
	out := make([]fr.Element, len(wires))
	for i, wire := range wires {
		out[i].Mul(&values[wire], &by)
	}
	return out
}

// finite returns the values that are not 0, where the others are, and how many.
func finite(values []fr.Element) (out []fr.Element, infinite []bool, count uint64) {
	infinite = make([]bool, len(values))
	for i := range values {
		if values[i].IsZero() {
			infinite[i] = true
			count++
		} else {
			out = append(out, values[i])
		}
	}
	return out, infinite, count
}
