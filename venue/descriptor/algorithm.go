package descriptor

import "crypto/ed25519"

// Algorithm is a signature algorithm: the first byte of a key's encoding in a
// signed note (c2sp.org/signed-note). A new algorithm gets a new number; none
// changes its meaning.
type Algorithm byte

// Ed25519 is RFC 8032's signature. Every identity has one such key, because
// witnesses know it.
const Ed25519 Algorithm = 1

// algorithm is what an identity needs to know of an algorithm.
type algorithm struct {
	keySize int // bytes
	verify  func(key, message, signature []byte) bool
}

// algorithms is a table of them.
type algorithms map[Algorithm]algorithm

// known are the algorithms of this version.
func known() algorithms {
	return algorithms{Ed25519: {keySize: ed25519.PublicKeySize, verify: verifyEd25519}}
}

func verifyEd25519(key, message, signature []byte) bool {
	return ed25519.Verify(ed25519.PublicKey(key), message, signature)
}
