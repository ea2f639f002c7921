//go:build !amd64

package noise

import "crypto/ecdh"

// publicOf returns the public key of a scalar.
func publicOf(scalar *[PublicKeySize]byte) [PublicKeySize]byte {
	key, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		panic("noise: " + err.Error()) // every string of that length is a key
	}
	return [PublicKeySize]byte(key.PublicKey().Bytes())
}

// x25519 is RFC 7748's function, and false if it gives 0.
func x25519(secret, scalar, public *[PublicKeySize]byte) bool {
	private, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		panic("noise: " + err.Error()) // every string of that length is a key
	}
	peer, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		panic("noise: " + err.Error()) // so is every public one
	}
	shared, err := private.ECDH(peer)
	if err != nil {
		return false
	}
	copy(secret[:], shared)
	return true
}
