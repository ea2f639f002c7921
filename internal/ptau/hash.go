package ptau

import (
	"encoding"
	"encoding/binary"
	"hash"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/chacha20"
)

// newHash returns BLAKE2b-512.
func newHash() hash.Hash {
	h, err := blake2b.New512(nil)
	if err != nil {
		panic("BLAKE2b without a key refused: " + err.Error())
	}
	return h
}

// partialSize is the size in bytes of a state of BLAKE2b as snarkjs writes it:
// the block being filled (128), the chaining value (8 words of 64 bits), how
// many bytes were compressed, how many of the block are filled, and a word that
// is not used. Words are little-endian.
const partialSize = blake2b.BlockSize + 8*8 + 3*8

// resume returns a hash that goes on from a state.
func resume(partial [partialSize]byte) (hash.Hash, *Error) {
	block, words := partial[:blake2b.BlockSize], partial[blake2b.BlockSize:]
	compressed, filled := binary.LittleEndian.Uint64(words[8*8:]), binary.LittleEndian.Uint64(words[9*8:])
	if compressed%blake2b.BlockSize != 0 || filled > blake2b.BlockSize {
		return nil, refuse("", CheckFormat, "expected a state of BLAKE2b, got one of %d whole bytes and %d more", compressed, filled)
	}
	state := []byte("b2b")
	for i := range 8 {
		state = binary.BigEndian.AppendUint64(state, binary.LittleEndian.Uint64(words[8*i:]))
	}
	state = binary.BigEndian.AppendUint64(state, compressed)
	state = binary.BigEndian.AppendUint64(state, 0)
	state = append(state, blake2b.Size)
	state = append(state, block...)
	state = append(state, byte(filled))
	h := newHash()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		return nil, refuse("", CheckFormat, "resuming BLAKE2b: %w", err)
	}
	return h, nil
}

// generator is the random generator of ffjavascript: the key stream of ChaCha20
// without a nonce, taken by words of 32 bits.
type generator struct {
	stream *chacha20.Cipher
}

// newGenerator returns the generator for the first 32 bytes of a digest, read as
// big-endian words.
func newGenerator(seed []byte) *generator {
	var key [chacha20.KeySize]byte
	for i := 0; i < len(key); i += 4 {
		binary.LittleEndian.PutUint32(key[i:], binary.BigEndian.Uint32(seed[i:]))
	}
	stream, err := chacha20.NewUnauthenticatedCipher(key[:], make([]byte, chacha20.NonceSize))
	if err != nil {
		panic("ChaCha20 refused its key: " + err.Error())
	}
	return &generator{stream}
}

func (g *generator) word32() uint32 {
	var b [4]byte
	g.stream.XORKeyStream(b[:], b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// word64 takes the upper half first.
func (g *generator) word64() uint64 {
	upper := g.word32()
	return uint64(upper)<<32 | uint64(g.word32())
}

// below draws four limbs, of 254 bits together, until they are less than a
// modulus. They are the Montgomery form of what is drawn.
func (g *generator) below(modulus *[4]uint64) (out [4]uint64) {
	for {
		for i := range out {
			out[i] = g.word64()
		}
		out[3] &= 1<<62 - 1
		if less(&out, modulus) {
			return out
		}
	}
}

// element draws a number of the base field.
func (g *generator) element() fp.Element { return g.below(&modulus) }

// scalar draws a secret.
func (g *generator) scalar() *big.Int {
	e := fr.Element(g.below(&order))
	return e.BigInt(new(big.Int))
}

// g1 draws a point of G1.
func (g *generator) g1() curve.G1Affine {
	for {
		var p curve.G1Affine
		p.X = g.element()
		greatest := g.word32()&1 == 1
		var square, b fp.Element
		b.SetUint64(3)
		square.Square(&p.X).Mul(&square, &p.X).Add(&square, &b)
		if p.Y.Sqrt(&square) == nil {
			continue
		}
		if p.Y.LexicographicallyLargest() != greatest {
			p.Y.Neg(&p.Y)
		}
		return p
	}
}

// cofactor is the cofactor of G2.
var cofactor = func() *big.Int {
	c := new(big.Int).Lsh(fp.Modulus(), 1)
	return c.Sub(c, fr.Modulus())
}()

// g2 draws a point of G2.
func (g *generator) g2() curve.G2Affine {
	for {
		var p curve.G2Affine
		p.X.A0 = g.element()
		p.X.A1 = g.element()
		greatest := g.word32()&1 == 1
		square := twist(&p.X)
		if square.Legendre() == -1 {
			continue
		}
		p.Y.Sqrt(&square)
		if p.Y.LexicographicallyLargest() != greatest {
			p.Y.Neg(&p.Y)
		}
		return clearCofactor(&p)
	}
}

// twist returns x^3 + 3/(9+u).
func twist(x *curve.E2) curve.E2 {
	var b, out curve.E2
	b.SetOne()
	b.MulBybTwistCurveCoeff(&b)
	out.Square(x)
	out.Mul(&out, x)
	out.Add(&out, &b)
	return out
}

// clearCofactor multiplies a point by the cofactor. The fast multiplications are for
// points of the subgroup only.
func clearCofactor(p *curve.G2Affine) curve.G2Affine {
	var base, sum curve.G2Jac
	base.FromAffine(p)
	sum.FromAffine(p)
	for i := cofactor.BitLen() - 2; i >= 0; i-- {
		sum.DoubleAssign()
		if cofactor.Bit(i) == 1 {
			sum.AddAssign(&base)
		}
	}
	var out curve.G2Affine
	out.FromJacobian(&sum)
	return out
}

// hashed returns the point of G2 that a contributor multiplied by their secret
// to prove that they know it. The number is 0 for tau, 1 for alpha and 2 for
// beta.
func hashed(number byte, challenge [blake2b.Size]byte, s, sx *curve.G1Affine) curve.G2Affine {
	h := newHash()
	h.Write([]byte{number})
	h.Write(challenge[:])
	for _, p := range []*curve.G1Affine{s, sx} {
		raw := p.RawBytes()
		h.Write(raw[:])
	}
	return newGenerator(h.Sum(nil)).g2()
}
