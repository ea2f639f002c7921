package noise

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// keySize is the length of a cipher key in bytes.
	keySize = 32
	// TagSize is what sealing adds to a plaintext, in bytes.
	TagSize = 16
	// maxNonce is reserved for rekeying (section 4.2) and never used for a
	// message.
	maxNonce = math.MaxUint64
)

// cipherFunction is one of Noise's cipher functions (section 12.3, 12.4).
type cipherFunction struct {
	name string
	new  func(key *[keySize]byte) (cipher.AEAD, error)
	// putNonce writes the counter into the last 8 of the nonce's 12 bytes.
	putNonce func(b []byte, n uint64)
}

var cipherFunctions = []cipherFunction{
	{"AESGCM", newAESGCM, binary.BigEndian.PutUint64},
	{"ChaChaPoly", newChaChaPoly, binary.LittleEndian.PutUint64},
}

func newAESGCM(key *[keySize]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func newChaChaPoly(key *[keySize]byte) (cipher.AEAD, error) { return chacha20poly1305.New(key[:]) }

// cipherState is Noise's CipherState (section 5.1): a key, and a counter that
// never goes back while the key lives.
type cipherState struct {
	function *cipherFunction
	aead     cipher.AEAD // nil: no key, or wiped
	n        uint64
	nonce    [12]byte
}

// initialize takes the key, and starts to count at 0. It does not keep key.
func (c *cipherState) initialize(function *cipherFunction, key *[keySize]byte) {
	aead, err := function.new(key)
	if err != nil {
		panic("noise: " + err.Error()) // only the key's length can be wrong
	}
	c.function, c.aead, c.n = function, aead, 0
}

// seal appends the sealed plaintext to dst. It returns [ErrExhausted] once the
// nonces are used up and [ErrFailed] if there is no key.
func (c *cipherState) seal(dst, ad, plaintext []byte) ([]byte, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	dst = c.aead.Seal(dst, c.nonceFor(c.n), plaintext, ad)
	c.n++
	return dst, nil
}

// open appends the plaintext to dst. It returns [ErrAuthentication] if the
// ciphertext is not what the peer sealed with this key, number and ad, and then
// the counter stays; otherwise as seal.
func (c *cipherState) open(dst, ad, ciphertext []byte) ([]byte, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	dst, err := c.aead.Open(dst, c.nonceFor(c.n), ciphertext, ad)
	if err != nil {
		return nil, ErrAuthentication
	}
	c.n++
	return dst, nil
}

// rekey replaces the key by a one-way function of it (section 4.2). The counter
// goes on.
func (c *cipherState) rekey() error {
	if c.aead == nil {
		return ErrFailed
	}
	var zeros, key [keySize]byte
	sealed := c.aead.Seal(nil, c.nonceFor(maxNonce), zeros[:], nil)
	copy(key[:], sealed)
	n := c.n
	c.initialize(c.function, &key)
	c.n = n
	clear(sealed)
	clear(key[:])
	return nil
}

// wipe forgets the key. Every later use returns [ErrFailed].
func (c *cipherState) wipe() { c.aead = nil }

func (c *cipherState) usable() error {
	switch {
	case c.aead == nil:
		return ErrFailed
	case c.n == maxNonce:
		return ErrExhausted
	}
	return nil
}

// nonceFor returns n as the cipher's nonce, valid until the next call.
func (c *cipherState) nonceFor(n uint64) []byte {
	c.function.putNonce(c.nonce[4:], n)
	return c.nonce[:]
}
