package frost

import (
	"math/big"
)

// Element is an element of a group of prime order. Values are immutable.
type Element interface {
	// Add returns the sum of the two. Both are of one ciphersuite.
	Add(Element) Element
	// Mul returns k times the element. It need not take constant time.
	Mul(k *big.Int) Element
	// Equal reports whether the two are the same element.
	Equal(Element) bool
	// IsIdentity reports whether the element is the group's identity.
	IsIdentity() bool
	// Bytes returns the element's one encoding.
	Bytes() []byte
}

// Ciphersuite is a group of prime order with its hash functions (RFC 9591,
// section 3).
type Ciphersuite interface {
	// Name names the ciphersuite, for people.
	Name() string
	// Order returns the group's order, a prime. Callers do not change it.
	Order() *big.Int
	// Base returns the group's generator.
	Base() Element
	// Identity returns the neutral element.
	Identity() Element
	// ElementSize is the size of an encoded element in bytes.
	ElementSize() int
	// DecodeElement decodes an element strictly: one encoding of each, in the
	// group of prime order, and not the identity. It returns an error that says
	// what is wrong for anything else.
	DecodeElement(b []byte) (Element, error)
	// ScalarSize is the size of an encoded scalar in bytes.
	ScalarSize() int
	// EncodeScalar encodes a scalar below the order.
	EncodeScalar(s *big.Int) []byte
	// DecodeScalar decodes a scalar, and returns an error unless b is the
	// encoding of one below the order.
	DecodeScalar(b []byte) (*big.Int, error)

	// H1 hashes to a scalar: binding factors.
	H1(m []byte) *big.Int
	// H3 hashes to a scalar: nonces.
	H3(m []byte) *big.Int
	// H4 hashes a message.
	H4(m []byte) []byte
	// H5 hashes a list of commitments.
	H5(m []byte) []byte
	// HDKG hashes to a scalar: proofs of knowledge in key generation. RFC 9591 has
	// none.
	HDKG(m []byte) *big.Int
	// Challenge returns the challenge of a signature with the commitment r under
	// key: H2 over the encodings in RFC 9591's ciphersuites. It returns an error
	// if msg is no message of the ciphersuite.
	Challenge(r, key Element, msg []byte) (*big.Int, error)
}
