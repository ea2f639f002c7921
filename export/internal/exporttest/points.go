package exporttest

import (
	"math/big"
	"slices"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

func (n *Numbers) a() curve.G1Affine { return g1(n.Points[ax], n.Points[ay]) }
func (n *Numbers) c() curve.G1Affine { return g1(n.Points[cx], n.Points[cy]) }

func (n *Numbers) b() (p curve.G2Affine) {
	p.X.A1.SetBigInt(n.Points[bxIm])
	p.X.A0.SetBigInt(n.Points[bxRe])
	p.Y.A1.SetBigInt(n.Points[byIm])
	p.Y.A0.SetBigInt(n.Points[byRe])
	return p
}

func (n *Numbers) setA(p curve.G1Affine) { n.Points[ax], n.Points[ay] = number(&p.X), number(&p.Y) }
func (n *Numbers) setC(p curve.G1Affine) { n.Points[cx], n.Points[cy] = number(&p.X), number(&p.Y) }

func (n *Numbers) setB(p curve.G2Affine) {
	n.Points[bxIm], n.Points[bxRe] = number(&p.X.A1), number(&p.X.A0)
	n.Points[byIm], n.Points[byRe] = number(&p.Y.A1), number(&p.Y.A0)
}

func g1(x, y *big.Int) (p curve.G1Affine) {
	p.X.SetBigInt(x)
	p.Y.SetBigInt(y)
	return p
}

func number(e *fp.Element) *big.Int { return e.BigInt(new(big.Int)) }

// outsideOfSubgroup returns a point of the curve of G2, of another order than
// the group's.
func outsideOfSubgroup() curve.G2Affine {
	for x := uint64(1); ; x++ {
		var p curve.G2Affine
		p.X.A0.SetUint64(x)
		var y2, b curve.E2
		b.A0.SetUint64(9)
		b.A1.SetOne()
		b.Inverse(&b)
		b.MulByElement(&b, new(fp.Element).SetUint64(3))
		y2.Square(&p.X).Mul(&y2, &p.X).Add(&y2, &b)
		if y2.Legendre() != 1 {
			continue
		}
		p.Y.Sqrt(&y2)
		if p.IsOnCurve() && !p.IsInSubGroup() {
			return p
		}
	}
}

// ProofBytes returns the points as a proof is encoded.
func (n *Numbers) ProofBytes() []byte {
	a, b, c := n.a(), n.b(), n.c()
	first, second, third := a.Bytes(), b.Bytes(), c.Bytes()
	return slices.Concat(first[:], second[:], third[:])
}
