// Package devicetest has keys that sign in envelopes, as devices do, for tests.
package devicetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/keys/envelope"
)

// Device is a key that signs. The private key is SHA-256 of "zkkex test device "
// and a label; of an EdDSA key with the top six bits cleared.
type Device struct {
	KeyType   zkkex.KeyType
	PublicKey []byte

	sign func(digest [32]byte) ([envelope.SignatureSize]byte, error)
}

// New returns the device with a label.
func New(t testing.TB, keyType zkkex.KeyType, label string) *Device {
	t.Helper()
	scalar := sha256.Sum256([]byte("zkkex test device " + label))
	d := &Device{KeyType: keyType}
	var err error
	switch keyType {
	case zkkex.KeyP256:
		err = d.p256(scalar)
	case zkkex.KeySecp256k1:
		d.secp256k1(scalar)
	case zkkex.KeyEdDSA:
		scalar[0] &= 0x03
		err = d.eddsa(scalar)
	default:
		err = fmt.Errorf("no device has a key of type %v", keyType)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *Device) p256(scalar [32]byte) error {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		return err
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	if d.PublicKey, err = compressed(eckey.P256, public); err != nil {
		return err
	}
	d.sign = func(digest [32]byte) (sig [envelope.SignatureSize]byte, err error) {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return sig, err
		}
		return eckey.P256.Normalize(r, s)
	}
	return nil
}

func (d *Device) secp256k1(scalar [32]byte) {
	key := secp256k1.PrivKeyFromBytes(scalar[:])
	d.PublicKey = key.PubKey().SerializeCompressed()
	d.sign = func(digest [32]byte) ([envelope.SignatureSize]byte, error) {
		signature := secp256k1ecdsa.Sign(key, digest[:])
		r, s := signature.R(), signature.S()
		rb, sb := r.Bytes(), s.Bytes()
		return eckey.Secp256k1.Normalize(new(big.Int).SetBytes(rb[:]), new(big.Int).SetBytes(sb[:]))
	}
}

func (d *Device) eddsa(scalar [32]byte) error {
	key, err := eddsa.ParsePrivateKey(scalar)
	if err != nil {
		return err
	}
	public := key.Public()
	d.PublicKey, d.sign = public[:], key.Sign
	return nil
}

func compressed(c eckey.Curve, uncompressed []byte) ([]byte, error) {
	key, err := c.FromUncompressed(uncompressed)
	if err != nil {
		return nil, err
	}
	b := key.Bytes()
	return b[:], nil
}

// Envelope returns the first kind that the key signs in.
func (d *Device) Envelope() envelope.Kind {
	for _, k := range envelope.Kinds() {
		if k.Fits(d.KeyType) {
			return k
		}
	}
	panic("devicetest: no envelope fits")
}

// Sign signs a message in an envelope.
func (d *Device) Sign(k envelope.Kind, m *envelope.Message) (sig [envelope.SignatureSize]byte, err error) {
	digest, err := k.Digest(m)
	if err != nil {
		return sig, err
	}
	return d.sign(digest)
}

// Signer returns what signs for an enrolment.DeviceSigner.
func (d *Device) Signer(k envelope.Kind) func(context.Context, *envelope.Message) ([]byte, [envelope.SignatureSize]byte, error) {
	return func(_ context.Context, m *envelope.Message) ([]byte, [envelope.SignatureSize]byte, error) {
		sig, err := d.Sign(k, m)
		return d.PublicKey, sig, err
	}
}
