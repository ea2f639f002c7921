// Package signer lets the keys that people already have sign for a registry: keys in
// files, wallets, agents, tokens and groups, behind one interface.
//
// [Open] takes a URI, which says what kind of key it is and where: docs/spec/signers.md
// has every form. Kinds register themselves; importing package
// github.com/zkkex/zkkex/keys/signer/all brings all of them.
//
//	s, err := signer.Open(ctx, "file:/home/mm/key.pem", signer.Options{PIN: ask})
//
// A Signer signs nothing but an [envelope.Message], and never bytes that somebody
// chose: what it signs is a digest with a tag of zkkex's own, a namespaced message, or
// typed data of a domain of its own, and so neither a transaction nor a login
// elsewhere. Every signature is normalised and verified before it is returned: what a
// device gives is not trusted to be what was asked for.
package signer

import (
	"context"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
)

// Signer is one key, opened. It is safe for concurrent use; a device that does one
// thing at a time is asked one thing at a time.
type Signer interface {
	// KeyType returns the type of the key, and so the circuits that prove it.
	KeyType() zkkex.KeyType
	// Envelope returns the form in which messages reach the key.
	Envelope() envelope.Kind
	// PublicKey returns the compressed public key, 32 or 33 bytes, or nil while it is
	// not known: a wallet tells it by its first signature only.
	PublicKey() []byte
	// Sign signs a message, which may take a person's consent and so their time: ctx
	// ends the wait, and its error is then returned. The signature is normalised and
	// verifies. It returns an error wrapping one of this package's, or those of
	// [envelope.Kind.Digest].
	Sign(ctx context.Context, m *envelope.Message) (*Signature, error)
	// Name says which key this is, for people. It holds no secret.
	Name() string
	// Close ends the session with the device and wipes what was read of a key. Sign
	// returns an error afterwards. It may be called twice.
	Close() error
}

// Signature is a signature with the key that it verifies under.
type Signature struct {
	// PublicKey is the compressed public key, 32 or 33 bytes.
	PublicKey []byte
	// Bytes is the signature: r and s of ECDSA with s in the lower half of its range,
	// or R and s of EdDSA. 32 bytes each, big-endian except for R.
	Bytes [64]byte
}

// ScalarHolder is a [Signer] whose private key can be had: it was read from a file.
type ScalarHolder interface {
	// WithScalar calls use with the private scalar, 32 bytes big-endian, which is
	// wiped when use returns; use keeps no reference to it. It returns what use
	// returns, or [ErrClosed].
	WithScalar(use func(sk []byte) error) error
}

// Deriver is a [Signer] whose device derives secrets from the key (ECDH).
type Deriver interface {
	// Derive returns a secret that depends on the key and the label alone, so that it
	// needs no storage: the same device gives it again. It returns an error wrapping
	// [zkkex.ErrUnsupported] if the device or the key does not allow it.
	Derive(ctx context.Context, label string) ([32]byte, error)
}
