// Package suitestest has ciphersuites of RFC 9591, for tests of the generic code
// with the RFC's vectors. They are slow and plain, and not for use.
package suitestest

import (
	"crypto/sha512"
	"errors"
	"math/big"
	"slices"

	"github.com/zkkex/zkkex/threshold/frost"
)

// ed25519 is RFC 9591, section 6.1.
type ed25519 struct{}

// Ed25519 returns FROST(Ed25519, SHA-512).
func Ed25519() frost.Ciphersuite { return ed25519{} }

const ed25519Context = "FROST-ED25519-SHA512-v1"

// Parameters of the curve -x^2 + y^2 = 1 + d*x^2*y^2 (RFC 8032, section 5.1).
var (
	edP     = number("57896044618658097711785492504343953926634992332820282019728792003956564819949")
	edOrder = number("7237005577332262213973186563042994240857116359379907606001950938285454250989")
	edD     = number("37095705934669439343138083508754565189542113879843219016388785533085940283555")
	edBase  = &edPoint{
		number("15112221349535400772501151409588531511454012693041857206046113283949847762202"),
		number("46316835694926478169428394003475163141307993866256225615783033603165251855960"),
	}
)

func number(decimal string) *big.Int {
	n, ok := new(big.Int).SetString(decimal, 10)
	if !ok {
		panic("not a number: " + decimal)
	}
	return n
}

func (ed25519) Name() string            { return "FROST(Ed25519, SHA-512)" }
func (ed25519) Order() *big.Int         { return edOrder }
func (ed25519) Base() frost.Element     { return edBase }
func (ed25519) Identity() frost.Element { return &edPoint{new(big.Int), big.NewInt(1)} }
func (ed25519) ElementSize() int        { return 32 }
func (ed25519) ScalarSize() int         { return 32 }

func (ed25519) EncodeScalar(s *big.Int) []byte {
	b := s.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

func (ed25519) DecodeScalar(b []byte) (*big.Int, error) {
	return decodeScalar(reversed(b), edOrder)
}

func (ed25519) H1(m []byte) *big.Int { return edScalar(ed25519Context+"rho", m) }
func (ed25519) H3(m []byte) *big.Int { return edScalar(ed25519Context+"nonce", m) }
func (ed25519) H4(m []byte) []byte   { return edHash(ed25519Context+"msg", m) }
func (ed25519) H5(m []byte) []byte   { return edHash(ed25519Context+"com", m) }

func (ed25519) HDKG(m []byte) *big.Int { return edScalar(ed25519Context+"dkg", m) }

// Challenge is H2 without a context, as RFC 8032 has it.
func (ed25519) Challenge(r, key frost.Element, msg []byte) (*big.Int, error) {
	return edScalar("", slices.Concat(r.Bytes(), key.Bytes(), msg)), nil
}

func edHash(prefix string, m []byte) []byte {
	sum := sha512.Sum512(append([]byte(prefix), m...))
	return sum[:]
}

func edScalar(prefix string, m []byte) *big.Int {
	n := new(big.Int).SetBytes(reversed(edHash(prefix, m)))
	return n.Mod(n, edOrder)
}

func (ed25519) DecodeElement(b []byte) (frost.Element, error) {
	if len(b) != 32 {
		return nil, errors.New("expected 32 bytes")
	}
	y := new(big.Int).SetBytes(reversed(b))
	sign := y.Bit(255)
	y.SetBit(y, 255, 0)
	one := big.NewInt(1)
	yy := edMul(y, y)
	// x^2 = (y^2-1) / (d*y^2+1)
	denominator := new(big.Int).ModInverse(edMod(new(big.Int).Add(edMul(edD, yy), one)), edP)
	x := new(big.Int).ModSqrt(edMul(edMod(new(big.Int).Sub(yy, one)), denominator), edP)
	if y.Cmp(edP) >= 0 || x == nil {
		return nil, errors.New("not on the curve")
	}
	if x.Bit(0) != sign {
		x = edMod(new(big.Int).Neg(x))
	}
	p := &edPoint{x, y}
	if !slices.Equal(p.Bytes(), b) || p.IsIdentity() || !p.Mul(edOrder).IsIdentity() {
		return nil, errors.New("not in the group")
	}
	return p, nil
}

// edPoint is a point in affine coordinates.
type edPoint struct{ x, y *big.Int }

func edMod(a *big.Int) *big.Int    { return a.Mod(a, edP) }
func edMul(a, b *big.Int) *big.Int { return edMod(new(big.Int).Mul(a, b)) }

func (p *edPoint) Add(other frost.Element) frost.Element {
	q := other.(*edPoint)
	one := big.NewInt(1)
	product := edMul(edMul(edD, edMul(p.x, q.x)), edMul(p.y, q.y))
	x := edMod(new(big.Int).Add(edMul(p.x, q.y), edMul(p.y, q.x)))
	y := edMod(new(big.Int).Add(edMul(p.y, q.y), edMul(p.x, q.x)))
	dx := new(big.Int).ModInverse(edMod(new(big.Int).Add(one, product)), edP)
	dy := new(big.Int).ModInverse(edMod(new(big.Int).Sub(one, product)), edP)
	return &edPoint{edMul(x, dx), edMul(y, dy)}
}

func (p *edPoint) Mul(k *big.Int) frost.Element { return multiply(ed25519{}, p, k) }

func (p *edPoint) Equal(other frost.Element) bool {
	q := other.(*edPoint)
	return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0
}

func (p *edPoint) IsIdentity() bool { return p.Equal(ed25519{}.Identity()) }

func (p *edPoint) Bytes() []byte {
	b := reversed(p.y.FillBytes(make([]byte, 32)))
	b[31] |= byte(p.x.Bit(0)) << 7
	return b
}

// multiply doubles and adds.
func multiply(s frost.Ciphersuite, e frost.Element, k *big.Int) frost.Element {
	sum := s.Identity()
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.Add(sum)
		if k.Bit(i) == 1 {
			sum = sum.Add(e)
		}
	}
	return sum
}

func reversed(b []byte) []byte {
	out := slices.Clone(b)
	slices.Reverse(out)
	return out
}

// decodeScalar decodes 32 bytes, big-endian.
func decodeScalar(b []byte, order *big.Int) (*big.Int, error) {
	n := new(big.Int).SetBytes(b)
	if len(b) != 32 || n.Cmp(order) >= 0 {
		return nil, errors.New("not a scalar below the order")
	}
	return n, nil
}
