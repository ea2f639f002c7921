package record

import (
	"crypto/aes"
	"crypto/cipher"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is the AEAD that seals records. Both have keys of 32, nonces of 12 and
// tags of 16 bytes. Key derivation is HKDF with HMAC-SHA256 in both.
type Suite uint8

// The suites. The number is in the key schedule.
const (
	// AES256GCM is AES-256-GCM.
	AES256GCM Suite = 1
	// ChaCha20Poly1305 is ChaCha20-Poly1305 (RFC 8439).
	ChaCha20Poly1305 Suite = 2
)

const (
	keySize   = 32
	nonceSize = 12
)

// aead returns the suite's AEAD with a key, which it does not keep.
func (s Suite) aead(key *[keySize]byte) cipher.AEAD {
	aead, err := s.open(key)
	if err != nil {
		panic("record: internal error: " + err.Error()) // only the key's length can be wrong
	}
	return aead
}

func (s Suite) open(key *[keySize]byte) (cipher.AEAD, error) {
	if s == ChaCha20Poly1305 {
		return chacha20poly1305.New(key[:])
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Role says who of the two a peer is. It is in every label.
type Role uint8

// The roles, as in the handshake.
const (
	// Initiator sent the first message of the handshake, and starts ratchets.
	Initiator Role = iota
	// Responder answered it.
	Responder
)

// String returns "initiator" or "responder", as it stands in labels.
func (r Role) String() string {
	if r == Initiator {
		return "initiator"
	}
	return "responder"
}

func (r Role) peer() Role { return Responder - r }
