package noise

import (
	"crypto/ecdh"
	"crypto/mlkem"
)

// PSK is a pre-shared key. It does not print.
type PSK struct {
	silent
	// reveal returns the key. Formatters follow pointers, by some verbs and in
	// some places, but never call functions.
	reveal func() *[keySize]byte
}

// NewPSK returns a copy of key as a pre-shared key.
func NewPSK(key [keySize]byte) PSK { return PSK{reveal: func() *[keySize]byte { return &key }} }

// source draws what a handshake needs fresh.
type source interface {
	dhKey() (*dhKey, error)
	kemKey() (*mlkem.DecapsulationKey768, error)
	encapsulate(*mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error)
}

// system draws from the system's randomness.
type system struct{}

func (system) dhKey() (*dhKey, error) { return newDHKey() }

func (system) kemKey() (*mlkem.DecapsulationKey768, error) { return mlkem.GenerateKey768() }

func (system) encapsulate(key *mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error) {
	shared, ciphertext = key.Encapsulate()
	return shared, ciphertext, nil
}

// parsePublicKey reads an X25519 public key in its one canonical encoding: a
// little-endian integer below 2^255-19. RFC 7748 would reduce others, so that
// one key had several encodings.
func parsePublicKey(b []byte) (*ecdh.PublicKey, error) {
	const format = "X25519 public key"
	if len(b) != PublicKeySize {
		return nil, malformed(format, ErrPublicKey, "expected %d bytes, got %d", PublicKeySize, len(b))
	}
	if !canonical(b) {
		return nil, malformed(format, ErrPublicKey, "expected an integer below 2^255-19")
	}
	return ecdh.X25519().NewPublicKey(b)
}

// canonical reports whether b, little-endian, is below 2^255-19, which is
// ed ff ... ff 7f.
func canonical(b []byte) bool {
	if b[31] != 0x7f {
		return b[31] < 0x7f
	}
	for _, c := range b[1:31] {
		if c != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}

// parseEncapsulationKey reads an ML-KEM-768 encapsulation key.
func parseEncapsulationKey(b []byte) (*mlkem.EncapsulationKey768, error) {
	key, err := mlkem.NewEncapsulationKey768(b)
	if err != nil {
		return nil, malformed("ML-KEM-768 encapsulation key", ErrEncapsulationKey, "expected %d bytes with coefficients below 3329", EncapsulationKeySize)
	}
	return key, nil
}
