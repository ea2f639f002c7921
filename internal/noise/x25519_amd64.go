package noise

import circl "github.com/cloudflare/circl/dh/x25519"

// On this architecture circl takes half the time of crypto/ecdh
// (docs/design/0007-noise.md). Both are constant time, and a test compares them.

// publicOf returns the public key of a scalar.
func publicOf(scalar *[PublicKeySize]byte) (public [PublicKeySize]byte) {
	circl.KeyGen((*circl.Key)(&public), (*circl.Key)(scalar))
	return public
}

// x25519 is RFC 7748's function, and false if it gives 0.
func x25519(secret, scalar, public *[PublicKeySize]byte) bool {
	return circl.Shared((*circl.Key)(secret), (*circl.Key)(scalar), (*circl.Key)(public))
}
