package enrolment

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
)

// DeviceRequest asks a registrar to admit a key that only signs, of a device, a
// wallet or a group, and with it, for a while, a delegate. It is public.
type DeviceRequest struct {
	// KeyType is the type of the device's key, not [zkkex.KeyBabyJubjub].
	KeyType zkkex.KeyType
	// PublicKey is the compressed public key, of [keys.PublicSize] bytes.
	PublicKey []byte
	// Envelope is what the message was signed in.
	Envelope envelope.Kind
	// NullifierKeyHash is H(nk) of the device's owner, a canonical field element. It
	// enters both leaves.
	NullifierKeyHash [32]byte
	// Delegation is what the device delegates, or nil.
	Delegation *Delegation
	// Challenge is the registrar's challenge.
	Challenge Challenge
	// Signature is the device's, of [DeviceRequest.Message].
	Signature [envelope.SignatureSize]byte
}

// Delegation lets a Baby Jubjub key prove for a device's owner, for a while.
type Delegation struct {
	// Delegate is the delegate's public key, of type [zkkex.KeyBabyJubjub].
	Delegate [keys.PointSize]byte
	// Until is when the delegation ends, in Unix seconds, 1 or later.
	Until int64
	// Signature is the delegate's, by which it proves that its key is its own.
	Signature [keys.SignatureSize]byte
}

// DeviceSigner is what signs for a device.
type DeviceSigner struct {
	// KeyType and Envelope are what the device has and signs in.
	KeyType  zkkex.KeyType
	Envelope envelope.Kind
	// Sign signs a message, and returns the key that did so, compressed, with the
	// signature: a wallet tells its key by signing only.
	Sign func(context.Context, *envelope.Message) (publicKey []byte, sig [envelope.SignatureSize]byte, err error)
}

// NewDeviceRequest answers a challenge with a device, whose owner's nullifier key
// has the given hash. With a delegate, which must have the same nullifier key, it
// delegates to it until a time, in whole seconds; otherwise delegate is nil and
// until is not looked at.
//
// The request is verified before it is returned. NewDeviceRequest returns the
// device's error, or one as [DeviceRequest.Verify] does.
func NewDeviceRequest(ctx context.Context, device DeviceSigner, nullifierHash [32]byte, delegate *keys.Secret, until time.Time, c Challenge) (*DeviceRequest, error) {
	if c.Expiry < 0 {
		return nil, malformed(challengeFormat, "expiry %d, expected 0 or later", c.Expiry)
	}
	r := &DeviceRequest{KeyType: device.KeyType, Envelope: device.Envelope, NullifierKeyHash: nullifierHash, Challenge: c}
	if delegate != nil {
		public := delegate.Public()
		if public.NullifierKeyHash() != nullifierHash {
			return nil, errors.New("the delegate's nullifier key is not the device's, expected the same: a delegation gives no slots")
		}
		r.Delegation = &Delegation{Delegate: [keys.PointSize]byte(public.Bytes()), Until: until.Unix()}
	}
	message, err := r.Message()
	if err != nil {
		return nil, err
	}
	if r.PublicKey, r.Signature, err = device.Sign(ctx, message); err != nil {
		return nil, fmt.Errorf("signing the device request: %w", err)
	}
	if delegate != nil {
		if r.Delegation.Signature, err = delegate.Sign(r.delegatePossession(message.Delegate)); err != nil {
			return nil, fmt.Errorf("signing as the delegate: %w", err)
		}
	}
	if _, err := r.Verify(c.Registry, time.Unix(c.Expiry, 0)); err != nil {
		return nil, fmt.Errorf("the device request just made: %w", err)
	}
	return r, nil
}

// Message returns what the device signs: that its key enters the registry, or that
// it delegates, too. It returns an error as [DeviceRequest.Delegate] does.
func (r *DeviceRequest) Message() (*envelope.Message, error) {
	m := &envelope.Message{
		Purpose:          envelope.Possession,
		Registry:         r.Challenge.Registry,
		NullifierKeyHash: r.NullifierKeyHash,
		Nonce:            r.Challenge.Nonce,
		Expiry:           r.Challenge.Expiry,
	}
	if r.Delegation == nil {
		return m, nil
	}
	delegate, err := r.Delegate()
	if err != nil {
		return nil, err
	}
	m.Purpose, m.Delegate, m.Until = envelope.Delegation, delegate.Commitment(), r.Delegation.Until
	return m, nil
}

// Public checks the device's key and the hash of the nullifier key, and returns
// them. It returns an error as [keys.ParsePublic] does.
func (r *DeviceRequest) Public() (*keys.Public, error) {
	return keys.ParsePublic(r.KeyType, r.PublicKey, r.NullifierKeyHash)
}

// Delegate returns the delegate's key, with the device's H(nk), or nil if the
// request delegates nothing. It returns an error as [keys.ParsePublic] does.
func (r *DeviceRequest) Delegate() (*keys.Public, error) {
	if r.Delegation == nil {
		return nil, nil
	}
	return keys.ParsePublic(zkkex.KeyBabyJubjub, r.Delegation.Delegate[:], r.NullifierKeyHash)
}

// DelegateMessage returns what the delegate signs,
//
//	Frame("zkkex/v1 delegate possession", registry, device, leaf, nonce, expiry),
//
// with the device's key type, 2 bytes big-endian, and key as device, the delegate's
// leaf, and the expiry as 8 bytes big-endian. It returns an error as
// [DeviceRequest.Delegate] does, and nil if the request delegates nothing.
func (r *DeviceRequest) DelegateMessage() ([]byte, error) {
	delegate, err := r.Delegate()
	if delegate == nil || err != nil {
		return nil, err
	}
	return r.delegatePossession(delegate.Commitment()), nil
}

func (r *DeviceRequest) delegatePossession(leaf zkkex.Commitment) []byte {
	c := r.Challenge
	device := append(binary.BigEndian.AppendUint16(nil, uint16(r.KeyType)), r.PublicKey...)
	return domain.Frame(domain.DelegatePossession, c.Registry[:], device, leaf[:], c.Nonce[:], domain.Uint64(uint64(c.Expiry)))
}
