package plonk_test

import (
	"crypto/sha256"
	"math/big"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/public"
)

// TestVerifiesAsSpecified verifies by docs/spec/plonk.md, in one straight line: on
// curve and field arithmetic alone, so that text and gnark check each other.
func TestVerifiesAsSpecified(t *testing.T) {
	f := load(t)
	key := f.proving.Points()
	if !specified(t, &key, f.proof, f.inputs) {
		t.Error("a good proof is refused by the specification")
	}
	for name, change := range map[string]func(p *plonk.Proof, in *[public.Count]field.Element){
		"public input":   func(_ *plonk.Proof, in *[public.Count]field.Element) { in[2].Double(&in[2]) },
		"a(zeta)":        func(p *plonk.Proof, _ *[public.Count]field.Element) { p.Values[1].Double(&p.Values[1]) },
		"s2(zeta)":       func(p *plonk.Proof, _ *[public.Count]field.Element) { p.Values[5].Double(&p.Values[5]) },
		"z(zeta omega)":  func(p *plonk.Proof, _ *[public.Count]field.Element) { p.ShiftedValue.Double(&p.ShiftedValue) },
		"opening":        func(p *plonk.Proof, _ *[public.Count]field.Element) { p.Opening.Double(&p.Opening) },
		"second opening": func(p *plonk.Proof, _ *[public.Count]field.Element) { p.ShiftedOpening.Double(&p.ShiftedOpening) },
		"quotient":       func(p *plonk.Proof, _ *[public.Count]field.Element) { p.Quotient[2].Double(&p.Quotient[2]) },
	} {
		p, in := *f.proof, f.inputs
		change(&p, &in)
		if specified(t, &key, &p, in) || f.verifying.Verify(&p, in) == nil {
			t.Errorf("another %s is accepted", name)
		}
	}
}

// challenge hashes a name and parts, and returns the digest and its residue.
func challenge(name string, parts ...[]byte) ([]byte, fr.Element) {
	h := sha256.New()
	h.Write([]byte(name))
	for _, part := range parts {
		h.Write(part)
	}
	digest := h.Sum(nil)
	var e fr.Element
	e.SetBytes(digest)
	return digest, e
}

func points(ps ...curve.G1Affine) (out []byte) {
	for i := range ps {
		b := ps[i].RawBytes()
		out = append(out, b[:]...)
	}
	return out
}

func elements(es ...fr.Element) (out []byte) {
	for i := range es {
		b := es[i].Bytes()
		out = append(out, b[:]...)
	}
	return out
}

// Arithmetic that reads from left to right.
func sum(es ...fr.Element) (s fr.Element) {
	for i := range es {
		s.Add(&s, &es[i])
	}
	return s
}

func times(es ...fr.Element) fr.Element {
	p := fr.One()
	for i := range es {
		p.Mul(&p, &es[i])
	}
	return p
}

func neg(e fr.Element) fr.Element { return *e.Neg(&e) }
func inv(e fr.Element) fr.Element { return *e.Inverse(&e) }

func power(e fr.Element, n int) (p fr.Element) { return *p.Exp(e, big.NewInt(int64(n))) }

func scaled(p curve.G1Affine, e fr.Element) (out curve.G1Affine) {
	return *out.ScalarMultiplication(&p, e.BigInt(new(big.Int)))
}

func total(ps ...curve.G1Affine) (s curve.G1Affine) {
	for i := range ps {
		s.Add(&s, &ps[i])
	}
	return s
}

func specified(t *testing.T, k *plonk.Points, p *plonk.Proof, in [public.Count]field.Element) bool {
	t.Helper()
	n, five, one := k.Domain, fr.NewElement(5), fr.One()
	exponent := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
	var omega fr.Element
	omega.Exp(five, exponent.Div(exponent, big.NewInt(int64(n))))

	digest, gamma := challenge("gamma", points(k.Permutation[:]...), points(k.Left, k.Right, k.Product, k.Out, k.Constant), elements(in[:]...), points(p.Wires[:]...))
	digest, beta := challenge("beta", digest)
	digest, alpha := challenge("alpha", digest, points(p.Permutation))
	_, zeta := challenge("zeta", digest, points(p.Quotient[:]...))

	r, a, b, c, s1, s2, z := p.Values[0], p.Values[1], p.Values[2], p.Values[3], p.Values[4], p.Values[5], p.ShiftedValue
	vanishing := sum(power(zeta, n), neg(one))
	lagrange := func(i int) fr.Element { // L at omega^i
		root := power(omega, i)
		return times(vanishing, root, inv(times(fr.NewElement(uint64(n)), sum(zeta, neg(root)))))
	}
	var pi fr.Element
	for i := range in {
		pi = sum(pi, times(in[i], lagrange(i)))
	}
	first := times(alpha, alpha, lagrange(0))
	upperA, upperB := sum(a, times(beta, s1), gamma), sum(b, times(beta, s2), gamma)
	if want := neg(sum(pi, times(alpha, upperA, upperB, sum(c, gamma), z), neg(first))); !want.Equal(&r) {
		return false
	}
	ids := times(alpha, sum(a, times(beta, zeta), gamma), sum(b, times(five, beta, zeta), gamma), sum(c, times(five, five, beta, zeta), gamma))
	d := total(
		scaled(k.Product, times(a, b)), scaled(k.Left, a), scaled(k.Right, b), scaled(k.Out, c), k.Constant,
		scaled(k.Permutation[2], times(alpha, beta, upperA, upperB, z)),
		scaled(p.Permutation, sum(first, neg(ids))),
		scaled(total(p.Quotient[0], scaled(p.Quotient[1], power(zeta, n+2)), scaled(p.Quotient[2], power(zeta, 2*n+4))), neg(vanishing)),
	)
	commitments := []curve.G1Affine{d, p.Wires[0], p.Wires[1], p.Wires[2], k.Permutation[0], k.Permutation[1]}
	_, v := challenge("gamma", elements(zeta), points(commitments...), elements(p.Values[:]...), elements(z))
	var commitment curve.G1Affine
	var value fr.Element
	for i := range commitments {
		commitment = total(commitment, scaled(commitments[i], power(v, i)))
		value = sum(value, times(p.Values[i], power(v, i)))
	}
	return opens(t, k, commitment, value, zeta, p.Opening) && opens(t, k, p.Permutation, z, times(zeta, omega), p.ShiftedOpening)
}

// opens checks e(C - value*G1 + at*W, G2) = e(W, tau).
func opens(t *testing.T, k *plonk.Points, commitment curve.G1Affine, value, at fr.Element, w curve.G1Affine) bool {
	t.Helper()
	_, _, g1, g2 := curve.Generators()
	left := total(commitment, scaled(g1, neg(value)), scaled(w, at))
	equal, err := curve.PairingCheck([]curve.G1Affine{left, *w.Neg(&w)}, []curve.G2Affine{g2, k.Tau})
	if err != nil {
		t.Fatal(err)
	}
	return equal
}
