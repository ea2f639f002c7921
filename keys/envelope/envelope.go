// Package envelope is what devices and wallets sign for zkkex, and how.
//
// A [Message] says one of three things: that a key enters a registry, that it
// delegates to another key for a while, or that it authorises a proof. How that
// becomes the bytes that a device signs depends on the device, and is a [Kind] of
// envelope. Each is kept apart from everything else that the same key may sign: an
// HSM signs the hash of a text that begins with a tag of zkkex; an agent a blob that
// no login accepts, with a namespace of zkkex; a wallet typed data of the domain
// "zkkex", which it shows, and which is no transaction.
//
// A message names H(nk) and not the leaf: a wallet tells its public key only by
// signing, and a signature binds its key anyway.
//
// Signatures are not unique: nothing that must be unique may come from one.
//
// The bytes are specified in docs/spec/envelope.md.
package envelope

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// SignatureSize is the size of every signature, in bytes: r and s of ECDSA, with s
// in the lower half, or R and s of EdDSA.
const SignatureSize = 64

// Kind is how a message is wrapped for a device.
type Kind uint8

// The kinds.
const (
	// Raw is the SHA-256 of a framed text, for what signs a digest: PKCS#11, TPM,
	// keys in files.
	Raw Kind = 1
	// SSHSIG is the signed data of OpenSSH's PROTOCOL.sshsig, for ssh-agents.
	SSHSIG Kind = 2
	// EIP712 is typed structured data (EIP-712), for Ethereum wallets.
	EIP712 Kind = 3
	// EdDSA is a field element, for Baby Jubjub keys: threshold groups.
	EdDSA Kind = 4
)

// String returns "raw", "sshsig", "eip712" or "eddsa".
func (k Kind) String() string {
	switch k {
	case Raw:
		return "raw"
	case SSHSIG:
		return "sshsig"
	case EIP712:
		return "eip712"
	case EdDSA:
		return "eddsa"
	default:
		return fmt.Sprintf("envelope-%d", uint8(k))
	}
}

// Kinds lists the kinds, in ascending order.
func Kinds() []Kind { return []Kind{Raw, SSHSIG, EIP712, EdDSA} }

// Parse returns the kind that [Kind.String] names. It returns an error wrapping
// [zkkex.ErrUnsupported] for any other name.
func Parse(name string) (Kind, error) {
	for _, k := range Kinds() {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: no envelope %q, expected one of %v", zkkex.ErrUnsupported, name, Kinds())
}

// Fits reports whether keys of a type sign in this envelope.
func (k Kind) Fits(t zkkex.KeyType) bool {
	switch t {
	case zkkex.KeyP256:
		return k == Raw || k == SSHSIG
	case zkkex.KeySecp256k1:
		return k == Raw || k == EIP712
	case zkkex.KeyEdDSA:
		return k == EdDSA
	default:
		return false
	}
}

// ErrSignature reports a signature that is well formed and does not verify.
var ErrSignature = errors.New("the signature does not verify: it was made with another key or for another message")

// Verify returns nil if sig is a signature of a message in this envelope by a public
// key, in the encoding of package keys. It returns an error wrapping
// [zkkex.ErrUnsupported] if keys of the type do not sign in this envelope,
// [zkkex.ErrMalformed] for a key, a message or a signature that is not well formed
// (a high s among them), or [ErrSignature].
func (k Kind) Verify(t zkkex.KeyType, public []byte, m *Message, sig [SignatureSize]byte) error {
	if !k.Fits(t) {
		return fmt.Errorf("%w: a key of type %v does not sign in the envelope %v", zkkex.ErrUnsupported, t, k)
	}
	digest, err := k.Digest(m)
	if err != nil {
		return err
	}
	if k == EdDSA {
		return verifyEdDSA(public, digest, sig)
	}
	key, err := eckey.CurveOf(t).Parse(public)
	if err != nil {
		return err
	}
	if err := key.Verify(digest, sig); errors.Is(err, eckey.ErrSignature) {
		return ErrSignature
	} else if err != nil {
		return err
	}
	return nil
}

func verifyEdDSA(public []byte, digest [32]byte, sig [SignatureSize]byte) error {
	if len(public) != eddsa.PublicSize {
		return &zkkex.ParseError{Format: "eddsa public key", Err: fmt.Errorf("expected %d bytes, got %d", eddsa.PublicSize, len(public))}
	}
	err := eddsa.Verify([eddsa.PublicSize]byte(public), digest, sig)
	if errors.Is(err, eddsa.ErrSignature) {
		return ErrSignature
	}
	return err
}
