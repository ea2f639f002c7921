package cli

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
)

// desk is an operator of an empty registry, at a time that tests choose.
type desk struct {
	*operator
	t   *testing.T
	now time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	if err := registrar.Init(dir, "registry.example/members", registry.SmallCapacityBits); err != nil {
		t.Fatal(err)
	}
	queue, err := openQueue(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := registrar.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, now: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)}
	d.operator = &operator{registrar: r, queue: queue, now: func() time.Time { return d.now }}
	return d
}

// approve has a key ask for admission, and approves it.
func (d *desk) approve(secret *keys.Secret) {
	d.t.Helper()
	challenge, err := d.queue.Challenge(d.now, time.Hour)
	if err != nil {
		d.t.Fatal(err)
	}
	request, err := enrolment.New(secret, challenge)
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := request.MarshalText()
	if err != nil {
		d.t.Fatal(err)
	}
	outcome, err := d.queue.Add(text, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.queue.Approve(outcome.ID); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) do(j job) {
	d.t.Helper()
	if _, err := d.perform(d.t.Context(), j); err != nil {
		d.t.Fatal(err)
	}
}

func anySecret(t *testing.T) *keys.Secret {
	t.Helper()
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// A request that was approved before its sender was revoked, and not admitted yet,
// does not bring it back.
func TestRevokedMemberStaysOut(t *testing.T) {
	d, secret, index := newDesk(t), anySecret(t), uint64(0)
	d.approve(secret)
	d.do(job{Do: doAdmit})
	d.approve(secret)
	d.do(job{Do: doRevoke, Index: &index})
	d.do(job{Do: doAdmit})
	if _, err := d.registrar.Lookup(secret.Public()); err == nil {
		t.Error("a member that was revoked is back, by a request that was approved before")
	}
	if n := d.registrar.Members(zkkex.KeyBabyJubjub); n != 0 {
		t.Errorf("%d members, expected none", n)
	}
}

// An index names who is there when it is given: not who is admitted there before the
// revocation, after a delegation has ended.
func TestRevokeIndexOfEndedDelegate(t *testing.T) {
	d, delegate, member, index := newDesk(t), anySecret(t), anySecret(t), uint64(1)
	device, err := keys.ParsePublic(zkkex.KeyP256, devicetest.New(t, zkkex.KeyP256, "a").PublicKey, delegate.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	delegation := &registrar.Delegation{Delegate: delegate.Public(), Until: d.now.Add(time.Minute)}
	if _, err := d.registrar.AdmitDevice(device, delegation, d.now); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Hour)
	d.approve(member)
	if _, err := d.perform(t.Context(), job{Do: doRevoke, Index: &index}); !errors.Is(err, registrar.ErrNoMember) {
		t.Errorf("%v; want ErrNoMember, the delegation has ended", err)
	}
	if m, err := d.registrar.Lookup(member.Public()); err != nil || m.Index != index {
		t.Errorf("the member that is admitted at the index: %+v, %v", m, err)
	}
}
