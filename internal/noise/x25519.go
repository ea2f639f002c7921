package noise

import (
	"crypto/ecdh"
	"crypto/rand"
)

// dhKey is an X25519 private key with its public key. Other than crypto/ecdh's it
// can be wiped, and computed with by the quickest arithmetic there is.
type dhKey struct {
	scalar, public [PublicKeySize]byte
}

// newDHKey draws a key.
func newDHKey() (*dhKey, error) {
	k := new(dhKey)
	if _, err := rand.Read(k.scalar[:]); err != nil {
		return nil, err
	}
	k.public = publicOf(&k.scalar)
	return k, nil
}

// dhKeyOf returns a copy of a key, or nil for nil.
func dhKeyOf(key *ecdh.PrivateKey) *dhKey {
	if key == nil {
		return nil
	}
	return &dhKey{scalar: [PublicKeySize]byte(key.Bytes()), public: [PublicKeySize]byte(key.PublicKey().Bytes())}
}

// wipe forgets the key, which may be nil.
func (k *dhKey) wipe() {
	if k != nil {
		clear(k.scalar[:])
	}
}

// sharedSecret returns the X25519 shared secret, which the caller clears. A
// public key of small order, whose shared secret is 0 for everybody, gives an
// error wrapping [ErrPublicKey].
func sharedSecret(private *dhKey, public *ecdh.PublicKey) ([]byte, error) {
	secret := make([]byte, PublicKeySize)
	if !x25519((*[PublicKeySize]byte)(secret), &private.scalar, (*[PublicKeySize]byte)(public.Bytes())) {
		return nil, malformed("X25519 public key", ErrPublicKey, "it is of small order")
	}
	return secret, nil
}
