package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
)

// ECDSASignature is the relation for a P-256 or secp256k1 key whose owner shows a
// signature on a digest instead of the key: for keys that never leave a device. It
// is one relation for all envelopes, which differ in the digest. Make one with
// [NewECDSASignature].
type ECDSASignature struct {
	PublicInputs
	Signature ECDSAWires
	MemberWires

	curve eckey.Curve
}

// sigLayout suits a circuit of some fifty thousand constraints.
var sigLayout = layout{chunkBits: 12, limbChunks: 6, residueChunks: sigChunks}

// Numbers of chunks of sigLayout.
const (
	// sigChunks is that in a number of 256 bits.
	sigChunks = 22
	// sigHalfChunks is that in a number of 128 bits.
	sigHalfChunks = 11
)

// ECDSAWires are a signature of a digest by a key Q, in the form of b*R = c*G + a*Q.
// Numbers are chunks of sigLayout, lowest first.
type ECDSAWires struct {
	// DigestUpper and DigestLower are the halves of the digest.
	DigestUpper, DigestLower [sigHalfChunks]frontend.Variable
	// Key is Q, and Nonce is R.
	Key, Nonce ECPointWires
	Multiplier [sigChunks]frontend.Variable
	// A, B and C are bits of odd numbers in signed digits, lowest first: see
	// [oddBits]. AEven and BEven are 1 for numbers larger by 1.
	A, B         [shortBits]frontend.Variable
	AEven, BEven frontend.Variable
	C            [scalarBits]frontend.Variable
}

// ECPointWires are a point in affine coordinates, x by its halves.
type ECPointWires struct {
	XUpper, XLower [sigHalfChunks]frontend.Variable
	// RestUpper and RestLower are what x lacks to p - 1. Borrow is 1 if the lower
	// half of x is above that of p - 1.
	RestUpper, RestLower [sigHalfChunks]frontend.Variable
	Borrow               frontend.Variable
	Y                    [sigChunks]frontend.Variable
}

// NewECDSASignature returns the relation, to be compiled, for keys of type KeyP256
// or KeySecp256k1 in a registry of capacity 2^capacityBits: 20 or 32.
func NewECDSASignature(keyType zkkex.KeyType, capacityBits int) (*ECDSASignature, error) {
	curve := eckey.CurveOf(keyType)
	if curve == 0 {
		return nil, fmt.Errorf("%w: key type %v, expected %v or %v", zkkex.ErrUnsupported, keyType, zkkex.KeyP256, zkkex.KeySecp256k1)
	}
	m, err := newMemberWires(capacityBits)
	if err != nil {
		return nil, err
	}
	return &ECDSASignature{MemberWires: m, curve: curve}, nil
}

// Define builds the constraints, in the order of the specification.
func (c *ECDSASignature) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	s := newSignatureGadget(api, c.curve)
	w := &c.Signature
	digest, err := s.assertDigest(h, w, c.Binding)
	if err != nil {
		return err
	}
	key, keyUpper, keyLower := s.assertPoint("key", &w.Key)
	nonce, _, _ := s.assertPoint("nonce", &w.Nonce)
	s.assertMultipliers(w, nonce.x, digest)
	s.assertSum(w, key, nonce)
	k, err := ecCoordinate(h, keyUpper, keyLower)
	if err != nil {
		return err
	}
	return assertStatement(api, h, &c.PublicInputs, &c.MemberWires, c.curve.KeyType(), k)
}

// signatureGadget asserts that its wires are a signature.
type signatureGadget struct {
	api     frontend.API
	curve   *sigCurve
	points  *pointAdder
	scalars *residueField
}

func newSignatureGadget(api frontend.API, c eckey.Curve) *signatureGadget {
	curve := sigCurveOf(c)
	chunks := newChunkTable(api, sigLayout.chunkBits)
	return &signatureGadget{
		api:     api,
		curve:   curve,
		points:  &pointAdder{newResidueField(api, chunks, sigLayout, curve.p), curve},
		scalars: newResidueField(api, chunks, sigLayout, curve.n),
	}
}

// assertDigest returns the digest and asserts that its hash is the fifth public
// input.
func (s *signatureGadget) assertDigest(h *hasher, w *ECDSAWires, input frontend.Variable) (*residue, error) {
	digest, upper, lower := s.halves("digest", w.DigestUpper[:], w.DigestLower[:])
	computed, err := h.compress(domain.SignedDigest, upper, lower)
	if err != nil {
		return nil, err
	}
	assertEqual(s.api, "digest: its hash is the public input", computed, input)
	return digest, nil
}

// halves returns upper*2^128 + lower, and the two, for a lower half that is asserted
// to be below 2^128. The upper one is not negative; what it is compared with bounds
// it.
func (s *signatureGadget) halves(what string, upper, lower []frontend.Variable) (v *residue, hi, lo frontend.Variable) {
	f, top := s.points.residueField, len(lower)-1
	f.chunks.check(what+": lower chunks", lower[:top])
	f.chunks.checkNarrow(what+": highest of the lower chunks", lower[top], coordinateHalf-top*f.layout.chunkBits)
	f.chunks.check(what+": upper chunks", upper)
	v = newResidue()
	for i := range lower {
		f.place(v, lower[i], i*f.layout.chunkBits, power2(f.layout.chunkBits))
		f.place(v, upper[i], i*f.layout.chunkBits+coordinateHalf, power2(f.layout.chunkBits))
	}
	return v, f.chunks.recompose(upper), f.chunks.recompose(lower)
}

// assertPoint returns a point that is asserted to be on the curve and to have the
// one x coordinate that is below p, and the halves of x. Infinity has no
// coordinates.
func (s *signatureGadget) assertPoint(what string, w *ECPointWires) (p ecPoint, hi, lo frontend.Variable) {
	f := s.points.residueField
	p.x, hi, lo = s.halves(what+": x", w.XUpper[:], w.XLower[:])
	f.assertBelowModulus(what+": x", hi, lo, w.RestLower[:], w.RestUpper[:], w.Borrow)
	p.y = f.fromChunks(what+": chunks of y", w.Y[:])
	s.points.assertOnCurve(what+": on the curve", p)
	return p, hi, lo
}

// assertMultipliers asserts a = t*r, with r the nonce's x coordinate, and c = t*e,
// modulo n, and that neither a nor b is 0.
func (s *signatureGadget) assertMultipliers(w *ECDSAWires, r, digest *residue) {
	t := s.scalars.fromChunks("multiplier: chunks", w.Multiplier[:])
	a := s.odd("a", w.A[:], w.AEven)
	b := s.odd("b", w.B[:], w.BEven)
	c := s.odd("c", w.C[:])
	assertNotZero(s.api, "a: not 0", s.scalars.integer(a))
	assertNotZero(s.api, "b: not 0", s.scalars.integer(b))
	s.scalars.assertZero("a: multiplier times r", s.scalars.expression(times(1, t, r), times(-1, a)))
	s.scalars.assertZero("c: multiplier times digest", s.scalars.expression(times(1, t, digest), times(-1, c)))
}

// odd returns the odd number that bits stand for, plus 1 if the bit that may follow
// is 1.
func (s *signatureGadget) odd(what string, bits []frontend.Variable, even ...frontend.Variable) *residue {
	one := big.NewInt(1)
	out := newResidue()
	for i, bit := range bits {
		assertBoolean(s.api, what+": bits are boolean", bit)
		s.scalars.place(out, bit, i+1, one)
	}
	s.scalars.place(out, 1, 0, one)
	s.scalars.place(out, -1, len(bits), one)
	for _, bit := range even {
		assertBoolean(s.api, what+": even is boolean", bit)
		s.scalars.place(out, bit, 0, one)
	}
	return out
}

// assertSum asserts b*R = c*G + a*Q: the sum of the odd numbers' multiples, b*R -
// a*Q - c*G, starts and ends at fixed points, but for what even numbers have more.
func (s *signatureGadget) assertSum(w *ECDSAWires, key, nonce ecPoint) {
	c := s.points
	minusKey := c.negative(key)
	table := c.newJointTable(nonce, minusKey)
	sum := c.jointMultiply(s.curve.offset, table, &w.B, &w.A)
	sum = c.minusBaseMultiple(sum, &w.C)

	end := c.point(s.curve.end())
	less := func(p ecPoint) ecPoint { return c.explicit(c.plus(c.line(end), c.negative(p))) }
	c.assertEqual("sum: end", sum, c.choosePoint(w.BEven,
		c.choosePoint(w.AEven, less(table[0][2]), less(nonce)), // table[0][2] is R - Q
		c.choosePoint(w.AEven, less(minusKey), end)))
}
