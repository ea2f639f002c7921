package mpc

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/point"
)

// proofSize is the size of a proof in bytes.
const proofSize = point.G1Size + point.G2Size

// proof shows that a contributor knows its factor x of a value: section 3.2 of
// ePrint 2017/1050, as gnark computes it.
type proof struct {
	commitment curve.G1Affine // [x]1
	knowledge  curve.G2Affine // x*r, for the r that base returns
}

// Domain separation of the base points, by the value that is scaled.
const (
	separateTau   = 0
	separateAlpha = 1
	separateBeta  = 2
	separateDelta = 0
)

// prove makes the proof of a factor.
func prove(x *fr.Element, challenge []byte, separate byte) proof {
	_, _, g1, _ := curve.Generators()
	p := proof{commitment: timesG1(&g1, x)}
	r := p.base(challenge, separate)
	p.knowledge = timesG2(&r, x)
	return p
}

// base returns a point r of G2 whose logarithm nobody knows: the hash of the
// commitment and the challenge.
func (p *proof) base(challenge []byte, separate byte) curve.G2Affine {
	commitment := p.commitment.RawBytes()
	message := append(commitment[:], challenge...)
	r, err := curve.HashToG2(message, []byte{separate})
	if err != nil {
		panic("mpc: hashing to G2: " + err.Error()) // for a separator of more than 255 bytes only
	}
	return r
}

func (p *proof) append(b []byte) []byte {
	return appendG2(appendG1(b, p.commitment), p.knowledge)
}

func (r *reader) proof(name string, p *proof) {
	r.g1("commitment of the "+name, &p.commitment)
	r.g2("knowledge of the "+name, &p.knowledge)
}

// isTrivialG1 reports whether p is 0, 1 or -1 times the generator.
func isTrivialG1(p *curve.G1Affine) bool {
	_, _, g1, _ := curve.Generators()
	return p.IsInfinity() || p.X.Equal(&g1.X)
}

// factor is a proof that is being verified.
type factor struct {
	proof
	base curve.G2Affine
}

func newFactor(p *proof, challenge []byte, separate byte) *factor {
	return &factor{proof: *p, base: p.base(challenge, separate)}
}

// known returns the check of the proof itself.
func (f *factor) known(name string) check {
	return check{
		name: name,
		says: "the contributor has not shown that it knows its factor, made after the contribution before and not 1",
		holds: func() bool {
			_, _, g1, _ := curve.Generators()
			return !isTrivialG1(&f.commitment) && sameRatio(&f.commitment, &g1, &f.knowledge, &f.base)
		},
	}
}

// scaledG1 returns the check that next is previous times the factor.
func (f *factor) scaledG1(name string, next, previous *curve.G1Affine) check {
	return check{
		name: name,
		says: "the point was not scaled by the factor that was proved",
		holds: func() bool {
			return sameRatio(next, previous, &f.knowledge, &f.base)
		},
	}
}

// scaledG2 is scaledG1 in the other group.
func (f *factor) scaledG2(name string, next, previous *curve.G2Affine) check {
	return check{
		name: name,
		says: "the point was not scaled by the factor that was proved",
		holds: func() bool {
			_, _, g1, _ := curve.Generators()
			return sameRatio(&f.commitment, &g1, next, previous)
		},
	}
}

// divided returns the check that every point of next is the one of previous
// divided by the factor.
func (f *factor) divided(name string, next, previous []curve.G1Affine) check {
	return check{
		name: name,
		says: "the points were not all divided by the factor that was proved",
		holds: func() bool {
			w := weights(len(next))
			n, p := sumG1(next, w), sumG1(previous, w)
			return sameRatio(&p, &n, &f.knowledge, &f.base)
		},
	}
}

// sameRatio reports whether a/b in G1 is c/d in G2: e(a, d) = e(b, c).
func sameRatio(a, b *curve.G1Affine, c, d *curve.G2Affine) bool {
	var minus curve.G1Affine
	minus.Neg(b)
	equal, err := curve.PairingCheck([]curve.G1Affine{*a, minus}, []curve.G2Affine{*d, *c})
	if err != nil {
		panic("mpc: pairing: " + err.Error()) // for lists of different lengths only
	}
	return equal
}
