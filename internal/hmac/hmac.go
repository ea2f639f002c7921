// Package hmac is HMAC (RFC 2104) and HKDF (RFC 5869) under one key after another,
// with one memory. A handshake and the key schedule behind it have dozens of keys,
// of each of which crypto/hmac makes two hashes.
package hmac

import "hash"

const (
	maxSize  = 64  // bytes of the longest hash: SHA-512 and BLAKE2b
	maxBlock = 128 // bytes of their blocks

	innerPad, outerPad = 0x36, 0x5c // RFC 2104
)

// State is a hash function, and memory that [State.Wipe] clears. It is not safe for
// concurrent use.
type State struct {
	// Hash is the function, with at most 64 bytes of output and blocks of 128. It
	// can be used for other things in between.
	Hash hash.Hash

	pad          [maxBlock]byte
	inner, block [maxSize]byte
	count        [1]byte // of HKDF's blocks
}

// Sum writes HMAC(key, parts) to out, which has the hash's size and may overlap key
// and parts. The key is not longer than the hash, and therefore than a block.
func (s *State) Sum(out, key []byte, parts ...[]byte) {
	pad := s.pad[:s.Hash.BlockSize()]
	clear(pad[copy(pad, key):])
	s.begin(pad, innerPad)
	for _, p := range parts {
		s.Hash.Write(p)
	}
	inner := s.Hash.Sum(s.inner[:0])
	s.begin(pad, innerPad^outerPad)
	s.Hash.Write(inner)
	s.Hash.Sum(out[:0])
}

// begin begins a hash with the pad, after xor with every byte of it.
func (s *State) begin(pad []byte, xor byte) {
	for i := range pad {
		pad[i] ^= xor
	}
	s.Hash.Reset()
	s.Hash.Write(pad)
}

// Extract writes HKDF-Extract (RFC 5869, section 2.2) to out, which has the hash's
// size. The salt is not longer.
func (s *State) Extract(out, input, salt []byte) { s.Sum(out, salt, input) }

// Expand fills out, of at most 255 times the hash's size, with HKDF-Expand (RFC
// 5869, section 2.3) of a key that Extract returned.
func (s *State) Expand(out, key, info []byte) {
	block := s.block[:s.Hash.Size()]
	var previous []byte
	for n := byte(1); len(out) > 0; n++ {
		s.count[0] = n
		s.Sum(block, key, previous, info, s.count[:])
		out = out[copy(out, block):]
		previous = block
	}
}

// Wipe overwrites what follows from the keys.
func (s *State) Wipe() {
	clear(s.pad[:])
	clear(s.inner[:])
	clear(s.block[:])
	s.Hash.Reset()
}
