// Package softkey is a signer whose private key is in this process's memory, because it
// was read from a file.
//
// Signing is constant time: P-256 by Go's crypto/ecdsa, secp256k1 by decred's library,
// with the nonces of RFC 6979.
package softkey

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// ErrRange reports a private scalar that is 0 or not below the group's order.
var ErrRange = errors.New("the private key must be from 1 to the group's order less 1")

// Key is a private key in memory. Nothing prints it. It implements [signer.Signer] and
// [signer.ScalarHolder].
type Key struct {
	redact.Silent
	public eckey.PublicKey
	kind   envelope.Kind
	name   string

	mu sync.RWMutex
	// reveal returns the scalar, or nil once the key is closed. Formatters never call
	// functions.
	reveal func() *[32]byte
}

// New returns the key with a private scalar, 32 bytes big-endian, which it copies. It
// returns an error wrapping [zkkex.ErrMalformed] and [ErrRange].
func New(curve eckey.Curve, scalar []byte, kind envelope.Kind, name string) (*Key, error) {
	if !inRange(curve, scalar) {
		return nil, &zkkex.ParseError{Format: curve.String() + " private key", Err: ErrRange}
	}
	held := [32]byte(scalar)
	public, err := publicOf(curve, &held)
	if err != nil {
		return nil, err
	}
	return &Key{public: public, kind: kind, name: name, reveal: func() *[32]byte { return &held }}, nil
}

// inRange reports whether b is a scalar of 32 bytes from 1 to the order less 1, in a
// time that does not depend on it.
func inRange(curve eckey.Curve, b []byte) bool {
	if len(b) != 32 {
		return false
	}
	var n, zero [32]byte
	curve.Order().FillBytes(n[:])
	borrow := 0
	for i := 31; i >= 0; i-- {
		borrow = (int(b[i]) - int(n[i]) - borrow) >> 8 & 1
	}
	return borrow == 1 && subtle.ConstantTimeCompare(b, zero[:]) == 0
}

func publicOf(curve eckey.Curve, scalar *[32]byte) (eckey.PublicKey, error) {
	if curve == eckey.P256 {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		if err != nil {
			return eckey.PublicKey{}, err
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return eckey.PublicKey{}, err
		}
		return curve.FromUncompressed(point)
	}
	key := secp256k1.PrivKeyFromBytes(scalar[:])
	defer key.Zero()
	return curve.FromUncompressed(key.PubKey().SerializeUncompressed())
}

// Public returns the public key.
func (k *Key) Public() eckey.PublicKey { return k.public }

// KeyType returns the type of the key.
func (k *Key) KeyType() zkkex.KeyType { return k.public.Curve().KeyType() }

// Envelope returns the envelope that the key was made for.
func (k *Key) Envelope() envelope.Kind { return k.kind }

// PublicKey returns the compressed public key.
func (k *Key) PublicKey() []byte {
	b := k.public.Bytes()
	return slices.Clone(b[:])
}

// Name returns the name that the key was made with.
func (k *Key) Name() string { return k.name }

// Sign signs a message in the key's envelope. It returns an error wrapping
// [signer.ErrClosed], those of ctx, and those of [envelope.Kind.Digest].
func (k *Key) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	digest, err := k.kind.Digest(m)
	if err != nil {
		return nil, err
	}
	var r, s *big.Int
	if err := k.WithScalar(func(sk []byte) (err error) {
		r, s, err = sign(k.public.Curve(), sk, digest)
		return err
	}); err != nil {
		return nil, err
	}
	return signer.NewECDSA(k.KeyType(), k.kind, k.PublicKey(), m, r, s)
}

func sign(curve eckey.Curve, sk []byte, digest [32]byte) (r, s *big.Int, err error) {
	if curve == eckey.P256 {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sk)
		if err != nil {
			return nil, nil, err
		}
		return ecdsa.Sign(rand.Reader, key, digest[:])
	}
	key := secp256k1.PrivKeyFromBytes(sk)
	defer key.Zero()
	sig := secp256k1ecdsa.Sign(key, digest[:])
	rs, ss := sig.R(), sig.S()
	rb, sb := rs.Bytes(), ss.Bytes()
	return new(big.Int).SetBytes(rb[:]), new(big.Int).SetBytes(sb[:]), nil
}

// WithScalar calls use with the private scalar, 32 bytes big-endian, which is wiped when
// use returns. It returns what use returns, or an error wrapping [signer.ErrClosed].
func (k *Key) WithScalar(use func(sk []byte) error) error {
	k.mu.RLock()
	if k.reveal == nil {
		k.mu.RUnlock()
		return fmt.Errorf("%s: %w", k.name, signer.ErrClosed)
	}
	sk := *k.reveal()
	k.mu.RUnlock()
	defer clear(sk[:])
	return use(sk[:])
}

// Close wipes the private key.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reveal != nil {
		clear(k.reveal()[:])
		k.reveal = nil
	}
	return nil
}
