package hmac

import (
	"bytes"
	"crypto/hkdf"
	standard "crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"testing"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

func unkeyed(f func([]byte) (hash.Hash, error)) func() hash.Hash {
	return func() hash.Hash {
		h, err := f(nil)
		if err != nil {
			panic(err)
		}
		return h
	}
}

var hashes = map[string]func() hash.Hash{
	"SHA-256": sha256.New, "SHA-512": sha512.New,
	"BLAKE2s": unkeyed(blake2s.New256), "BLAKE2b": unkeyed(blake2b.New512),
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// The same as the standard library, under one key after another and with any
// number of parts.
func TestAgreesWithTheStandardLibrary(t *testing.T) {
	for name, newHash := range hashes {
		s := State{Hash: newHash()}
		size := s.Hash.Size()
		for n := range size + 1 {
			key, salt, input, info := random(n), random(n), random(3*n), random(2*n)
			h := standard.New(newHash, key)
			h.Write(input)
			out := make([]byte, size)
			if s.Sum(out, key, input[:n], nil, input[n:]); !bytes.Equal(out, h.Sum(nil)) {
				t.Errorf("%s: Sum under a key of %d bytes", name, n)
			}
			want, err := hkdf.Key(newHash, input, salt, string(info), 2*size+n)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want))
			s.Extract(out, input, salt)
			if s.Expand(got, out, info); !bytes.Equal(got, want) {
				t.Errorf("%s: HKDF with a salt of %d bytes", name, n)
			}
		}
	}
}

// A key is overwritten by what follows from it, in place.
func TestSumOverlapsItsKey(t *testing.T) {
	s := State{Hash: sha256.New()}
	key, input := random(32), random(32)
	h := standard.New(sha256.New, key)
	h.Write(input)
	if s.Sum(key, key, input); !bytes.Equal(key, h.Sum(nil)) {
		t.Error("another output than in separate memory")
	}
}

func TestWipe(t *testing.T) {
	s := State{Hash: sha256.New()}
	s.Expand(make([]byte, 40), random(32), random(7))
	s.Wipe()
	if s.pad != [maxBlock]byte{} || s.inner != [maxSize]byte{} || s.block != [maxSize]byte{} {
		t.Error("something is left")
	}
	if empty := sha256.Sum256(nil); !bytes.Equal(s.Hash.Sum(nil), empty[:]) {
		t.Error("the hash is not reset")
	}
}

func TestAllocations(t *testing.T) {
	s := State{Hash: sha256.New()}
	key, input, out := random(32), random(32), make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() { s.Extract(key, input, key); s.Expand(out, key, nil) }); n != 0 {
		t.Errorf("%v allocations, expected none", n)
	}
}
