package mpc

import (
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// sequence is first, first*ratio, first*ratio^2 and so on: what the points of a
// vector are scaled by. A constant sequence has the ratio 1. It is secret.
type sequence struct{ first, ratio fr.Element }

// at returns the element of an index.
func (s *sequence) at(i int) fr.Element {
	var x fr.Element
	x.Exp(s.ratio, big.NewInt(int64(i)))
	x.Mul(&x, &s.first)
	return x
}

func (s *sequence) wipe() { *s = sequence{} }

// constant is the sequence of one factor.
func constant(factor *fr.Element) *sequence {
	s := &sequence{first: *factor}
	s.ratio.SetOne()
	return s
}

// scaleG1 returns a vector that, once w has run, has the points of in scaled by s.
func scaleG1(w *work, in []curve.G1Affine, s *sequence) []curve.G1Affine {
	out := make([]curve.G1Affine, len(in))
	w.add(len(in), func(start, end int) error {
		factor, k := s.at(start), new(big.Int)
		defer wipe(k, &factor)
		scaled := make([]curve.G1Jac, end-start)
		for i := range scaled {
			scaled[i].FromAffine(&in[start+i])
			scaled[i].ScalarMultiplication(&scaled[i], factor.BigInt(k))
			factor.Mul(&factor, &s.ratio)
		}
		copy(out[start:end], curve.BatchJacobianToAffineG1(scaled))
		return nil
	})
	return out
}

// scaleG2 is scaleG1 in the other group.
func scaleG2(w *work, in []curve.G2Affine, s *sequence) []curve.G2Affine {
	out := make([]curve.G2Affine, len(in))
	w.add(len(in), func(start, end int) error {
		factor, k := s.at(start), new(big.Int)
		defer wipe(k, &factor)
		for i := start; i < end; i++ {
			out[i].ScalarMultiplication(&in[i], factor.BigInt(k))
			factor.Mul(&factor, &s.ratio)
		}
		return nil
	})
	return out
}

// timesG1 returns a point scaled by a secret factor.
func timesG1(p *curve.G1Affine, factor *fr.Element) curve.G1Affine {
	k := new(big.Int)
	defer wipe(k)
	var out curve.G1Affine
	out.ScalarMultiplication(p, factor.BigInt(k))
	return out
}

// timesG2 is timesG1 in the other group.
func timesG2(p *curve.G2Affine, factor *fr.Element) curve.G2Affine {
	k := new(big.Int)
	defer wipe(k)
	var out curve.G2Affine
	out.ScalarMultiplication(p, factor.BigInt(k))
	return out
}

// wipe overwrites numbers, with the words that k has room for.
func wipe(k *big.Int, elements ...*fr.Element) {
	words := k.Bits()
	clear(words[:cap(words)])
	k.SetInt64(0)
	for _, e := range elements {
		*e = fr.Element{}
	}
}
