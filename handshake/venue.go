package handshake

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"errors"
)

// Venue is what an initiator knows of a venue, from a descriptor that it checked.
type Venue struct {
	// ID is the digest of the venue's identity keys.
	ID [32]byte
	// Number and Digest name the descriptor. Both are in the transcript.
	Number uint64
	Digest [32]byte
	// Suite is the Noise protocol name that the client chose of those offered.
	Suite string
	// Static is the venue's X25519 prekey.
	Static *ecdh.PublicKey
	// Prekey is its ML-KEM-768 prekey, for suites with skem1, otherwise nil.
	Prekey *mlkem.EncapsulationKey768
	// Padding are the sizes, in bytes, that first messages are padded to at
	// least: without a certificate and with one.
	Padding [2]uint16
	// MaxOpens is how often one certificate may be opened.
	MaxOpens uint32
}

// Keys are what a responder has for one descriptor that it published.
type Keys struct {
	// ID is the digest of the venue's identity keys.
	ID [32]byte
	// Number and Digest name the descriptor.
	Number uint64
	Digest [32]byte
	// Suites are the accepted ones.
	Suites []string
	// Static is the private X25519 prekey.
	Static *ecdh.PrivateKey
	// Prekey is the private ML-KEM-768 prekey, or nil if none was published.
	Prekey *mlkem.DecapsulationKey768
	// Padding are the sizes of first messages, as in [Venue].
	Padding [2]uint16
	// MaxOpens and MaxChannels cap the opens of one certificate and its
	// concurrent channels.
	MaxOpens, MaxChannels uint32
}

// ErrUnknownDescriptor reports a descriptor number that was never issued or whose
// prekeys are gone.
var ErrUnknownDescriptor = errors.New("no such descriptor, or its prekeys have expired: fetch the newest")

// KeySource has the keys of the retained descriptors. It must be quick, and safe
// for concurrent use.
type KeySource interface {
	// Keys returns the keys of a descriptor, or an error wrapping
	// [ErrUnknownDescriptor].
	Keys(number uint64) (*Keys, error)
}
