package member

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/registry/registrar"
)

// token is a device with a P-256 key, which counts what it signs.
type token struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	signed []envelope.Message
	fail   error
}

func newToken(t *testing.T) *token {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &token{t: t, key: key}
}

func (d *token) KeyType() zkkex.KeyType  { return zkkex.KeyP256 }
func (d *token) Envelope() envelope.Kind { return envelope.Raw }
func (d *token) Name() string            { return "a token" }
func (d *token) Close() error            { return nil }

func (d *token) PublicKey() []byte {
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	return append([]byte{2 + point[64]&1}, point[1:33]...)
}

func (d *token) Sign(_ context.Context, m *envelope.Message) (*signer.Signature, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	d.signed = append(d.signed, *m)
	digest, err := envelope.Raw.Digest(m)
	if err != nil {
		return nil, err
	}
	r, s, err := ecdsa.Sign(rand.Reader, d.key, digest[:])
	if err != nil {
		return nil, err
	}
	return signer.NewECDSA(zkkex.KeyP256, envelope.Raw, d.PublicKey(), m, r, s)
}

// A device delegates to the member's key; the registrar is asked after before the
// device is bothered again.
func TestEnrolDevice(t *testing.T) {
	r := serveRegistry(t, nil)
	m := openHome(t, newHome(t))
	id := r.trustedBy(m)
	ctx, device, until := t.Context(), newToken(t), time.Now().Add(time.Hour)

	device.fail = signer.ErrRefused
	if _, err := m.EnrolDevice(ctx, id, device, until); !errors.Is(err, signer.ErrRefused) {
		t.Fatalf("a device that refuses: %v", err)
	}
	status(t, m, id, func(s *Status) bool { return s.Request == nil })
	device.fail = nil

	first, err := m.EnrolDevice(ctx, id, device, until)
	if err != nil || first.State != enrolclient.Pending {
		t.Fatalf("%+v, %v; want pending", first, err)
	}
	if again, err := m.EnrolDevice(ctx, id, device, until); err != nil || again.ID != first.ID || len(device.signed) != 1 {
		t.Fatalf("again: %+v, %v, and the device signed %d times; want the same request", again, err, len(device.signed))
	}
	want := device.signed[0]
	if want.Purpose != envelope.Delegation || want.Registry != id || want.Delegate != m.Public().Commitment() ||
		want.NullifierKeyHash != m.Public().NullifierKeyHash() || want.Until != until.Unix() {
		t.Errorf("the device was asked to sign %+v", want)
	}
	request, err := registrar.ParseRequestID(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.queue.Approve(request); err != nil {
		t.Fatal(err)
	}
	r.publish()
	if _, err := m.Sync(ctx, id); err != nil {
		t.Fatal(err)
	}
	delegated := func(until time.Time) func(s *Status) bool {
		return func(s *Status) bool {
			d := s.Delegation
			return s.Admitted && s.Request == nil && d != nil && !s.Ended && d.Delegation.Until == until.Unix() &&
				d.KeyType == zkkex.KeyP256 && bytes.Equal(d.PublicKey, device.PublicKey())
		}
	}
	status(t, m, id, delegated(until))
	if _, err := m.Prove(ctx, id, claim(t, m, id, 1)); err != nil {
		t.Errorf("a proof of the delegate: %v", err)
	}

	// Renewed without a person: the registrar knows the device.
	later := until.Add(time.Hour)
	if s, err := m.EnrolDevice(ctx, id, device, later); err != nil || s.State == enrolclient.Denied {
		t.Fatalf("renewal: %+v, %v", s, err)
	}
	r.publish()
	if _, err := m.Sync(ctx, id); err != nil {
		t.Fatal(err)
	}
	status(t, m, id, delegated(later))

	other := newToken(t)
	if _, err := m.EnrolDevice(ctx, id, other, later); !errors.Is(err, ErrOtherDevice) || len(other.signed) > 0 {
		t.Errorf("another device: %v, and it signed %d times; want ErrOtherDevice before it signs", err, len(other.signed))
	}
	status(t, m, id, delegated(later))

	// The device is lost: another one takes its place at once.
	if _, err := r.registrar.RevokeKey(lost(t, device, m), time.Now()); err != nil {
		t.Fatal(err)
	}
	r.publish()
	if _, err := m.Sync(ctx, id); err != nil {
		t.Fatal(err)
	}
	status(t, m, id, func(s *Status) bool { return !s.Admitted && s.Revoked != nil })
	if _, err := m.EnrolDevice(ctx, id, other, later); err != nil {
		t.Errorf("another device in the place of a lost one: %v", err)
	}
}

// lost is the public key of a device, as a registrar is told it.
func lost(t *testing.T, device *token, m *Member) *keys.Public {
	t.Helper()
	p, err := keys.ParsePublic(zkkex.KeyP256, device.PublicKey(), m.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A denial is told, and the device is asked again only where that is wanted.
func TestDeniedDevice(t *testing.T) {
	r := serveRegistry(t, nil)
	m := openHome(t, newHome(t))
	id := r.trustedBy(m)
	device, until := newToken(t), time.Now().Add(time.Hour)
	first, err := m.EnrolDevice(t.Context(), id, device, until)
	if err != nil {
		t.Fatal(err)
	}
	request, err := registrar.ParseRequestID(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.queue.Deny(request, "unknown", time.Now()); err != nil {
		t.Fatal(err)
	}
	if s, err := m.EnrolDevice(t.Context(), id, device, until); err != nil || s.State != enrolclient.Denied || len(device.signed) != 1 {
		t.Errorf("%+v, %v, and the device signed %d times; want the denial", s, err, len(device.signed))
	}
	if s, err := m.EnrolDeviceAgain(t.Context(), id, device, until); err != nil || s.State != enrolclient.Pending || len(device.signed) != 2 {
		t.Errorf("again: %+v, %v, and the device signed %d times; want a new request", s, err, len(device.signed))
	}
}

// What was delegated ends by the member's own clock, whatever the copy of the
// registry still says.
func TestDelegationEnds(t *testing.T) {
	r := serveRegistry(t, registrar.ApproveAll)
	home := newHome(t)
	m := openHome(t, home)
	id := r.trustedBy(m)
	if _, err := m.EnrolDevice(t.Context(), id, newToken(t), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.publish()
	if _, err := m.Sync(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	status(t, m, id, func(s *Status) bool { return s.Delegation != nil && !s.Ended })
	m.options.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	status(t, m, id, func(s *Status) bool { return s.Ended })
	if s, err := m.EnrolDevice(t.Context(), id, newToken(t), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("another device after the end: %+v, %v", s, err)
	}
}
