package keys

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"math/big"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
)

// ErrNullifierKey reports a nullifier key that is zero or not a canonical field
// element.
var ErrNullifierKey = errors.New("not a nullifier key: expected a canonical field element other than 0")

// Secret is a member's identity key and nullifier key. Nothing prints it; see
// [Secret.RevealScalar] and [Secret.RevealNullifierKey]. The zero value is not
// a key: secrets come from the functions of this package. A Secret is safe for
// concurrent use, except for [Secret.Wipe].
type Secret struct {
	// reveal returns the secrets. Formatters follow pointers, by some verbs
	// and in some places, but never call functions.
	reveal func() *material
}

type material struct {
	scalar    [ScalarSize]byte // in [1, order), big-endian
	nullifier [32]byte         // canonical, not 0
	public    Public
}

// Generate returns a fresh secret from the system's randomness: sk and nk are
// independent, each 512 uniform bits reduced. It returns an error if the system
// has no randomness to give.
func Generate() (*Secret, error) { return generate(rand.Reader) }

func generate(random io.Reader) (*Secret, error) {
	sk, err := uniform(random, order())
	if err != nil {
		return nil, err
	}
	defer clear(sk[:])
	nk, err := uniform(random, fieldOrder())
	if err != nil {
		return nil, err
	}
	defer clear(nk[:])
	return ParseSecret(sk, nk)
}

// ParseSecret returns the secret with identity scalar sk, big-endian and in
// [1, order), and nullifier key nk, a canonical field element other than 0. It
// returns an error wrapping [zkkex.ErrMalformed] and one of [ErrScalarRange]
// and [ErrNullifierKey].
func ParseSecret(sk, nk [32]byte) (*Secret, error) {
	const format = "secret key"
	if err := checkScalar(&sk); err != nil {
		return nil, malformed(format, "%w", err)
	}
	element, err := field.Parse(nk)
	if err != nil || element.IsZero() {
		return nil, malformed(format, "%w", ErrNullifierKey)
	}
	s := new(big.Int).SetBytes(sk[:])
	defer wipeInt(s)
	point := multiplyBase(s)
	m := &material{scalar: sk, nullifier: nk}
	m.public = newPublic(zkkex.KeyBabyJubjub, &point, field.Bytes(field.HashNullifierKey(element)))
	return &Secret{reveal: func() *material { return m }}, nil
}

// FromSeed returns the secret whose identity scalar comes from a 32-byte seed
// that is kept elsewhere,
//
//	sk = SHA-512(Frame("zkkex/v1 seed identity", seed)) mod order,
//
// and whose nullifier key is nk. The nullifier key is never derived from the
// seed: who learns the seed must not learn the nullifiers. Keep both. To draw
// nk, use [ImportSeed]. It returns an error as [ParseSecret] does.
func FromSeed(seed, nk [32]byte) (*Secret, error) {
	sk := hashToScalar(domain.SeedIdentity, seed[:])
	defer clear(sk[:])
	return ParseSecret(sk, nk)
}

// ImportSeed is [FromSeed] with a fresh nullifier key. Importing a seed twice
// gives one identity key with two nullifier keys, and so two commitments, of
// which a registrar admits one at a time: the seed is no backup of the secret.
func ImportSeed(seed [32]byte) (*Secret, error) {
	nk, err := uniform(rand.Reader, fieldOrder())
	if err != nil {
		return nil, err
	}
	defer clear(nk[:])
	return FromSeed(seed, nk)
}

// Public returns the public part.
func (s *Secret) Public() *Public {
	p := s.material().public
	return &p
}

// Commitment returns the member's leaf, the same as that of the public part.
func (s *Secret) Commitment() zkkex.Commitment { return s.material().public.Commitment() }

// Nullifier returns the nullifier of a slot in a scope. It depends on the
// nullifier key alone, not on the identity key. Who calls it takes care that
// the slot was taken durably; see package slots.
func (s *Secret) Nullifier(scope zkkex.Scope, slot uint32) zkkex.Nullifier {
	nk, err := field.Parse(s.material().nullifier)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // checked when the secret was made
	}
	return field.Bytes(field.Nullifier(field.FromHash(scope), slot, nk))
}

// RevealScalar returns the identity scalar, big-endian and in [1, order). It is
// the secret itself, for provers and key files: wipe the copy after use.
func (s *Secret) RevealScalar() [ScalarSize]byte { return s.material().scalar }

// RevealNullifierKey returns the nullifier key, a canonical field element. It
// is a secret: whoever has it links all of the member's sessions, past and
// future. Wipe the copy after use.
func (s *Secret) RevealNullifierKey() [32]byte { return s.material().nullifier }

// Equal reports whether s and t hold the same secrets, in constant time.
func (s *Secret) Equal(t *Secret) bool {
	a, b := s.material(), t.material()
	return subtle.ConstantTimeCompare(a.scalar[:], b.scalar[:])&
		subtle.ConstantTimeCompare(a.nullifier[:], b.nullifier[:]) == 1
}

// Wipe overwrites the secrets, in s and in every copy of s. Any other use of s
// afterwards panics; wiping twice is allowed. It must not run concurrently with
// another method.
func (s *Secret) Wipe() {
	if s.reveal != nil {
		*s.reveal() = material{}
	}
}

// material returns the secrets. A wiped or zero secret is a caller's mistake
// that must not go on as the all-zero key.
func (s *Secret) material() *material {
	if s == nil || s.reveal == nil || s.reveal().nullifier == [32]byte{} {
		panic("keys: use of a secret that was wiped or never made")
	}
	return s.reveal()
}
