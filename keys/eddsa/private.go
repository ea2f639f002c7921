package eddsa

import (
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/redact"
)

// PrivateSize is the size of an encoded private key, in bytes.
const PrivateSize = babyjubjub.ScalarSize

// ErrPrivateRange reports a private key that is not in [1, order): one public key
// would have several.
var ErrPrivateRange = errors.New("not a scalar in [1, order of the subgroup)")

// PrivateKey is a key in one hand, for tests and for who needs no threshold. Make
// one with [Generate] or [ParsePrivateKey]; the zero value is no key. Nothing prints
// it. It is safe for concurrent use, except for [PrivateKey.Wipe].
type PrivateKey struct {
	redact.Silent
	// reveal returns the scalar, in [1, order) and big-endian, or zeros once it is
	// wiped. Formatters follow pointers, by some verbs and in some places, but
	// never call functions.
	reveal func() *[PrivateSize]byte
	public [PublicSize]byte
	point  babyjubjub.Point
}

// Generate returns a fresh key from the system's randomness, 512 bits of it reduced.
// It returns an error if the system has none to give.
func Generate() (*PrivateKey, error) {
	var wide [sha512.Size]byte
	defer clear(wide[:])
	for {
		if _, err := io.ReadFull(rand.Reader, wide[:]); err != nil {
			return nil, fmt.Errorf("reading randomness: %w", err)
		}
		s := reduceWide(&wide)
		if s.Sign() != 0 {
			return newPrivateKey(s), nil
		}
	}
}

// ParsePrivateKey returns the key with a scalar, big-endian and in [1, order). It
// returns a [*zkkex.ParseError] wrapping [ErrPrivateRange] for another one.
func ParsePrivateKey(b [PrivateSize]byte) (*PrivateKey, error) {
	s := new(big.Int).SetBytes(b[:])
	if s.Sign() == 0 || s.Cmp(babyjubjub.Order()) >= 0 {
		wipe(s)
		return nil, malformed("eddsa private key", ErrPrivateRange)
	}
	return newPrivateKey(s), nil
}

// newPrivateKey takes s over, and wipes it.
func newPrivateKey(s *big.Int) *PrivateKey {
	defer wipe(s)
	held := new([PrivateSize]byte)
	s.FillBytes(held[:])
	p := babyjubjub.MultiplyBase(s)
	return &PrivateKey{reveal: func() *[PrivateSize]byte { return held }, public: p.Bytes(), point: p}
}

// Public returns the encoded public key.
func (k *PrivateKey) Public() [PublicSize]byte { return k.public }

// Reveal returns the scalar itself, big-endian and in [1, order). Wipe the copy
// after use.
func (k *PrivateKey) Reveal() [PrivateSize]byte { return *k.material() }

// Wipe overwrites the key, in k and in every copy of k. Any other use of it but
// [PrivateKey.Public] panics afterwards; wiping twice is allowed.
func (k *PrivateKey) Wipe() {
	if k.reveal != nil {
		clear(k.reveal()[:])
	}
}

// Sign signs a message, a canonical field element; see [Message]. The nonce is
// hedged: SHA-512 over the key, 32 random bytes and the message, all 512 bits of
// it reduced, so that neither a weak random source alone nor a fault repeated on
// one message gives two signatures one nonce. It returns a [*zkkex.ParseError] for a message
// that is not canonical, and an error if the system has no randomness to give.
func (k *PrivateKey) Sign(message [MessageSize]byte) ([SignatureSize]byte, error) {
	return k.sign(rand.Reader, message)
}

func (k *PrivateKey) sign(random io.Reader, message [MessageSize]byte) (sig [SignatureSize]byte, err error) {
	m, err := field.Parse(message)
	if err != nil {
		return sig, malformed("eddsa message", err)
	}
	nonce, err := k.nonce(random, message)
	if err != nil {
		return sig, err
	}
	defer wipe(nonce)
	in := &inputs{r: babyjubjub.MultiplyBase(nonce), a: k.point, m: m}
	sk := new(big.Int).SetBytes(k.material()[:])
	defer wipe(sk)
	s := new(big.Int).Mul(scalar(in.challenge()), sk)
	defer wipe(s)
	s.Mod(s.Add(s, nonce), babyjubjub.Order())
	r := in.r.Bytes()
	copy(sig[:], r[:])
	s.FillBytes(sig[PublicSize:])
	return sig, nil
}

func (k *PrivateKey) nonce(random io.Reader, message [MessageSize]byte) (*big.Int, error) {
	var hedge [32]byte
	defer clear(hedge[:])
	if _, err := io.ReadFull(random, hedge[:]); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	framed := domain.Frame(domain.EdDSANonce, k.material()[:], hedge[:], message[:])
	defer clear(framed)
	wide := sha512.Sum512(framed)
	defer clear(wide[:])
	nonce := reduceWide(&wide)
	if nonce.Sign() == 0 {
		return nil, errors.New("zkkex: internal error: the nonce is 0") // as likely as guessing the key
	}
	return nonce, nil
}

// material returns the scalar. A wiped or zero key is a caller's mistake that must
// not go on as the key 0.
func (k *PrivateKey) material() *[PrivateSize]byte {
	if k == nil || k.reveal == nil || *k.reveal() == [PrivateSize]byte{} {
		panic("eddsa: use of a private key that was wiped or never made")
	}
	return k.reveal()
}

// reduceWide returns 512 bits, read big-endian, modulo the order: twice the size of
// the order, so that the bias is below 2^-256.
func reduceWide(wide *[sha512.Size]byte) *big.Int {
	v := new(big.Int).SetBytes(wide[:])
	defer wipe(v)
	return new(big.Int).Mod(v, babyjubjub.Order())
}

// wipe clears the words of an integer, also those beyond its length.
func wipe(v *big.Int) {
	words := v.Bits()
	clear(words[:cap(words)])
	v.SetUint64(0)
}
