package descriptor

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"slices"
	"time"
)

// X25519Size is the length of an X25519 public key, in bytes.
const X25519Size = 32

// Prekeys are the venue's short-lived public keys that a first message is
// sealed to. There is one set per descriptor, so the descriptor's number names
// the keys.
type Prekeys struct {
	// Expires is when the private keys are destroyed. A first message that waits
	// in a mailbox can be answered until then.
	Expires time.Time
	// X25519 is the responder's static key of the handshake.
	X25519 [X25519Size]byte
	// MLKEM768 is the encapsulation key for suites of level [HybridPrekey],
	// 1,184 bytes, or nil.
	MLKEM768 []byte
}

func (p *Prekeys) check() error {
	if err := checkX25519(p.X25519); err != nil {
		return err
	}
	if p.MLKEM768 == nil {
		return nil
	}
	if len(p.MLKEM768) != mlkem.EncapsulationKeySize768 {
		return malformed(descriptorFormat, "ML-KEM-768 prekey of %d bytes, expected %d", len(p.MLKEM768), mlkem.EncapsulationKeySize768)
	}
	if _, err := mlkem.NewEncapsulationKey768(p.MLKEM768); err != nil {
		return malformed(descriptorFormat, "ML-KEM-768 prekey: expected coefficients below 3329: %w", err)
	}
	return nil
}

// x25519Prime returns 2^255-19, big-endian.
func x25519Prime() []byte {
	p := bytes.Repeat([]byte{0xff}, X25519Size)
	p[0], p[X25519Size-1] = 0x7f, 0xed
	return p
}

// checkX25519 refuses the other encodings of a key, which RFC 7748 would
// reduce, and points of small order.
func checkX25519(b [X25519Size]byte) error {
	bigEndian := b
	slices.Reverse(bigEndian[:])
	if bytes.Compare(bigEndian[:], x25519Prime()) >= 0 {
		return malformed(descriptorFormat, "X25519 prekey: expected an integer below 2^255-19")
	}
	public, err := ecdh.X25519().NewPublicKey(b[:])
	if err != nil {
		return malformed(descriptorFormat, "X25519 prekey: %w", err)
	}
	// Any clamped scalar sends points of small order, and no other, to zero.
	probe, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, X25519Size))
	if err != nil {
		return malformed(descriptorFormat, "X25519 prekey: %w", err)
	}
	if _, err := probe.ECDH(public); err != nil {
		return malformed(descriptorFormat, "X25519 prekey: it is of small order")
	}
	return nil
}
