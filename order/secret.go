package order

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/redact"
)

// SecretSize is the length of a [Secret] in bytes.
const SecretSize = 32

// Secret is a member's order secret: what makes the IDs of requests and the keys
// of orders. It is independent of the identity key and of the nullifier key, so
// that who learns those cannot tell the member's orders, and who learns this one
// cannot open sessions. It does not print. It is safe for concurrent use, except
// for [Secret.Wipe].
//
// Who has it, and the nullifiers, can find and cancel all of the member's orders
// without having kept anything else; see [Recover].
type Secret struct {
	redact.Silent

	key *[SecretSize]byte
}

// NewSecret returns a fresh secret from the system's randomness.
func NewSecret() *Secret {
	s := &Secret{key: new([SecretSize]byte)}
	rand.Read(s.key[:]) // crypto/rand.Read never fails: it ends the process
	return s
}

// ParseSecret returns the secret that [Secret.Reveal] returned. Its error wraps
// [github.com/zkkex/zkkex.ErrMalformed] for 32 zeros, which nobody draws.
func ParseSecret(b [SecretSize]byte) (*Secret, error) {
	if b == ([SecretSize]byte{}) {
		return nil, malformed("order secret", "all bytes are 0, expected 32 random ones")
	}
	return &Secret{key: &b}, nil
}

// Reveal returns the secret itself, to be kept. Wipe the copy after use.
func (s *Secret) Reveal() [SecretSize]byte { return *s.key }

// Equal reports whether both are the same secret, in constant time.
func (s *Secret) Equal(t *Secret) bool {
	return subtle.ConstantTimeCompare(s.key[:], t.key[:]) == 1
}

// Wipe overwrites the secret, which must not be used after it.
func (s *Secret) Wipe() { clear(s.key[:]) }

// ID returns the ID of the n-th request of the session that began under a
// nullifier, n counting from 0: the first 16 bytes of
//
//	HMAC-SHA256(secret, Frame("zkkex/v1 order client id", nullifier, uint64 n))
//
// Nobody without the secret can tell it from a random one, nor two of one session
// from two of different ones. Who calls it takes care that no n is used for two
// requests; see [Config].State.
func (s *Secret) ID(nullifier [32]byte, n uint64) ID {
	sum := s.prf(domain.OrderClientID, nullifier[:], domain.Uint64(n))
	return ID(sum[:IDSize])
}

// Key returns the order's own key, which owns the order that its sender calls id,
// in whatever session: Ed25519 (RFC 8032) from the seed
//
//	HMAC-SHA256(secret, Frame("zkkex/v1 order key", id))
//
// Wipe it after use.
func (s *Secret) Key(id ID) ed25519.PrivateKey {
	seed := s.prf(domain.OrderKey, id[:])
	defer clear(seed)
	return ed25519.NewKeyFromSeed(seed)
}

// OwnerKey returns the public half of [Secret.Key], for the OwnerKey of a request.
func (s *Secret) OwnerKey(id ID) [32]byte {
	key := s.Key(id)
	defer clear(key)
	return [32]byte(key.Public().(ed25519.PublicKey))
}

// Prove shows that the order or quote that a request is about is the sender's own,
// from another session than the order's: it returns the Proof to set in r, good on
// the channel with the given binding alone; see [BindingLabel]. r is one of
// [OrderCancelRequest], [OrderCancelReplaceRequest], [OrderStatusRequest] and
// [QuoteCancel], of which the Proof field is not looked at; for any other the error
// wraps [ErrProof].
//
// It tells the venue that both sessions are of one member.
func (s *Secret) Prove(binding [32]byte, r Request) (Proof, error) {
	id, _, ok := owned(r)
	if !ok {
		return Proof{}, fmt.Errorf("%w: a %T is not about an earlier order", ErrProof, r)
	}
	key := s.Key(id)
	defer clear(key)
	return Proof(ed25519.Sign(key, proven(binding, r))), nil
}

func (s *Secret) prf(tag domain.Tag, fields ...[]byte) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write(domain.Frame(tag, fields...))
	return mac.Sum(nil)
}
