package noise

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

const (
	// maxHash is the longest HASHLEN, in bytes: that of SHA-512 and BLAKE2b.
	maxHash = 64
	// maxBlock is the longest BLOCKLEN, in bytes, of the same two.
	maxBlock = 128

	innerPad, outerPad = 0x36, 0x5c // RFC 2104
)

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

// hmacState is HMAC (RFC 2104) under one key after another. It keeps its hash and
// its memory: a handshake has a dozen keys, and crypto/hmac allocates for each.
type hmacState struct {
	hash        hash.Hash
	pad         [maxBlock]byte
	inner, temp [maxHash]byte
	count       [1]byte // of HKDF's outputs
}

// sum writes HMAC(key, parts) to out. Key and output have HASHLEN bytes, which is
// less than a block, and may be the same.
func (m *hmacState) sum(out, key []byte, parts ...[]byte) {
	pad := m.pad[:m.hash.BlockSize()]
	clear(pad[copy(pad, key):])
	m.begin(pad, innerPad)
	for _, p := range parts {
		m.hash.Write(p)
	}
	inner := m.hash.Sum(m.inner[:0])
	m.begin(pad, innerPad^outerPad)
	m.hash.Write(inner)
	m.hash.Sum(out[:0])
}

// begin begins a hash with the pad, after xor with every byte of it.
func (m *hmacState) begin(pad []byte, xor byte) {
	for i := range pad {
		pad[i] ^= xor
	}
	m.hash.Reset()
	m.hash.Write(pad)
}

// wipe overwrites what follows from keys.
func (m *hmacState) wipe() {
	clear(m.pad[:])
	clear(m.inner[:])
	clear(m.temp[:])
	m.hash.Reset()
}

// hkdf is Noise's HKDF (section 4.3): RFC 5869 with the chaining key as salt and
// an empty info. It fills each output, whose length is HASHLEN; an output may
// be the chaining key itself.
func (m *hmacState) hkdf(chainingKey, input []byte, outputs ...[]byte) {
	defer m.wipe()
	key := m.temp[:m.hash.Size()]
	m.sum(key, chainingKey, input)
	var previous []byte
	for i, output := range outputs {
		m.count[0] = byte(i + 1)
		m.sum(output, key, previous, m.count[:])
		previous = output
	}
}
