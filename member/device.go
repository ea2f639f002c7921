package member

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// EnrolDevice is [Member.Enrol] for a key that stays where it is: in a token, an agent,
// a wallet, a group. The device signs once, and so admits the member's own key as its
// delegate until a time, in whole seconds; the registrar says how far ahead that can
// be. Everything after that works with the member's key alone. The device has the
// member's nullifier key, and so the member's slots: a delegation adds none.
//
// A request that the registrar has not decided, or has decided against, is asked after,
// and the device is left alone; [Member.EnrolDeviceAgain] asks anew after a denial.
// Otherwise a new one is made, also if the delegation has not ended: that renews it.
//
// It returns an error as [Member.Enrol] does, the device's, or [ErrOtherDevice].
func (m *Member) EnrolDevice(ctx context.Context, id zkkex.RegistryID, device signer.Signer, until time.Time) (enrolclient.Status, error) {
	s, err := m.EnrolmentStatus(ctx, id)
	switch {
	case err == nil && s.State != enrolclient.Admitted:
		return s, nil
	case err != nil && !errors.Is(err, ErrNoRequest) && !isUnknown(err):
		return enrolclient.Status{}, err
	}
	return m.askWithDevice(ctx, id, device, until)
}

// EnrolDeviceAgain is [Member.EnrolDevice] after a denial: it makes a new request,
// unless the last one was not decided against.
func (m *Member) EnrolDeviceAgain(ctx context.Context, id zkkex.RegistryID, device signer.Signer, until time.Time) (enrolclient.Status, error) {
	s, err := m.EnrolmentStatus(ctx, id)
	if err == nil && s.State == enrolclient.Denied {
		return m.askWithDevice(ctx, id, device, until)
	}
	return m.EnrolDevice(ctx, id, device, until)
}

func (m *Member) askWithDevice(ctx context.Context, id zkkex.RegistryID, device signer.Signer, until time.Time) (enrolclient.Status, error) {
	return m.askWith(ctx, id, func(c enrolment.Challenge) (enrolment.Application, error) {
		return m.EnrolDeviceOffline(ctx, c, device, until)
	})
}

// ErrOtherDevice reports a device that is not the one that the member's key is
// delegated by: the registrar would refuse it, since a key can be one device's
// delegate. Have the other revoked first, or use another state directory.
var ErrOtherDevice = errors.New("the member's key is another device's delegate")

// EnrolDeviceOffline is [Member.EnrolOffline] for a device; see [Member.EnrolDevice].
func (m *Member) EnrolDeviceOffline(ctx context.Context, c enrolment.Challenge, device signer.Signer, until time.Time) (*enrolment.DeviceRequest, error) {
	if _, err := m.Mirror(c.Registry); err != nil {
		return nil, err
	}
	s, err := m.open()
	if err != nil {
		return nil, err
	}
	if known := device.PublicKey(); known != nil {
		// Before anybody is asked to consent. A wallet tells its key by signing.
		if err := m.checkDevice(c.Registry, known); err != nil {
			return nil, err
		}
	}
	sign := enrolment.DeviceSigner{KeyType: device.KeyType(), Envelope: device.Envelope(), Sign: signWith(device)}
	r, err := enrolment.NewDeviceRequest(ctx, sign, s.Public().NullifierKeyHash(), s, until, c)
	if err != nil {
		return nil, err
	}
	if err := m.checkDevice(c.Registry, r.PublicKey); err != nil {
		return nil, err
	}
	return r, m.keep(r)
}

// checkDevice returns an error wrapping [ErrOtherDevice] if the member's key is live as
// the delegate of another device than the one with the given key.
func (m *Member) checkDevice(id zkkex.RegistryID, publicKey []byte) error {
	s, err := m.Status(id)
	if err != nil {
		return err
	}
	if !s.Admitted || s.Ended || s.Delegation == nil || bytes.Equal(s.Delegation.PublicKey, publicKey) {
		return nil
	}
	return fmt.Errorf("%w, %v:%x, until %v", ErrOtherDevice, s.Delegation.KeyType, s.Delegation.PublicKey, time.Unix(s.Delegation.Delegation.Until, 0).UTC().Format(time.RFC3339))
}

// signWith has a device sign as package enrolment wants it.
func signWith(device signer.Signer) func(context.Context, *envelope.Message) ([]byte, [envelope.SignatureSize]byte, error) {
	return func(ctx context.Context, message *envelope.Message) ([]byte, [envelope.SignatureSize]byte, error) {
		sig, err := device.Sign(ctx, message)
		if err != nil {
			return nil, [envelope.SignatureSize]byte{}, err
		}
		return sig.PublicKey, sig.Bytes, nil
	}
}

// delegation returns the device request that was admitted last, or nil.
func (m *Member) delegation(id zkkex.RegistryID) (*enrolment.DeviceRequest, error) {
	text, err := readBounded(m.delegationPath(id), enrolment.MaxRequestText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := enrolment.ParseDeviceRequest(text)
	if err == nil && r.Delegation == nil {
		err = &zkkex.ParseError{Format: "delegation", Err: errors.New("the request delegates nothing")}
	}
	return r, err
}

// keepDelegation records a device request that was admitted.
func (m *Member) keepDelegation(id zkkex.RegistryID, r *enrolment.DeviceRequest) error {
	if err := os.MkdirAll(filepath.Join(m.dir, delegationsName), 0o700); err != nil {
		return err
	}
	text, err := r.MarshalText()
	if err != nil {
		return fmt.Errorf("recording the delegation: %w", err)
	}
	return atomicfile.Write(m.delegationPath(id), text, 0o600)
}

func (m *Member) delegationPath(id zkkex.RegistryID) string {
	return filepath.Join(m.dir, delegationsName, id.String())
}
