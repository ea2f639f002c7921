// Package eddsa is the signature scheme of keys of type [zkkex.KeyEdDSA]:
// Schnorr's over Baby Jubjub, with a challenge that is cheap to compute in a
// circuit. Its owner proves to know a signature of the statement's binding, and
// never the key, so that nobody needs to hold the key: a threshold group signs.
//
// A signature of m, a canonical element of BN254's scalar field, by the key A is a
// point R and a scalar s with
//
//	s*G = R + e*A,   e = f_4(6, R.x, R.y, f_4(7, A.x, A.y, m))
//
// where f_4 is Poseidon2 as docs/spec/hashes.md has it, and e is read as an integer
// below the field's order, to be taken modulo the order of the subgroup. It is encoded as
// R (32 bytes) and s (32 bytes, big-endian). Specification: docs/spec/eddsa.md.
//
// Signatures are not unique: whoever holds the key makes many of one message.
// Nothing that must be unique, and no nullifier, may come from one.
//
// Nothing here takes constant time: sign where nobody shares the processor.
package eddsa

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
)

// Sizes of encodings, in bytes.
const (
	// PublicSize is that of a public key, and of the point R of a signature.
	PublicSize = babyjubjub.PointSize
	// SignatureSize is that of a signature: R and s.
	SignatureSize = PublicSize + babyjubjub.ScalarSize
	// MessageSize is that of a message, a canonical field element, big-endian.
	MessageSize = 32
)

// ErrSignatureScalar reports a signature whose s is not below the order of the
// subgroup: with s and s + order both accepted, anybody makes a second signature
// out of one.
var ErrSignatureScalar = errors.New("s is not below the order of the subgroup")

// ErrSignature reports a signature that is well formed and does not verify.
var ErrSignature = errors.New("the signature does not verify: it was made with another key or for another message")

// Message returns the message that stands for a 256-bit hash, such as the binding
// of a statement: the hash read big-endian, modulo the field's order.
func Message(hash [32]byte) [MessageSize]byte { return field.Bytes(field.FromHash(hash)) }

// Challenge returns e, big-endian and below the field's order, of the encoded
// points R and A and a message. Both points must be canonical encodings of points
// of the prime-order subgroup but the identity, and the message a canonical field
// element; it returns a [*zkkex.ParseError] that says which one is not.
func Challenge(r, public [PublicSize]byte, message [MessageSize]byte) ([32]byte, error) {
	var none [32]byte
	in, err := parse(r, public, message)
	if err != nil {
		return none, err
	}
	return field.Bytes(in.challenge()), nil
}

// Verify returns nil if sig is a signature of the message by the public key. Both
// points must be canonical encodings of points of the prime-order subgroup but the
// identity, s must be below the order, and the equation is checked without the
// cofactor. It returns a [*zkkex.ParseError], for the key, the message or the
// signature, wrapping [ErrSignatureScalar] where it is that, and
// [ErrSignature] if the signature does not verify.
func Verify(public [PublicSize]byte, message [MessageSize]byte, sig [SignatureSize]byte) error {
	s := new(big.Int).SetBytes(sig[PublicSize:])
	if s.Cmp(babyjubjub.Order()) >= 0 {
		return malformed("eddsa signature", ErrSignatureScalar)
	}
	in, err := parse([PublicSize]byte(sig[:PublicSize]), public, message)
	if err != nil {
		return err
	}
	left, right := babyjubjub.MultiplyBase(s), in.rightSide()
	if !left.Equal(&right) {
		return ErrSignature
	}
	return nil
}

// inputs are what a challenge is made of.
type inputs struct {
	r, a babyjubjub.Point
	m    field.Element
}

func parse(r, public [PublicSize]byte, message [MessageSize]byte) (in inputs, err error) {
	if in.a, err = babyjubjub.Parse(public); err != nil {
		return in, malformed("eddsa public key", err)
	}
	if in.m, err = field.Parse(message); err != nil {
		return in, malformed("eddsa message", err)
	}
	if in.r, err = babyjubjub.Parse(r); err != nil {
		return in, malformed("eddsa signature", fmt.Errorf("point R: %w", err))
	}
	return in, nil
}

func (in *inputs) challenge() field.Element {
	inner := field.Compress4([4]field.Element{field.FromUint64(domain.EdDSAMessage), in.a.X, in.a.Y, in.m})
	return field.Compress4([4]field.Element{field.FromUint64(domain.EdDSAChallenge), in.r.X, in.r.Y, inner})
}

// rightSide returns R + e*A.
func (in *inputs) rightSide() babyjubjub.Point {
	var out babyjubjub.Point
	out.ScalarMultiplication(&in.a, scalar(in.challenge()))
	out.Add(&out, &in.r)
	return out
}

// scalar returns e modulo the order of the subgroup.
func scalar(e field.Element) *big.Int {
	v := e.BigInt(new(big.Int))
	return v.Mod(v, babyjubjub.Order())
}

func malformed(format string, err error) error { return &zkkex.ParseError{Format: format, Err: err} }
