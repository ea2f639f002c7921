package registrar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
)

// owner has a device and a nullifier key.
type owner struct {
	device *devicetest.Device
	nk     [32]byte
}

func newOwner(t *testing.T, keyType zkkex.KeyType, label string, nk byte) *owner {
	return &owner{devicetest.New(t, keyType, label), [32]byte{31: nk}}
}

// newDelegate returns a fresh identity key with the owner's nullifier key.
func (o *owner) newDelegate(t *testing.T) *keys.Secret {
	t.Helper()
	s, err := keys.ParseSecret(generate(t).RevealScalar(), o.nk)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer answers a challenge. With a delegate, it delegates to it until a time.
func (o *owner) answer(t *testing.T, c enrolment.Challenge, delegate *keys.Secret, until time.Time) *enrolment.DeviceRequest {
	t.Helper()
	k := o.device.Envelope()
	signer := enrolment.DeviceSigner{KeyType: o.device.KeyType, Envelope: k, Sign: o.device.Signer(k)}
	r, err := enrolment.NewDeviceRequest(t.Context(), signer, o.newDelegate(t).Public().NullifierKeyHash(), delegate, until, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (o *owner) public(t *testing.T) *keys.Public {
	t.Helper()
	p, err := keys.ParsePublic(o.device.KeyType, o.device.PublicKey, o.newDelegate(t).Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// office is a server at a time that tests choose.
type office struct {
	t      *testing.T
	now    time.Time
	server *Server
	http   *httptest.Server
}

func newOffice(t *testing.T, c ServerConfig) *office {
	t.Helper()
	o := &office{t: t, now: testTime}
	c.Now = func() time.Time { return o.now }
	o.server, o.http = newServer(t, c)
	return o
}

func (o *office) challenge() enrolment.Challenge {
	o.t.Helper()
	c, err := o.server.queue.Challenge(o.now, time.Hour)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// post sends a request, and returns the status code and the answer.
func (o *office) post(r enrolment.Application) (int, map[string]string) {
	o.t.Helper()
	text, err := r.MarshalText()
	if err != nil {
		o.t.Fatal(err)
	}
	got := ask(o.t, http.MethodPost, o.http.URL+"/enrol", text)
	var fields map[string]string
	if err := json.Unmarshal(got.body, &fields); err != nil {
		o.t.Fatalf("%q: %v", got.body, err)
	}
	return got.status, fields
}

// enrol sends a request of which the state after arrival is known.
func (o *office) enrol(r enrolment.Application, want State) {
	o.t.Helper()
	if status, got := o.post(r); status != http.StatusAccepted || State(got["state"]) != want {
		o.t.Fatalf("%d, %v; want it %s", status, got, want)
	}
}

func (o *office) publish() {
	o.t.Helper()
	if _, err := o.server.Publish(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	if err := checkDelegates(o.server.registrar); err != nil {
		o.t.Fatal(err)
	}
}

// wantState asks how far a request got, as a member does.
func (o *office) wantState(r enrolment.Application, want State, reason string) {
	o.t.Helper()
	id := RequestID(r.Digest())
	got := ask(o.t, http.MethodGet, o.http.URL+"/enrol/status/"+id.String(), nil)
	var fields map[string]string
	if err := json.Unmarshal(got.body, &fields); err != nil || State(fields["state"]) != want || fields["reason"] != reason {
		o.t.Fatalf("%d, %q, %v; want %s, %q", got.status, got.body, err, want, reason)
	}
}

// isLive reports whether a key has a live leaf.
func (o *office) isLive(p *keys.Public) bool {
	o.t.Helper()
	_, err := o.server.registrar.Lookup(p)
	return err == nil
}

// TestDelegateOverHTTP is a device's life: a person approves it, it delegates by
// itself, and is revoked.
func TestDelegateOverHTTP(t *testing.T) {
	for _, keyType := range []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1, zkkex.KeyEdDSA} {
		t.Run(keyType.String(), func(t *testing.T) {
			o, alice := newOffice(t, ServerConfig{}), newOwner(t, keyType, "a", 1)
			first, second := alice.newDelegate(t), alice.newDelegate(t)
			enrols := alice.answer(t, o.challenge(), first, o.now.Add(day))
			o.enrol(enrols, Pending)
			o.publish()
			o.wantState(enrols, Pending, "")
			entries, err := o.server.queue.List()
			if err != nil || len(entries) != 1 || entries[0].Leaf != alice.public(t).Commitment() {
				t.Fatalf("the queue has %+v, %v", entries, err)
			}
			if err := o.server.queue.Approve(entries[0].ID); err != nil {
				t.Fatal(err)
			}
			o.publish()
			o.wantState(enrols, Admitted, "")
			if !o.isLive(alice.public(t)) || !o.isLive(first.Public()) {
				t.Fatal("device and delegate are not both admitted")
			}

			o.now = o.now.Add(20 * time.Hour)
			delegates := alice.answer(t, o.challenge(), second, o.now.Add(day))
			o.enrol(delegates, Approved)
			o.enrol(delegates, Approved)
			o.wantState(delegates, Approved, "")
			o.publish()
			o.wantState(delegates, Admitted, "")
			if !o.isLive(second.Public()) || o.isLive(first.Public()) || o.server.registrar.Delegates() != 1 {
				t.Fatal("the second delegate did not take the first one's place")
			}
			before := o.server.registrar.Sequence()
			o.enrol(enrols, Admitted) // shown again
			o.publish()
			if o.server.registrar.Sequence() != before {
				t.Error("a request that is shown again changed something")
			}

			o.now = o.now.Add(day)
			o.publish()
			if o.isLive(second.Public()) || !o.isLive(alice.public(t)) {
				t.Fatal("the delegation did not end, or the device with it")
			}
			if _, err := o.server.registrar.RevokeKey(alice.public(t), o.now); err != nil {
				t.Fatal(err)
			}
			o.enrol(alice.answer(t, o.challenge(), second, o.now.Add(day)), Pending)
			o.publish()
			if o.isLive(alice.public(t)) {
				t.Fatal("a device that was revoked is back")
			}
		})
	}
}

// A delegation that was taken without a person does not bring the device back when it
// is revoked before the delegation is admitted.
func TestRevokedBeforeItsDelegation(t *testing.T) {
	o, alice := newOffice(t, ServerConfig{}), newOwner(t, zkkex.KeyP256, "a", 1)
	mustAdmitDevice(t, o.server.registrar, alice.public(t), nil, o.now)
	delegates := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(day))
	o.enrol(delegates, Approved)
	if _, err := o.server.registrar.RevokeKey(alice.public(t), o.now); err != nil {
		t.Fatal(err)
	}
	o.publish()
	o.wantState(delegates, Pending, "")
	if o.isLive(alice.public(t)) || o.server.registrar.Delegates() != 0 {
		t.Fatal("the device is back")
	}
	// A crash between admission and outcome, too: the delegation is admitted, the
	// outcome is lost, the device is revoked.
	bob := newOwner(t, zkkex.KeyP256, "b", 2)
	mustAdmitDevice(t, o.server.registrar, bob.public(t), nil, o.now)
	delegates = bob.answer(t, o.challenge(), bob.newDelegate(t), o.now.Add(day))
	o.enrol(delegates, Approved)
	text, err := delegates.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	o.publish()
	id := RequestID(delegates.Digest())
	if err := os.Remove(o.server.queue.file(stateDone, id)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.server.queue.file(Pending, id), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.server.registrar.RevokeKey(bob.public(t), o.now); err != nil {
		t.Fatal(err)
	}
	o.publish()
	if o.isLive(bob.public(t)) || o.server.registrar.Delegates() != 0 {
		t.Fatal("the device is back after a crash")
	}
}

// A delegation of an admitted device that waits among the others is admitted as soon
// as the device is a member: of two of one device, the one that came last counts.
func TestLastDelegationCounts(t *testing.T) {
	o, alice := newOffice(t, ServerConfig{}), newOwner(t, zkkex.KeyP256, "a", 1)
	var requests []*enrolment.DeviceRequest
	var delegates []*keys.Secret
	for i := range 4 {
		delegates = append(delegates, alice.newDelegate(t))
		requests = append(requests, alice.answer(t, o.challenge(), delegates[i], o.now.Add(day)))
		o.enrol(requests[i], Pending)
		id := RequestID(requests[i].Digest())
		arrived := testTime.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(o.server.queue.file(Pending, id), arrived, arrived); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.server.queue.Approve(RequestID(requests[0].Digest())); err != nil {
		t.Fatal(err)
	}
	o.publish()
	for _, r := range requests {
		o.wantState(r, Admitted, "")
	}
	for i, d := range delegates {
		if o.isLive(d.Public()) != (i == 3) {
			t.Errorf("delegate %d is live: %v", i, o.isLive(d.Public()))
		}
	}
}

func TestDelegationsRefusedOverHTTP(t *testing.T) {
	o, alice := newOffice(t, ServerConfig{MaxDelegation: 12 * time.Hour}), newOwner(t, zkkex.KeyP256, "a", 1)
	refused := func(r enrolment.Application, status int, code string) {
		t.Helper()
		got, no := o.post(r)
		if got != status || no["error"] != code || no["detail"] == "" {
			t.Errorf("%d, %v; want %d, %s and a detail", got, no, status, code)
		}
	}
	long := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(day))
	refused(long, http.StatusForbidden, string(enrolment.DelegationTooLong))
	if _, no := o.post(long); !strings.Contains(no["detail"], "12h0m0s") {
		t.Errorf("%v does not name the limit", no)
	}
	refused(alice.answer(t, o.challenge(), alice.newDelegate(t), o.now), http.StatusForbidden, string(enrolment.DelegationEnded))
	bad := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(time.Hour))
	bad.Delegation.Signature[63] ^= 1
	refused(bad, http.StatusForbidden, string(enrolment.BadDelegateSignature))
	// A person may take a longer one that came as a file.
	if _, err := o.server.queue.Add(deviceText(t, long), o.now); err != nil {
		t.Error(err)
	}
	beyond := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(enrolment.MaxDelegation+day))
	if _, err := o.server.queue.Add(deviceText(t, beyond), o.now); err == nil {
		t.Error("a delegation above all limits is in the queue")
	}

	// The keys of others.
	r := o.server.registrar
	mustAdmitDevice(t, r, alice.public(t), nil, o.now)
	member := alice.newDelegate(t)
	mustAdmit(t, r, member.Public(), o.now)
	o.enrol(long, Approved) // was stored, and so is not looked at again
	taken := alice.answer(t, o.challenge(), member, o.now.Add(time.Hour))
	o.enrol(taken, Approved)
	other := newOwner(t, zkkex.KeyP256, "a", 2) // the same device with another nullifier key
	twice := other.answer(t, o.challenge(), other.newDelegate(t), o.now.Add(time.Hour))
	o.enrol(twice, Pending)
	if err := o.server.queue.Approve(RequestID(twice.Digest())); err != nil {
		t.Fatal(err)
	}
	o.publish()
	o.wantState(taken, Denied, ErrDelegateKey.Error())
	o.wantState(twice, Denied, ErrKeyLive.Error())

	// A delegate that asks to be a member.
	delegate := alice.newDelegate(t)
	o.enrol(alice.answer(t, o.challenge(), delegate, o.now.Add(time.Hour)), Approved)
	o.publish()
	own, err := enrolment.New(delegate, o.challenge())
	if err != nil {
		t.Fatal(err)
	}
	o.enrol(own, Pending)
	if err := o.server.queue.Approve(RequestID(own.Digest())); err != nil {
		t.Fatal(err)
	}
	o.publish()
	o.wantState(own, Denied, ErrDelegateKey.Error())
}

// A delegation that ends while a person thinks about it admits the device, and the
// owner learns why there is no delegate.
func TestDelegationEndsInTheQueue(t *testing.T) {
	o, alice := newOffice(t, ServerConfig{}), newOwner(t, zkkex.KeyP256, "a", 1)
	delegate := alice.newDelegate(t)
	r := alice.answer(t, o.challenge(), delegate, o.now.Add(10*time.Minute))
	o.enrol(r, Pending)
	o.now = o.now.Add(day)
	if entries, err := o.server.queue.List(); err != nil || len(entries) != 1 {
		t.Fatalf("the queue has %d entries, %v", len(entries), err)
	}
	if err := o.server.queue.Approve(RequestID(r.Digest())); err != nil {
		t.Fatal(err)
	}
	o.publish()
	o.wantState(r, Admitted, ErrDelegationEnded.Error())
	if !o.isLive(alice.public(t)) || o.isLive(delegate.Public()) {
		t.Error("expected the device alone to be admitted")
	}
}

func TestDelegationsAreCounted(t *testing.T) {
	o, alice := newOffice(t, ServerConfig{}), newOwner(t, zkkex.KeyP256, "a", 1)
	mustAdmitDevice(t, o.server.registrar, alice.public(t), nil, o.now)
	var last *enrolment.DeviceRequest
	for range MaxDelegationsPerHour {
		last = alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(time.Hour))
		o.enrol(last, Approved)
	}
	one := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(time.Hour))
	if status, no := o.post(one); status != http.StatusTooManyRequests || no["error"] != "too_many_delegations" {
		t.Fatalf("%d, %v; want 429, too_many_delegations", status, no)
	}
	o.enrol(last, Approved) // the same again is none more
	bob := newOwner(t, zkkex.KeyP256, "b", 2)
	mustAdmitDevice(t, o.server.registrar, bob.public(t), nil, o.now)
	o.enrol(bob.answer(t, o.challenge(), bob.newDelegate(t), o.now.Add(time.Hour)), Approved)
	o.now = o.now.Add(throttleWindow)
	o.enrol(alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(time.Hour)), Approved)
}

func TestApproveListedDevices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allow")
	o, alice := newOffice(t, ServerConfig{Approve: ApproveListed(path)}), newOwner(t, zkkex.KeyP256, "a", 1)
	if err := os.WriteFile(path, fmt.Appendf(nil, "p256 %x\n", alice.device.PublicKey), 0o600); err != nil {
		t.Fatal(err)
	}
	r := alice.answer(t, o.challenge(), alice.newDelegate(t), o.now.Add(day))
	o.enrol(r, Approved)
	o.enrol(newOwner(t, zkkex.KeyP256, "b", 2).answer(t, o.challenge(), nil, time.Time{}), Pending)
	o.publish()
	o.wantState(r, Admitted, "")
	if err := os.WriteFile(path, fmt.Appendf(nil, "p256 %x\n", alice.device.PublicKey[1:]), 0o600); err != nil {
		t.Fatal(err)
	}
	if yes, err := ApproveListed(path)(r); yes || err == nil {
		t.Errorf("a list with a key that is too short: %v, %v; want an error", yes, err)
	}
}

func deviceText(t *testing.T, r *enrolment.DeviceRequest) []byte {
	t.Helper()
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signedAnew returns a request with another signature of the delegate's, and with
// negative for the delegate's key its negative, which has the same leaf: the device's
// signature is good for all of them.
func signedAnew(t *testing.T, r *enrolment.DeviceRequest, delegate *keys.Secret, negative bool) *enrolment.DeviceRequest {
	t.Helper()
	message, err := r.DelegateMessage()
	if err != nil {
		t.Fatal(err)
	}
	if negative {
		scalar := delegate.RevealScalar()
		new(big.Int).Sub(babyjubjub.Order(), new(big.Int).SetBytes(scalar[:])).FillBytes(scalar[:])
		if delegate, err = keys.ParseSecret(scalar, delegate.RevealNullifierKey()); err != nil {
			t.Fatal(err)
		}
	}
	again, d := *r, *r.Delegation
	d.Delegate = [keys.PointSize]byte(delegate.Public().Bytes())
	if d.Signature, err = delegate.Sign(message); err != nil {
		t.Fatal(err)
	}
	again.Delegation = &d
	if _, err := again.Verify(r.Challenge.Registry, testTime); err != nil {
		t.Fatal(err)
	}
	return &again
}

// Whoever stole a delegate's key, and the request that admitted it, brings back neither
// the delegate, once the device has another one, nor the device, once it is revoked.
func TestAStolenDelegateStaysAway(t *testing.T) {
	o := newOffice(t, ServerConfig{Approve: ApproveAll})
	r := o.server.registrar
	owner := newOwner(t, zkkex.KeyP256, "a", 1)
	stolen, next := owner.newDelegate(t), owner.newDelegate(t)
	first := owner.answer(t, o.challenge(), stolen, o.now.Add(day))
	o.enrol(first, Approved)
	o.publish()
	o.enrol(owner.answer(t, o.challenge(), next, o.now.Add(day)), Approved)
	o.publish()
	attack := func() {
		t.Helper()
		for _, negative := range []bool{false, true} {
			o.enrol(signedAnew(t, first, stolen, negative), Admitted) // it was, and is not again
			o.publish()
			if _, err := r.Lookup(stolen.Public()); !errors.Is(err, ErrNoMember) {
				t.Errorf("negative %v: the stolen delegate: %v; want ErrNoMember", negative, err)
			}
		}
	}
	attack()
	if _, err := r.Lookup(next.Public()); err != nil {
		t.Errorf("the delegate that the device has: %v", err)
	}
	if _, err := r.RevokeKey(owner.public(t), o.now); err != nil {
		t.Fatal(err)
	}
	attack()
	if _, err := r.Lookup(owner.public(t)); !errors.Is(err, ErrNoMember) {
		t.Errorf("the revoked device: %v; want ErrNoMember", err)
	}
}

// A request that nobody approved takes no later one's place, when that one makes the
// device a member.
func TestAnOlderRequestReplacesNothing(t *testing.T) {
	o := newOffice(t, ServerConfig{})
	r := o.server.registrar
	mine, other := newOwner(t, zkkex.KeyP256, "a", 1), newOwner(t, zkkex.KeyP256, "b", 2)
	old, next, later := mine.newDelegate(t), mine.newDelegate(t), mine.newDelegate(t)
	requests := make([]*enrolment.DeviceRequest, 0, 4)
	arrive := func(from *owner, delegate *keys.Secret) {
		t.Helper()
		request := from.answer(t, o.challenge(), delegate, o.now.Add(day))
		o.enrol(request, Pending)
		requests = append(requests, request)
		// Files are dated by the machine's clock, which may be coarse.
		arrived := time.Unix(1_700_000_000+int64(len(requests)), 0)
		if err := os.Chtimes(o.server.queue.file(Pending, RequestID(request.Digest())), arrived, arrived); err != nil {
			t.Fatal(err)
		}
	}
	arrive(other, other.newDelegate(t))
	arrive(mine, old)
	arrive(mine, next)
	if err := o.server.queue.Approve(RequestID(requests[2].Digest())); err != nil {
		t.Fatal(err)
	}
	arrive(mine, later)
	o.publish()
	o.wantState(requests[0], Pending, "")
	o.wantState(requests[1], Denied, replaced)
	o.wantState(requests[2], Admitted, "")
	o.wantState(requests[3], Admitted, "") // the device is a member, and asked for it last
	if _, err := r.Lookup(later.Public()); err != nil {
		t.Error(err)
	}
	for _, gone := range []*keys.Secret{old, next} {
		if _, err := r.Lookup(gone.Public()); !errors.Is(err, ErrNoMember) {
			t.Errorf("a delegate that was replaced: %v; want ErrNoMember", err)
		}
	}
}
