// Package babyjubjub is the ciphersuite of package frost whose signatures a
// circuit verifies: Baby Jubjub, and a challenge that is made with Poseidon2. It is
// specified in docs/spec/threshold.md.
//
// Baby Jubjub has the cofactor 8: every element is checked to be in the subgroup
// of prime order where it is decoded. Neither the scalars nor gnark-crypto's
// multiplication take constant time.
package babyjubjub

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/threshold/frost"
)

// Sizes in bytes.
const (
	// ElementSize is the size of an encoded element: y little-endian, and the
	// sign of x in the highest bit, as [github.com/zkkex/zkkex/keys] has it.
	ElementSize = 32
	// ScalarSize is the size of an encoded scalar, big-endian.
	ScalarSize = 32
	// MessageSize is the size of a message: one field element.
	MessageSize = 32
)

// Reasons for which something is refused.
var (
	// ErrScalar reports bytes that encode no scalar.
	ErrScalar = errors.New("expected 32 bytes, big-endian, below the order of Baby Jubjub's subgroup")
	// ErrMessage reports a message that is not one canonical field element.
	ErrMessage = errors.New("expected a message of one canonical field element of 32 bytes")
)

// suite has no state.
type suite struct{}

// Suite returns the ciphersuite.
func Suite() frost.Ciphersuite { return suite{} }

// Name returns "Baby Jubjub, SHA-512, Poseidon2".
func (suite) Name() string { return "Baby Jubjub, SHA-512, Poseidon2" }

// Order returns the order of the subgroup, a prime of 251 bits.
func (suite) Order() *big.Int {
	curve := twistededwards.GetEdwardsCurve()
	return &curve.Order
}

// Base returns the generator that gnark-crypto and circuits use.
func (suite) Base() frost.Element {
	curve := twistededwards.GetEdwardsCurve()
	return element{curve.Base}
}

// Identity returns (0, 1).
func (suite) Identity() frost.Element {
	var p twistededwards.PointAffine
	p.Y.SetOne()
	return element{p}
}

// ElementSize returns 32.
func (suite) ElementSize() int { return ElementSize }

// ScalarSize returns 32.
func (suite) ScalarSize() int { return ScalarSize }

// DecodeElement returns an error unless b is the one encoding of an element of
// the subgroup of prime order but the identity; it wraps the reason that
// [github.com/zkkex/zkkex/keys] has for it.
func (suite) DecodeElement(b []byte) (frost.Element, error) {
	if len(b) != ElementSize {
		return nil, fmt.Errorf("expected %d bytes, got %d", ElementSize, len(b))
	}
	p, err := babyjubjub.Parse([ElementSize]byte(b))
	if err != nil {
		return nil, err
	}
	return element{p}, nil
}

// EncodeScalar returns s as 32 bytes, big-endian.
func (suite) EncodeScalar(s *big.Int) []byte { return s.FillBytes(make([]byte, ScalarSize)) }

// DecodeScalar returns an error wrapping [ErrScalar] unless b is 32 bytes,
// big-endian, below the order.
func (suite) DecodeScalar(b []byte) (*big.Int, error) {
	if len(b) != ScalarSize {
		return nil, fmt.Errorf("%w: got %d bytes", ErrScalar, len(b))
	}
	s := new(big.Int).SetBytes(b)
	if s.Cmp(suite{}.Order()) >= 0 {
		return nil, ErrScalar
	}
	return s, nil
}

// H1 is SHA-512 over the frame of "rho" and m, modulo the order.
func (s suite) H1(m []byte) *big.Int { return s.toScalar("rho", m) }

// H3 is SHA-512 over the frame of "nonce" and m, modulo the order.
func (s suite) H3(m []byte) *big.Int { return s.toScalar("nonce", m) }

// H4 is SHA-512 over the frame of "msg" and m.
func (suite) H4(m []byte) []byte { return hash("msg", m) }

// H5 is SHA-512 over the frame of "com" and m.
func (suite) H5(m []byte) []byte { return hash("com", m) }

// HDKG is SHA-512 over the frame of "dkg" and m, modulo the order.
func (s suite) HDKG(m []byte) *big.Int { return s.toScalar("dkg", m) }

func (s suite) toScalar(label string, m []byte) *big.Int {
	wide := hash(label, m)
	defer clear(wide)
	v := new(big.Int).SetBytes(wide)
	return v.Mod(v, s.Order())
}

func hash(label string, m []byte) []byte {
	framed := domain.Frame(domain.FROST, []byte(label), m)
	defer clear(framed)
	sum := sha512.Sum512(framed)
	return sum[:]
}

// Challenge returns f_4(EdDSAChallenge, R.x, R.y, f_4(EdDSAMessage, A.x, A.y, m))
// as an integer modulo the order. It returns an error wrapping [ErrMessage]
// unless msg is one canonical field element.
func (s suite) Challenge(r, key frost.Element, msg []byte) (*big.Int, error) {
	if len(msg) != MessageSize {
		return nil, fmt.Errorf("%w: got %d bytes", ErrMessage, len(msg))
	}
	m, err := field.Parse([MessageSize]byte(msg))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	nonce, public := r.(element).p, key.(element).p
	inner := field.Compress4([4]fr.Element{field.FromUint64(domain.EdDSAMessage), public.X, public.Y, m})
	e := field.Compress4([4]fr.Element{field.FromUint64(domain.EdDSAChallenge), nonce.X, nonce.Y, inner})
	c := e.BigInt(new(big.Int))
	return c.Mod(c, s.Order()), nil
}

// element is a point of the subgroup.
type element struct{ p twistededwards.PointAffine }

// Add returns the sum of the two.
func (e element) Add(other frost.Element) frost.Element {
	o := other.(element)
	var sum twistededwards.PointAffine
	sum.Add(&e.p, &o.p)
	return element{sum}
}

// Mul returns k times the element. It does not take constant time.
func (e element) Mul(k *big.Int) frost.Element {
	var product twistededwards.PointAffine
	product.ScalarMultiplication(&e.p, k)
	return element{product}
}

// Equal reports whether the two are the same.
func (e element) Equal(other frost.Element) bool {
	o, ok := other.(element)
	return ok && e.p.Equal(&o.p)
}

// IsIdentity reports whether it is (0, 1).
func (e element) IsIdentity() bool { return e.p.IsZero() }

// Bytes returns its encoding.
func (e element) Bytes() []byte {
	b := e.p.Bytes()
	return b[:]
}
