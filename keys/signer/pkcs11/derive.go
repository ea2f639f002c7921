package pkcs11

import (
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/hashtocurve"
	"github.com/zkkex/zkkex/keys/signer"
)

// maxLabel bounds a label, in bytes.
const maxLabel = 1024

// Derive returns HKDF-SHA256 of x(sk*P), where P is the hash of the label to the key's
// curve, whose discrete logarithm nobody knows: who has the public key cannot compute
// it. It returns an error wrapping [signer.ErrUnsupportedKey] and
// [zkkex.ErrUnsupported] if the token does not allow it, [signer.ErrBadSignature] if it
// computes something else, or those of [signer.Signer].
func (k derivingKey) Derive(ctx context.Context, label string) ([32]byte, error) {
	if label == "" || len(label) > maxLabel {
		return [32]byte{}, fmt.Errorf("expected a label of 1 to %d bytes, got %d", maxLabel, len(label))
	}
	point, err := hashtocurve.Hash(k.curve, []byte(label), string(domain.DevicePoint))
	if err != nil {
		return [32]byte{}, err
	}
	probe, want, err := newProbe(k.public)
	if err != nil {
		return [32]byte{}, err
	}
	secret, err := use(ctx, k.key, func() ([]byte, error) {
		got, err := k.shared(probe)
		if err != nil {
			return nil, err
		}
		defer clear(got)
		if subtle.ConstantTimeCompare(got, want) != 1 {
			return nil, fmt.Errorf("%w: the token derives something else than ECDH with this key", signer.ErrBadSignature)
		}
		return k.shared(point)
	})
	if err != nil {
		return [32]byte{}, closed(err)
	}
	defer clear(secret)
	return stretch(k.public, secret, label)
}

// stretch returns what is derived from a shared secret.
func stretch(public eckey.PublicKey, secret []byte, label string) (out [32]byte, err error) {
	encoded := public.Bytes()
	info := domain.Frame(domain.DeviceSecret, domain.Uint16(uint16(public.Curve().KeyType())), encoded[:], []byte(label))
	b, err := hkdf.Key(sha256.New, secret, nil, string(info), len(out))
	copy(out[:], b)
	clear(b)
	return out, err
}

// newProbe returns a random point of which we know the logarithm, and what the token
// must derive from it: tokens that cut, hash or swap their result are found out.
func newProbe(public eckey.PublicKey) (point eckey.PublicKey, shared []byte, err error) {
	encoded := public.Uncompressed()
	if public.Curve() == eckey.P256 {
		peer, err := ecdh.P256().NewPublicKey(encoded[:])
		if err != nil {
			return eckey.PublicKey{}, nil, err
		}
		ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return eckey.PublicKey{}, nil, err
		}
		if shared, err = ephemeral.ECDH(peer); err != nil {
			return eckey.PublicKey{}, nil, err
		}
		point, err = eckey.P256.FromUncompressed(ephemeral.PublicKey().Bytes())
		return point, shared, err
	}
	peer, err := secp256k1.ParsePubKey(encoded[:])
	if err != nil {
		return eckey.PublicKey{}, nil, err
	}
	ephemeral, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return eckey.PublicKey{}, nil, err
	}
	defer ephemeral.Zero()
	shared = secp256k1.GenerateSharedSecret(ephemeral, peer)
	point, err = eckey.Secp256k1.FromUncompressed(ephemeral.PubKey().SerializeUncompressed())
	return point, shared, err
}

// shared returns x(sk*point), 32 bytes.
func (k derivingKey) shared(point eckey.PublicKey) ([]byte, error) {
	encoded := point.Uncompressed()
	secret, err := k.module.deriveECDH(k.session, k.object.handle, encoded[:], []attribute{
		{attrClass, uint(classSecretKey)}, {attrKeyType, uint(keyGenericSecret)}, {attrToken, false},
		{attrSensitive, false}, {attrExtractable, true}, {attrValueLen, uint(32)},
	})
	if err != nil {
		return nil, noDerivation(err)
	}
	value, err := k.module.attribute(k.session, secret, attrValue)
	_ = k.module.destroy(k.session, secret) // it ends with the session at the latest
	if err != nil {
		return nil, noDerivation(err)
	}
	if len(value) != 32 {
		clear(value)
		return nil, noDerivation(fmt.Errorf("%w: the token derives %d bytes, expected 32", signer.ErrUnsupportedKey, len(value)))
	}
	return value, nil
}

// noDerivation says so where a token refuses for what it is, and not for what it lacks
// at the moment.
func noDerivation(err error) error {
	if gone(err) || !unsupported(err) {
		return err
	}
	return fmt.Errorf("%w: the token derives no secret that may leave it: %w", zkkex.ErrUnsupported, err)
}
