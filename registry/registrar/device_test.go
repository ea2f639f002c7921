package registrar

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

const day = 24 * time.Hour

// newDevice returns the public side of a device with a label, and a hash of a
// nullifier key.
func newDevice(t testing.TB, keyType zkkex.KeyType, label string, hash byte) *keys.Public {
	t.Helper()
	p, err := keys.ParsePublic(keyType, devicetest.New(t, keyType, label).PublicKey, [32]byte{31: hash})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// delegation returns a delegation to a key, until some time after testTime.
func delegationTo(t testing.TB, delegate *keys.Public, hash byte, until time.Duration) *Delegation {
	t.Helper()
	p, err := keys.ParsePublic(delegate.KeyType(), delegate.Bytes(), [32]byte{31: hash})
	if err != nil {
		t.Fatal(err)
	}
	return &Delegation{Delegate: p, Until: testTime.Add(until)}
}

func mustAdmitDevice(t testing.TB, r *Registrar, device *keys.Public, d *Delegation, now time.Time) DeviceReceipt {
	t.Helper()
	receipt, err := r.AdmitDevice(device, d, now)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// checkDelegates checks that every live delegate has a live device with its
// nullifier key, that no device has two, and that the numbers are right.
func checkDelegates(r *Registrar) error {
	members := make(map[uint64]*Member)
	for m, err := range r.All() {
		if err != nil {
			return err
		}
		members[m.Index] = m
	}
	delegates := 0
	for index, m := range members {
		if m.Device == nil {
			continue
		}
		delegates++
		device := members[*m.Device]
		switch {
		case device == nil:
			return fmt.Errorf("the delegate at index %d has no device", index)
		case device.Delegate == nil || *device.Delegate != index:
			return fmt.Errorf("the device of the delegate at index %d has another one", index)
		case device.NullifierKeyHash != m.NullifierKeyHash:
			return fmt.Errorf("the delegate at index %d has another nullifier key than its device", index)
		case m.KeyType != zkkex.KeyBabyJubjub || device.KeyType == zkkex.KeyBabyJubjub || m.Until.IsZero():
			return fmt.Errorf("the delegate at index %d: %+v of %+v", index, *m, *device)
		}
	}
	if r.Delegates() != delegates {
		return fmt.Errorf("%d delegates are counted, %d are there", r.Delegates(), delegates)
	}
	return nil
}

func TestAdmitDevice(t *testing.T) {
	for _, keyType := range []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1, zkkex.KeyEdDSA} {
		t.Run(keyType.String(), func(t *testing.T) {
			dir, r := newRegistrar(t)
			device := newDevice(t, keyType, "a", 1)
			d := delegationTo(t, newMember(t), 1, day)
			first := mustAdmitDevice(t, r, device, d, testTime)
			want := DeviceReceipt{
				Device:   Receipt{registry.Operation{Kind: registry.Admit, KeyType: keyType, Index: 0, Leaf: device.Commitment()}, 0, true},
				Delegate: Receipt{registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: 1, Leaf: d.Delegate.Commitment()}, 1, true},
			}
			if first != want {
				t.Fatalf("receipt %+v, expected %+v", first, want)
			}
			for range 2 {
				again := mustAdmitDevice(t, r, device, d, testTime.Add(time.Hour))
				want.Device.New, want.Delegate.New = false, false
				if again != want || r.Sequence() != 2 {
					t.Errorf("again: %+v after %d operations, expected %+v", again, r.Sequence(), want)
				}
				m, err := r.Lookup(device)
				if err != nil || m.Delegate == nil || *m.Delegate != 1 || m.Device != nil || string(m.Key) != string(device.Bytes()) {
					t.Errorf("device %+v, %v", m, err)
				}
				m, err = r.Lookup(d.Delegate)
				if err != nil || m.Device == nil || *m.Device != 0 || m.Delegate != nil || !m.Until.Equal(d.Until) || string(m.Key) != string(d.Delegate.Bytes()) {
					t.Errorf("delegate %+v, %v", m, err)
				}
				if err := checkDelegates(r); err != nil {
					t.Error(err)
				}
				r = reopen(t, dir, r)
			}
			alone := newDevice(t, keyType, "b", 2)
			if got := mustAdmitDevice(t, r, alone, nil, testTime); !got.Device.New || got.Delegate != (Receipt{}) {
				t.Errorf("without a delegate: %+v", got)
			}
		})
	}
}

// A device has one delegate: another one takes its place and its index, and so does
// the same key with another end.
func TestOneDelegatePerDevice(t *testing.T) {
	dir, r := newRegistrar(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	key, other := newMember(t), newMember(t)
	mustAdmitDevice(t, r, device, delegationTo(t, key, 1, day), testTime)
	root := r.Root()
	for i, d := range []*Delegation{
		delegationTo(t, key, 1, 2*day),
		delegationTo(t, other, 1, day),
		delegationTo(t, key, 1, day),
		delegationTo(t, key, 1, time.Hour),
	} {
		before := r.Sequence()
		got := mustAdmitDevice(t, r, device, d, testTime.Add(time.Minute))
		if got.Device.New || !got.Delegate.New || got.Delegate.Operation.Index != 1 || r.Sequence() != before+2 {
			t.Fatalf("delegation %d: %+v, %d operations more", i, got, r.Sequence()-before)
		}
		if r.Delegates() != 1 || r.Members(zkkex.KeyBabyJubjub) != 1 || r.Members(zkkex.KeyP256) != 1 {
			t.Fatalf("%d delegates, %d and %d members", r.Delegates(), r.Members(zkkex.KeyBabyJubjub), r.Members(zkkex.KeyP256))
		}
		if m, err := r.Lookup(d.Delegate); err != nil || !m.Until.Equal(d.Until) {
			t.Errorf("delegation %d: %+v, %v", i, m, err)
		}
		if err := checkDelegates(r); err != nil {
			t.Error(err)
		}
		r = reopen(t, dir, r)
	}
	if r.Root() != root {
		t.Error("the same key with another end is another leaf")
	}
	checkpoint(t, r, testTime)
	if err := checkPublic(r); err != nil {
		t.Error(err)
	}
	// A key that stays leaves nothing to remember.
	if len(r.revoked.byKey) != 1 {
		t.Errorf("%d revoked keys are remembered, expected the other delegate's", len(r.revoked.byKey))
	}
}

// However a device is revoked, its delegate goes with it, and before it.
func TestRevokeDevice(t *testing.T) {
	for name, revoke := range map[string]func(*Registrar, *keys.Public) (Receipt, error){
		"by key":   func(r *Registrar, p *keys.Public) (Receipt, error) { return r.RevokeKey(p, testTime) },
		"by index": func(r *Registrar, _ *keys.Public) (Receipt, error) { return r.RevokeIndex(0, testTime) },
		"by leaf": func(r *Registrar, p *keys.Public) (Receipt, error) {
			return r.RevokeLeaf(p.Commitment(), testTime)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, r := newRegistrar(t)
			device := newDevice(t, zkkex.KeyP256, "a", 1)
			d := delegationTo(t, newMember(t), 1, day)
			mustAdmitDevice(t, r, device, d, testTime)
			receipt, err := revoke(r, device)
			if err != nil || receipt.Operation.Leaf != device.Commitment() || receipt.Sequence != 3 {
				t.Fatalf("%+v, %v", receipt, err)
			}
			for range 2 {
				if n := r.Members(zkkex.KeyP256) + r.Members(zkkex.KeyBabyJubjub); n != 0 || r.Delegates() != 0 {
					t.Errorf("%d members and %d delegates are left", n, r.Delegates())
				}
				r = reopen(t, dir, r)
			}
			if _, err := r.Delegate(device, *d, testTime); !errors.Is(err, ErrNoMember) {
				t.Errorf("it delegates again: %v; want ErrNoMember", err)
			}
			// Both indexes are free.
			for want := range uint64(2) {
				if got := mustAdmit(t, r, newMember(t), testTime); got.Operation.Index != want {
					t.Errorf("index %d, expected %d", got.Operation.Index, want)
				}
			}
		})
	}
}

// A delegate that is revoked leaves its device where it is.
func TestRevokeDelegate(t *testing.T) {
	dir, r := newRegistrar(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	d := delegationTo(t, newMember(t), 1, day)
	mustAdmitDevice(t, r, device, d, testTime)
	if _, err := r.RevokeKey(d.Delegate, testTime); err != nil {
		t.Fatal(err)
	}
	r = reopen(t, dir, r)
	if m, err := r.Lookup(device); err != nil || m.Delegate != nil {
		t.Errorf("the device: %+v, %v", m, err)
	}
	if got, err := r.Delegate(device, *d, testTime); err != nil || !got.Delegate.New || got.Delegate.Operation.Index != 1 {
		t.Errorf("it delegates again: %+v, %v", got, err)
	}
}

func TestDelegationEnds(t *testing.T) {
	dir, r := newRegistrar(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	mustAdmitDevice(t, r, device, delegationTo(t, newMember(t), 1, 90*time.Second), testTime)
	mustAdmitDevice(t, r, newDevice(t, zkkex.KeyP256, "b", 2), delegationTo(t, newMember(t), 2, day), testTime)
	end := testTime.Add(90 * time.Second)
	for _, now := range []time.Time{testTime, end.Add(-30 * time.Second), end.Add(-time.Second)} {
		if n, err := r.RevokeEnded(now); n != 0 || err != nil {
			t.Errorf("%v before its end: %d are revoked, %v", end.Sub(now), n, err)
		}
		r = reopen(t, dir, r)
	}
	if n, err := r.RevokeEnded(end); n != 1 || err != nil {
		t.Fatalf("at its end: %d are revoked, %v", n, err)
	}
	// A clock that goes back does not let it live again: time never goes back here.
	_, err := r.Delegate(device, *delegationTo(t, newMember(t), 1, 90*time.Second), testTime)
	if !errors.Is(err, ErrDelegationEnded) {
		t.Errorf("with the clock before the end: %v; want ErrDelegationEnded", err)
	}
	if n, err := r.RevokeEnded(testTime); n != 0 || err != nil {
		t.Errorf("again: %d are revoked, %v", n, err)
	}
	if err := checkDelegates(r); err != nil || r.Delegates() != 1 {
		t.Errorf("%d delegates are left, expected 1: %v", r.Delegates(), err)
	}
	if got := mustAdmit(t, r, newMember(t), end); got.Operation.Index != 1 {
		t.Errorf("index %d, expected the one that is free again", got.Operation.Index)
	}
	mustClose(t, r)
	if _, err := r.RevokeEnded(end.Add(day)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v; want ErrClosed", err)
	}
}

// A delegation that ended while its request waited admits the device alone.
func TestDelegationEndedBefore(t *testing.T) {
	_, r := newRegistrar(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	for range 2 {
		got, err := r.AdmitDevice(device, delegationTo(t, newMember(t), 1, 0), testTime)
		if !errors.Is(err, ErrDelegationEnded) || got.Device.Operation.Leaf != device.Commitment() || got.Delegate != (Receipt{}) {
			t.Errorf("%+v, %v; want ErrDelegationEnded", got, err)
		}
		if r.Sequence() != 1 || r.Members(zkkex.KeyP256) != 1 {
			t.Errorf("%d operations, %d devices, expected one", r.Sequence(), r.Members(zkkex.KeyP256))
		}
	}
}

// TestDelegateKeys has delegates whose key is somebody's already, and keys that are
// a delegate's already.
func TestDelegateKeys(t *testing.T) {
	dir, r := newRegistrar(t)
	member := newMember(t)
	mustAdmit(t, r, member, testTime)
	first := newDevice(t, zkkex.KeyP256, "a", 1)
	taken := newMember(t)
	mustAdmitDevice(t, r, first, delegationTo(t, taken, 1, day), testTime)
	group := newDevice(t, zkkex.KeyEdDSA, "a", 3)
	asGroup, err := keys.ParsePublic(zkkex.KeyEdDSA, taken.Bytes(), [32]byte{31: 1})
	if err != nil {
		t.Fatal(err)
	}
	ofGroup, err := keys.ParsePublic(zkkex.KeyBabyJubjub, group.Bytes(), [32]byte{31: 3})
	if err != nil {
		t.Fatal(err)
	}
	other := newDevice(t, zkkex.KeySecp256k1, "a", 1)
	before := r.Sequence()
	for range 2 {
		for name, admit := range map[string]func() error{
			"a member's key": func() error {
				_, err := r.AdmitDevice(other, delegationTo(t, member, 1, day), testTime)
				return err
			},
			"a member's key, for a device that has a delegate": func() error {
				_, err := r.Delegate(first, *delegationTo(t, member, 1, day), testTime)
				return err
			},
			"a member's key, negated": func() error {
				_, err := r.AdmitDevice(other, delegationTo(t, negated(t, member), 1, day), testTime)
				return err
			},
			"another device's delegate": func() error {
				_, err := r.AdmitDevice(other, delegationTo(t, taken, 1, day), testTime)
				return err
			},
			"another device's delegate, negated": func() error {
				_, err := r.AdmitDevice(other, delegationTo(t, negated(t, taken), 1, day), testTime)
				return err
			},
			"a delegate as a member, with its nullifier key": func() error {
				_, err := r.Admit(withHash(t, taken, 1), testTime)
				return err
			},
			"a delegate as a member, with another": func() error {
				_, err := r.Admit(withHash(t, taken, 5), testTime)
				return err
			},
			"a delegate as a group": func() error {
				_, err := r.AdmitDevice(asGroup, nil, testTime)
				return err
			},
			"a delegate as a group, which delegates": func() error {
				_, err := r.AdmitDevice(asGroup, delegationTo(t, newMember(t), 1, day), testTime)
				return err
			},
			"the group's own key": func() error {
				_, err := r.AdmitDevice(group, delegationTo(t, ofGroup, 3, day), testTime)
				return err
			},
			"the group's own key, negated": func() error {
				_, err := r.AdmitDevice(group, delegationTo(t, negated(t, ofGroup), 3, day), testTime)
				return err
			},
		} {
			if err := admit(); !errors.Is(err, ErrDelegateKey) {
				t.Errorf("%s: %v; want ErrDelegateKey", name, err)
			}
		}
		r = reopen(t, dir, r)
	}
	// A delegate delegates nothing, and a device nothing to another device.
	if _, err := r.Delegate(taken, *delegationTo(t, newMember(t), 1, day), testTime); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a delegate delegates: %v; want ErrUnsupported", err)
	}
	if _, err := r.AdmitDevice(other, &Delegation{newDevice(t, zkkex.KeyP256, "c", 1), testTime.Add(day)}, testTime); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a device as a delegate: %v; want ErrUnsupported", err)
	}
	if _, err := r.AdmitDevice(other, delegationTo(t, newMember(t), 2, day), testTime); err == nil {
		t.Error("a delegate with another nullifier key is admitted")
	}
	if _, err := r.AdmitDevice(other, delegationTo(t, newMember(t), 1, 32*day), testTime); !errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("a delegation of 32 days: %v; want ErrRejected", err)
	}
	if r.Sequence() != before {
		t.Errorf("%d operations, expected %d", r.Sequence(), before)
	}
	if err := checkDelegates(r); err != nil {
		t.Error(err)
	}
}

// TestOneLeafPerPoint is trap B12 for a point that is both a key of type babyjubjub
// and one of type eddsa: it would have two leaves, and with two nullifier keys twice
// the slots.
func TestOneLeafPerPoint(t *testing.T) {
	dir, r := newRegistrar(t)
	member := newMember(t)
	mustAdmit(t, r, withHash(t, member, 1), testTime)
	for range 2 {
		for _, hash := range []byte{1, 2} {
			for _, p := range []*keys.Public{member, negated(t, member)} {
				group, err := keys.ParsePublic(zkkex.KeyEdDSA, p.Bytes(), [32]byte{31: hash})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.AdmitDevice(group, nil, testTime); !errors.Is(err, ErrKeyLive) {
					t.Errorf("a live key as one of a group, H(nk) %d: %v; want ErrKeyLive", hash, err)
				}
			}
		}
		r = reopen(t, dir, r)
	}
	if _, err := r.RevokeKey(member, testTime); err != nil {
		t.Fatal(err)
	}
	group, err := keys.ParsePublic(zkkex.KeyEdDSA, member.Bytes(), [32]byte{31: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AdmitDevice(group, nil, testTime); !errors.Is(err, ErrReadmission) {
		t.Errorf("a revoked key as one of a group, with another nullifier key: %v; want ErrReadmission", err)
	}
	// The same x on two curves is two keys; a key and its negative are one.
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	mustAdmitDevice(t, r, device, nil, testTime)
	negative := device.Bytes()
	negative[0] ^= 1
	same, err := keys.ParsePublic(zkkex.KeyP256, negative, [32]byte{31: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AdmitDevice(same, nil, testTime); !errors.Is(err, ErrKeyLive) {
		t.Errorf("the negative of a device's key: %v; want ErrKeyLive", err)
	}
}

// A key that was revoked with another nullifier key is no delegate's for as long as it
// could not come back.
func TestDelegateKeyOfLate(t *testing.T) {
	dir, r := newRegistrar(t)
	first, second := newDevice(t, zkkex.KeyP256, "a", 1), newDevice(t, zkkex.KeyP256, "b", 2)
	key := newMember(t)
	mustAdmitDevice(t, r, first, delegationTo(t, key, 1, day), testTime)
	if _, err := r.RevokeKey(key, testTime); err != nil {
		t.Fatal(err)
	}
	r = reopen(t, dir, r)
	for range 2 {
		_, err := r.AdmitDevice(second, delegationTo(t, key, 2, 5*day), testTime.Add(2*day))
		if !errors.Is(err, ErrDelegateKey) || !errors.Is(err, ErrReadmission) {
			t.Errorf("another device's delegate of two days before: %v; want ErrDelegateKey and ErrReadmission", err)
		}
	}
	if got := mustAdmitDevice(t, r, first, delegationTo(t, key, 1, day), testTime); !got.Delegate.New {
		t.Errorf("its own device's delegate: %+v", got)
	}
	if _, err := r.RevokeKey(key, testTime); err != nil {
		t.Fatal(err)
	}
	if got := mustAdmitDevice(t, r, second, delegationTo(t, key, 2, 5*day), testTime.Add(3*day)); !got.Delegate.New {
		t.Errorf("three days later: %+v", got)
	}
}

func TestDelegateWhenFull(t *testing.T) {
	_, r := newRegistrar(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	r.free.next = 1<<registry.SmallCapacityBits - 1
	if _, err := r.AdmitDevice(device, delegationTo(t, newMember(t), 1, day), testTime); !errors.Is(err, ErrFull) {
		t.Errorf("with one index for two: %v; want ErrFull", err)
	}
	if r.free.next != 1<<registry.SmallCapacityBits-1 || r.Sequence() != 0 {
		t.Errorf("next index %d, %d operations; expected nothing to happen", r.free.next, r.Sequence())
	}
}

// A batch that could not be written leaves devices, delegates and indexes as they
// were.
func TestDelegationNotRecorded(t *testing.T) {
	_, r, disk := newBroken(t)
	device := newDevice(t, zkkex.KeyP256, "a", 1)
	mustAdmitDevice(t, r, device, delegationTo(t, newMember(t), 1, day), testTime)
	before, root := r.Sequence(), r.Root()
	disk.room = offsetOf(before) + recordSize // for the first record alone
	for name, do := range map[string]func() error{
		"another delegate": func() error {
			_, err := r.Delegate(device, *delegationTo(t, newMember(t), 1, day), testTime)
			return err
		},
		"another device": func() error {
			_, err := r.AdmitDevice(newDevice(t, zkkex.KeyP256, "b", 2), delegationTo(t, newMember(t), 2, day), testTime)
			return err
		},
		"a revocation": func() error { _, err := r.RevokeKey(device, testTime); return err },
	} {
		if err := do(); !errors.Is(err, ErrNotRecorded) {
			t.Errorf("%s: %v; want ErrNotRecorded", name, err)
		}
		if r.Sequence() != before || r.Root() != root {
			t.Errorf("%s: %d operations, expected %d", name, r.Sequence(), before)
		}
		if err := checkDelegates(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	disk.room = 1 << 40
	got := mustAdmitDevice(t, r, newDevice(t, zkkex.KeyP256, "b", 2), delegationTo(t, newMember(t), 2, day), testTime)
	if got.Device.Operation.Index != before || got.Delegate.Operation.Index != before+1 {
		t.Errorf("%+v, expected the two next indexes", got)
	}
}

// Requests about one device that meet in one write are decided one after the other.
func TestDelegationsInOneBatch(t *testing.T) {
	dir, r := newRegistrar(t)
	var reqs []*request
	var plans []*devicePlan
	for i := range 4 {
		device := newDevice(t, zkkex.KeyP256, string(rune('a'+i%2)), byte(1+i%2))
		p, err := newDevicePlan(device, delegationTo(t, newMember(t), byte(1+i%2), day))
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
		reqs = append(reqs, &request{plan: p.plan})
	}
	gone := identityOf(newDevice(t, zkkex.KeyP256, "a", 1))
	reqs = append(reqs, &request{plan: func(r *Registrar, b *batch, req *request) error {
		live, err := r.findLive(gone)
		if err != nil {
			return err
		}
		if live == nil {
			return errNextBatch
		}
		return r.planRevocation(b, req, live)
	}})
	r.submit(testTime, reqs...)
	for i, req := range reqs {
		if req.err != nil {
			t.Fatalf("request %d: %v", i, req.err)
		}
	}
	r = reopen(t, dir, r)
	if err := checkDelegates(r); err != nil {
		t.Error(err)
	}
	m, err := r.Lookup(newDevice(t, zkkex.KeyP256, "b", 2))
	if err != nil || m.Delegate == nil || r.Delegates() != 1 {
		t.Fatalf("device b: %+v, %v; %d delegates", m, err, r.Delegates())
	}
	if last, err := r.Member(*m.Delegate); err != nil || last.Leaf != plans[3].delegate.leaf {
		t.Errorf("its delegate is %+v, %v; expected the last one", last, err)
	}
}

// lifetime is how long a leaf was live, of a key, for a device or a member.
type lifetime struct {
	hash        [32]byte
	from, until int64
}

// TestDelegatesMultiplyNoSlots is trap B12: at random, devices enter with one
// nullifier key or another, delegate, delegate to each other's delegates, are revoked
// and come back, and their delegates enter on their own. Neither a key, nor a device
// together with all its delegates, may ever have leaves of two nullifier keys that are
// good in one epoch.
func TestDelegatesMultiplyNoSlots(t *testing.T) {
	rounds := 600
	if deep() {
		rounds = 20_000
	}
	dir, r := newRegistrar(t)
	rng := rand.New(rand.NewChaCha8([32]byte{1}))
	devices := []string{"a", "b", "c"}
	var delegates []*keys.Public
	for range 4 {
		delegates = append(delegates, newMember(t))
	}
	owned := make(map[identity][]lifetime) // by device, its own leaves and its delegates'
	byKey := make(map[identity][]lifetime)
	live := make(map[uint64]*Member)
	now := testTime
	observe := func() {
		seen := make(map[uint64]*Member)
		members := make(map[uint64]*Member)
		for m, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			members[m.Index] = m
			seen[m.Sequence] = m
		}
		at := r.lastTime
		for sequence, m := range live {
			if seen[sequence] == nil {
				endLifetimes(byKey[memberIdentity(m)], m, at)
				for _, list := range owned {
					endLifetimes(list, m, at)
				}
				delete(live, sequence)
			}
		}
		for sequence, m := range seen {
			if live[sequence] != nil {
				continue
			}
			live[sequence] = m
			born := lifetime{hash: m.NullifierKeyHash, from: m.Time.Unix(), until: -int64(sequence) - 1}
			id := memberIdentity(m)
			byKey[id] = append(byKey[id], born)
			if m.Device != nil {
				id = memberIdentity(members[*m.Device])
			}
			owned[id] = append(owned[id], born)
		}
	}
	did := make(map[string]int)
	for round := range rounds {
		now = now.Add(time.Duration(rng.Int64N(int64(16 * time.Hour))))
		device := newDevice(t, zkkex.KeyP256, devices[rng.IntN(len(devices))], byte(1+rng.IntN(2)))
		key := delegates[rng.IntN(len(delegates))]
		hash := device.NullifierKeyHash()[31]
		d := delegationTo(t, key, hash, now.Sub(testTime)+time.Duration(1+rng.IntN(72))*time.Hour)
		var err error
		var what string
		switch rng.IntN(8) {
		case 0, 1:
			what = "device"
			_, err = r.AdmitDevice(device, d, now)
		case 2:
			what = "device alone"
			_, err = r.AdmitDevice(device, nil, now)
		case 3, 4:
			what = "delegation"
			_, err = r.Delegate(device, *d, now)
		case 5:
			what = "revocation"
			_, err = r.RevokeKey([]*keys.Public{device, key}[rng.IntN(2)], now)
		case 6:
			what = "end"
			_, err = r.RevokeEnded(now)
		case 7:
			what = "member"
			_, err = r.Admit(withHash(t, key, byte(1+rng.IntN(2))), now)
		}
		if err == nil {
			did[what]++
		}
		observe()
		if err := checkDelegates(r); err != nil {
			t.Fatalf("round %d, %s: %v", round, what, err)
		}
		if round%100 == 99 {
			r = reopen(t, dir, r)
		}
	}
	for _, what := range []string{"device", "device alone", "delegation", "revocation", "end", "member"} {
		if did[what] < 5 {
			t.Errorf("%s: only %d times; the test shows nothing", what, did[what])
		}
	}
	changes := 0
	for name, lists := range map[string]map[identity][]lifetime{"a key": byKey, "a device with its delegates": owned} {
		for _, list := range lists {
			changes += checkLifetimes(t, r.config, name, list)
		}
	}
	if changes == 0 {
		t.Error("no key ever came back with another nullifier key; the test shows nothing")
	}
}

func memberIdentity(m *Member) identity {
	var key [maxKeySize]byte
	copy(key[:], m.Key)
	return newIdentity(m.KeyType, key)
}

// endLifetimes ends the lifetime of a member that is not live any more.
func endLifetimes(list []lifetime, m *Member, at int64) {
	for i := range list {
		if list[i].until == -int64(m.Sequence)-1 {
			list[i].until = at
		}
	}
}

// checkLifetimes checks that leaves of two nullifier keys are not good in one epoch,
// and returns how many of these there were.
func checkLifetimes(t *testing.T, c config, name string, list []lifetime) (changes int) {
	slices.SortStableFunc(list, func(a, b lifetime) int { return int(a.from - b.from) })
	for i, b := range list {
		for _, a := range list[:i] {
			if a.hash == b.hash {
				continue
			}
			changes++
			if a.until < 0 || b.from < c.readmission(a.until) {
				t.Errorf("%s has leaves of two nullifier keys at once: %+v and %+v", name, a, b)
			}
		}
	}
	return changes
}
