package circuits

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// wires returns an opened signature of a digest as the circuit takes it.
func (c *sigCurve) wires(o *openedSignature, digest *big.Int) ECDSAWires {
	a, aEven := splitOdd(o.a)
	b, bEven := splitOdd(o.b)
	w := ECDSAWires{AEven: aEven, BEven: bEven}
	setHalves(w.DigestUpper[:], w.DigestLower[:], digest)
	c.setPoint(&w.Key, o.key)
	c.setPoint(&w.Nonce, o.nonce)
	setChunks(w.Multiplier[:], o.t)
	setBits(w.A[:], oddBits(a, shortBits))
	setBits(w.B[:], oddBits(b, shortBits))
	setBits(w.C[:], oddBits(oddResidue(o.c, c.n), scalarBits))
	return w
}

func (c *sigCurve) setPoint(w *ECPointWires, p curvePoint) {
	setHalves(w.XUpper[:], w.XLower[:], p.x)
	setChunks(w.Y[:], p.y)
	last := new(big.Int).Sub(c.p, big.NewInt(1))
	setHalves(w.RestUpper[:], w.RestLower[:], new(big.Int).Sub(last, p.x))
	w.Borrow = 0
	if lowerHalf(p.x).Cmp(lowerHalf(last)) > 0 {
		w.Borrow = 1
	}
}

func lowerHalf(v *big.Int) *big.Int { return new(big.Int).Mod(v, power2(coordinateHalf)) }

func setHalves(upper, lower []frontend.Variable, v *big.Int) {
	quotient, remainder := new(big.Int).DivMod(v, power2(coordinateHalf), new(big.Int))
	setChunks(upper, quotient)
	setChunks(lower, remainder)
}

// setChunks cuts a number into chunks of sigLayout, lowest first.
func setChunks(out []frontend.Variable, v *big.Int) {
	rest, unit := new(big.Int).Set(v), power2(sigLayout.chunkBits)
	for i := range out {
		chunk := new(big.Int)
		rest.DivMod(rest, unit, chunk)
		out[i] = chunk
	}
}

func setBits(out []frontend.Variable, v *big.Int) {
	for i := range out {
		out[i] = v.Bit(i)
	}
}
