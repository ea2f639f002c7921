package keys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

// SignatureSize is the size of a signature: the point R (32 bytes) and the
// scalar s (32 bytes, big-endian).
const SignatureSize = PointSize + ScalarSize

// ErrSignatureScalar reports a signature whose s is not below the order: with
// s and s + order both accepted, anybody makes a second signature out of one.
var ErrSignatureScalar = errors.New("s is not below the order of the subgroup")

// ErrSignature reports a signature that is well formed and does not verify.
var ErrSignature = errors.New("the signature does not verify: it was made with another key or for another message")

// Sign signs a message with the identity key: Schnorr's scheme over Baby
// Jubjub, in the key-prefixed form of RFC 8032,
//
//	R = k*G,  e = SHA-512(Frame("zkkex/v1 schnorr challenge", R, A, msg)) mod order,
//	s = k + e*sk mod order.
//
// The nonce k is hedged: SHA-512 over sk, 32 random bytes and the message, all
// 512 bits of it reduced, so that neither a weak random source alone nor a
// fault repeated on the same message gives two signatures one nonce. Signatures
// are not unique and serve as proofs of possession only, never as the source of
// a nullifier. It returns an error if the system has no randomness to give.
func (s *Secret) Sign(msg []byte) ([SignatureSize]byte, error) { return s.sign(rand.Reader, msg) }

func (s *Secret) sign(random io.Reader, msg []byte) (sig [SignatureSize]byte, err error) {
	m := s.material()
	var hedge [32]byte
	if _, err := io.ReadFull(random, hedge[:]); err != nil {
		return sig, fmt.Errorf("reading randomness: %w", err)
	}
	nonce := hashToScalar(domain.SchnorrNonce, m.scalar[:], hedge[:], msg)
	defer clear(nonce[:])
	k, sk := new(big.Int).SetBytes(nonce[:]), new(big.Int).SetBytes(m.scalar[:])
	defer wipeInt(k)
	defer wipeInt(sk)
	if k.Sign() == 0 {
		return sig, errors.New("zkkex: internal error: the nonce is 0") // as likely as guessing the key
	}
	point := multiplyBase(k)
	r := point.Bytes()
	product := new(big.Int).Mul(challenge(r, m.public.point(), msg), sk)
	defer wipeInt(product)
	response := new(big.Int).Add(k, product)
	defer wipeInt(response)
	response.Mod(response, order())
	copy(sig[:PointSize], r[:])
	response.FillBytes(sig[PointSize:])
	return sig, nil
}

// Verify returns nil if sig is a signature of msg by the key. R must be the
// canonical encoding of a point of the prime-order subgroup but the identity, s
// must be below the order, and the equation s*G = R + e*A is checked without
// the cofactor; both points being in the subgroup, nothing hangs on that. It
// returns an error wrapping [zkkex.ErrMalformed] for a signature that is not
// well formed, [zkkex.ErrUnsupported] for a key of another type than
// [zkkex.KeyBabyJubjub], and [ErrSignature] for a signature that does not verify.
func (p *Public) Verify(msg []byte, sig [SignatureSize]byte) error {
	const format = "signature"
	if p.keyType != zkkex.KeyBabyJubjub && p.keyType != 0 {
		return fmt.Errorf("%w: keys of type %v sign in another way", zkkex.ErrUnsupported, p.keyType)
	}
	encoded := [PointSize]byte(sig[:PointSize])
	r, err := parsePoint(encoded)
	if err != nil {
		return malformed(format, "R: %w", err)
	}
	s := new(big.Int).SetBytes(sig[PointSize:])
	if s.Cmp(order()) >= 0 {
		return malformed(format, "%w", ErrSignatureScalar)
	}
	a, err := parsePoint(p.point()) // fails for the zero Public, a point of order 4
	if err != nil {
		return malformed("public key", "%w", err)
	}
	var right twistededwards.PointAffine
	right.ScalarMultiplication(&a, challenge(encoded, p.point(), msg))
	right.Add(&right, &r)
	left := multiplyBase(s)
	if !left.Equal(&right) {
		return ErrSignature
	}
	return nil
}

// point returns the encoding of a key on Baby Jubjub.
func (p *Public) point() [PointSize]byte { return [PointSize]byte(p.key[:PointSize]) }

func challenge(r, public [PointSize]byte, msg []byte) *big.Int {
	e := hashToScalar(domain.SchnorrChallenge, r[:], public[:], msg)
	return new(big.Int).SetBytes(e[:])
}
