package noise

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

// maxHash is the longest HASHLEN, in bytes: that of SHA-512 and BLAKE2b.
const maxHash = 64

// hashFunction is one of Noise's hash functions (section 12.5 to 12.8).
type hashFunction struct {
	name string
	size int // HASHLEN: 32 or 64 bytes
	new  func() hash.Hash
}

var hashFunctions = []hashFunction{
	{"SHA256", sha256.Size, sha256.New},
	{"SHA512", sha512.Size, sha512.New},
	{"BLAKE2s", blake2s.Size, unkeyed(blake2s.New256)},
	{"BLAKE2b", blake2b.Size, unkeyed(blake2b.New512)},
}

// unkeyed adapts the constructors of BLAKE2, which take a key and then can
// fail. Noise always wraps a hash function in HMAC, never in BLAKE2's own mode.
func unkeyed(newHash func(key []byte) (hash.Hash, error)) func() hash.Hash {
	return func() hash.Hash {
		h, err := newHash(nil)
		if err != nil {
			panic("noise: " + err.Error()) // only a key can be wrong
		}
		return h
	}
}
