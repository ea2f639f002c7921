package record

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
)

// primitives are what a session draws, mixes and overwrites with. Tests put
// others in their place, through the unexported constructor only: to repeat
// vectors, and to see that a fault is noticed.
type primitives struct {
	dhKey       func() (*ecdh.PrivateKey, error)
	kemKey      func() (*mlkem.DecapsulationKey768, error)
	encapsulate func(*mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error)
	// combine joins a ratchet's two shared secrets, 32 bytes each.
	combine func(dh, kem []byte) []byte
	wipe    func([]byte)
}

// system draws from the system's randomness.
func system() primitives {
	return primitives{
		dhKey:  func() (*ecdh.PrivateKey, error) { return ecdh.X25519().GenerateKey(rand.Reader) },
		kemKey: mlkem.GenerateKey768,
		encapsulate: func(key *mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error) {
			shared, ciphertext = key.Encapsulate()
			return shared, ciphertext, nil
		},
		combine: func(dh, kem []byte) []byte { return append(append(make([]byte, 0, len(dh)+len(kem)), dh...), kem...) },
		wipe:    func(b []byte) { clear(b) },
	}
}
