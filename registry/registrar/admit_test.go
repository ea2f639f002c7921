package registrar

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// withHash returns the same public key with another nullifier key's hash.
func withHash(t *testing.T, p *keys.Public, hash byte) *keys.Public {
	t.Helper()
	other, err := keys.ParsePublic(p.KeyType(), p.Bytes(), [32]byte{31: hash})
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// negated returns the negative of a public key, with the same hash.
func negated(t *testing.T, p *keys.Public) *keys.Public {
	t.Helper()
	b := p.Bytes()
	var point twistededwards.PointAffine
	if _, err := point.SetBytes(b); err != nil {
		t.Fatal(err)
	}
	point.Neg(&point)
	negative := point.Bytes()
	n, err := keys.ParsePublic(p.KeyType(), negative[:], p.NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(n.Bytes(), b) {
		t.Fatal("the negative is the key itself")
	}
	return n
}

func mustAdmit(t *testing.T, r *Registrar, p *keys.Public, now time.Time) Receipt {
	t.Helper()
	receipt, err := r.Admit(p, now)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestAdmit(t *testing.T) {
	dir, r := newRegistrar(t)
	p := newMember(t)
	receipt := mustAdmit(t, r, p, testTime)
	want := registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: 0, Leaf: p.Commitment()}
	if receipt != (Receipt{Operation: want, Sequence: 0, New: true}) {
		t.Errorf("receipt %+v, expected %+v", receipt, want)
	}
	for range 2 {
		again := mustAdmit(t, r, p, testTime.Add(time.Hour))
		if again.New || again.Operation != want || again.Sequence != 0 {
			t.Errorf("again: %+v", again)
		}
		if r.Sequence() != 1 {
			t.Errorf("%d operations, expected 1", r.Sequence())
		}
		m, err := r.Lookup(p)
		key := p.Bytes()
		if err != nil || m.Index != 0 || m.Leaf != p.Commitment() || !bytes.Equal(m.Key, key[:]) ||
			m.NullifierKeyHash != p.NullifierKeyHash() || !m.Time.Equal(testTime) {
			t.Errorf("member %+v, %v", m, err)
		}
		r = reopen(t, dir, r)
	}
	if _, err := r.Lookup(newMember(t)); !errors.Is(err, ErrNoMember) {
		t.Errorf("a stranger: %v; want ErrNoMember", err)
	}
	if _, err := r.Member(1); !errors.Is(err, ErrNoMember) {
		t.Errorf("an empty index: %v; want ErrNoMember", err)
	}
}

// TestOneLiveLeafPerKey is trap B12: a key with two nullifier keys, and a key
// and its negative.
func TestOneLiveLeafPerKey(t *testing.T) {
	dir, r := newRegistrar(t)
	p := newMember(t)
	first := mustAdmit(t, r, p, testTime)
	for range 2 {
		if _, err := r.Admit(withHash(t, p, 5), testTime); !errors.Is(err, ErrKeyLive) {
			t.Errorf("another nullifier key: %v; want ErrKeyLive", err)
		}
		if _, err := r.Admit(withHash(t, negated(t, p), 5), testTime); !errors.Is(err, ErrKeyLive) {
			t.Errorf("the negative with another nullifier key: %v; want ErrKeyLive", err)
		}
		same := mustAdmit(t, r, negated(t, p), testTime)
		if same.New || same.Operation != first.Operation {
			t.Errorf("the negative: %+v, expected the same leaf", same)
		}
		if r.Sequence() != 1 || r.Members(zkkex.KeyBabyJubjub) != 1 {
			t.Fatalf("%d operations, %d members", r.Sequence(), r.Members(zkkex.KeyBabyJubjub))
		}
		r = reopen(t, dir, r)
	}
}

// TestOneLiveLeafPerKeyInOneBatch has the two admissions meet in one write.
func TestOneLiveLeafPerKeyInOneBatch(t *testing.T) {
	_, r := newRegistrar(t)
	p := newMember(t)
	receipts, err := r.AdmitAll([]*keys.Public{p, withHash(t, p, 5), p, negated(t, p), newMember(t)}, testTime)
	var refused *AdmitError
	if !errors.As(err, &refused) || refused.Member != 1 || !errors.Is(err, ErrKeyLive) {
		t.Fatalf("%v; want ErrKeyLive for member 1", err)
	}
	if !receipts[0].New || receipts[2].New || receipts[3].New || receipts[2].Operation != receipts[0].Operation || !receipts[4].New {
		t.Errorf("receipts %+v", receipts)
	}
	if receipts[1] != (Receipt{}) {
		t.Errorf("receipt %+v for a refused member", receipts[1])
	}
	if r.Sequence() != 2 {
		t.Errorf("%d operations, expected 2", r.Sequence())
	}
}

// TestReadmission revokes a key and lets it come back. With another nullifier
// key it would have the slots of an epoch twice.
func TestReadmission(t *testing.T) {
	dir, r := newRegistrar(t)
	p := newMember(t)
	other := withHash(t, p, 5)
	mustAdmit(t, r, p, testTime)
	revoked := time.Date(2026, 11, 21, 23, 59, 50, 0, time.UTC)
	if _, err := r.RevokeKey(p, revoked); err != nil {
		t.Fatal(err)
	}
	notBefore := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for _, now := range []time.Time{revoked, revoked.Add(20 * time.Second), notBefore.Add(-24 * time.Hour), notBefore.Add(-time.Second)} {
		for _, candidate := range []*keys.Public{other, withHash(t, negated(t, p), 5)} {
			_, err := r.Admit(candidate, now)
			var wait *ReadmissionError
			if !errors.Is(err, ErrReadmission) || !errors.As(err, &wait) || !wait.NotBefore.Equal(notBefore) {
				t.Errorf("at %v: %v; want ErrReadmission, not before %v", now, err, notBefore)
			}
		}
		r = reopen(t, dir, r)
	}
	// A clock that goes back does not help: time never goes back here.
	again := mustAdmit(t, r, p, testTime)
	if !again.New || again.Operation.Index != 0 || again.Sequence != 2 {
		t.Errorf("the same nullifier key: %+v", again)
	}
	if _, err := r.RevokeKey(negated(t, p), testTime); err != nil {
		t.Fatal(err)
	}
	receipt := mustAdmit(t, r, other, notBefore)
	if !receipt.New || receipt.Operation.Leaf != other.Commitment() {
		t.Errorf("two epochs later: %+v", receipt)
	}
	if _, err := r.Admit(p, notBefore); !errors.Is(err, ErrKeyLive) {
		t.Errorf("the old nullifier key: %v; want ErrKeyLive", err)
	}
}

// TestReadmissionAcrossEpochs takes verifiers of every window that package
// verifier accepts, revokes a key at every moment of an epoch, and looks for an
// epoch in which both leaves are good: the old one until verifiers know of the
// revocation, the new one from the earliest admission on. One epoch less of
// waiting would leave one.
func TestReadmissionAcrossEpochs(t *testing.T) {
	const length = 60
	c := config{schedule: zkkex.Schedule{Origin: 7, Length: length}}
	epoch := func(unix int64) int64 { return (unix - c.schedule.Origin) / length }
	twice := func(waitLess int64) (found bool) {
		for revoked := int64(1000 * length); revoked < 1001*length; revoked++ {
			for skew := int64(0); 2*skew <= length; skew++ {
				grace := length - 2*skew
				known := revoked + length - skew // with the delay of checkpoints and the grace of roots
				admitted := c.readmission(revoked) - waitLess*length
				newestOfOld := epoch(known - 1 + skew)
				oldestOfNew := epoch(admitted - skew - grace)
				found = found || oldestOfNew <= newestOfOld
			}
		}
		return found
	}
	if twice(0) {
		t.Error("an epoch can be used with both leaves")
	}
	if !twice(1) {
		t.Error("a wait shorter by an epoch is found to be enough; the test shows nothing")
	}
}

// TestReadmissionOfEarlierJournals opens a journal in which a key came back with
// another nullifier key in the next epoch, as an earlier rule allowed.
func TestReadmissionOfEarlierJournals(t *testing.T) {
	dir, r := newRegistrar(t)
	p := newMember(t)
	other := withHash(t, p, 5)
	mustAdmit(t, r, p, testTime)
	if _, err := r.RevokeKey(p, testTime); err != nil {
		t.Fatal(err)
	}
	r.revoked = revocations{}
	next := testTime.Add(24 * time.Hour)
	mustAdmit(t, r, other, next)
	r = reopen(t, dir, r)
	if _, err := r.RevokeKey(p, next); err != nil {
		t.Fatal(err)
	}
	r = reopen(t, dir, r)
	if _, err := r.Admit(p, next.Add(24*time.Hour)); !errors.Is(err, ErrReadmission) {
		t.Errorf("from now on: %v; want ErrReadmission", err)
	}
	if again := mustAdmit(t, r, p, time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)); !again.New {
		t.Errorf("after two epochs: %+v", again)
	}
}

func TestRevoke(t *testing.T) {
	dir, r := newRegistrar(t)
	a, b, c := newMember(t), newMember(t), newMember(t)
	if _, err := r.AdmitAll([]*keys.Public{a, b, c}, testTime); err != nil {
		t.Fatal(err)
	}
	for i, revoke := range []func() (Receipt, error){
		func() (Receipt, error) { return r.RevokeIndex(0, testTime) },
		func() (Receipt, error) { return r.RevokeLeaf(b.Commitment(), testTime) },
		func() (Receipt, error) { return r.RevokeKey(c, testTime) },
	} {
		leaf := []*keys.Public{a, b, c}[i].Commitment()
		want := registry.Operation{Kind: registry.Revoke, KeyType: zkkex.KeyBabyJubjub, Index: uint64(i), Leaf: leaf}
		receipt, err := revoke()
		if err != nil || receipt != (Receipt{Operation: want, Sequence: uint64(3 + i), New: true}) {
			t.Errorf("revocation %d: %+v, %v; expected %+v", i, receipt, err, want)
		}
		if _, err := revoke(); !errors.Is(err, ErrNoMember) {
			t.Errorf("revocation %d again: %v; want ErrNoMember", i, err)
		}
	}
	r = reopen(t, dir, r)
	if r.Members(zkkex.KeyBabyJubjub) != 0 || r.Sequence() != 6 {
		t.Errorf("%d members, %d operations", r.Members(zkkex.KeyBabyJubjub), r.Sequence())
	}
	if _, err := r.Lookup(a); !errors.Is(err, ErrNoMember) {
		t.Errorf("a revoked member: %v; want ErrNoMember", err)
	}
	if _, err := r.RevokeIndex(1<<40, testTime); !errors.Is(err, ErrNoMember) {
		t.Errorf("an index out of range: %v; want ErrNoMember", err)
	}
}

// TestLowestIndexFirst frees indexes and checks who gets them, also after the
// folder was opened again.
func TestLowestIndexFirst(t *testing.T) {
	dir, r := newRegistrar(t)
	for n := range uint64(20) {
		fakeAdmit(t, r, n)
	}
	for _, index := range []uint64{13, 4, 19, 8} {
		if _, err := r.RevokeIndex(index, testTime); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []uint64{4, 8, 13, 19, 20, 21} {
		if got := fakeAdmit(t, r, uint64(100+n)).Operation.Index; got != want {
			t.Errorf("index %d, expected %d", got, want)
		}
		r = reopen(t, dir, r)
	}
}

func TestGrowAndFull(t *testing.T) {
	dir, r := newRegistrar(t)
	fakeAdmit(t, r, 0)
	r.free.next = 1 << registry.SmallCapacityBits // as if a million were there
	req := admission(fakeCandidate(1))
	r.submit(testTime, req)
	if !errors.Is(req.err, ErrFull) {
		t.Fatalf("full: %v; want ErrFull", req.err)
	}
	r.free.next = 1
	receipt, err := r.Grow(testTime)
	if err != nil || receipt != (Receipt{Operation: registry.Operation{Kind: registry.Grow}, Sequence: 1, New: true}) {
		t.Fatalf("grow: %+v, %v", receipt, err)
	}
	fakeAdmit(t, r, 1)
	if _, err := r.Grow(testTime); !errors.Is(err, registry.ErrOperation) {
		t.Errorf("grow again: %v; want ErrOperation", err)
	}
	root := r.Root()
	if r = reopen(t, dir, r); r.CapacityBits() != 32 || r.Root() != root {
		t.Errorf("after opening: 2^%d, root %v, expected %v", r.CapacityBits(), r.Root(), root)
	}
}

// TestMemberDoesNotPrint: which key belongs to which leaf is the registrar's to
// know.
func TestMemberDoesNotPrint(t *testing.T) {
	_, r := newRegistrar(t)
	p := newMember(t)
	mustAdmit(t, r, p, testTime)
	m, err := r.Member(0)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("test", "member", m, "value", *m)
	for _, s := range []string{fmt.Sprint(m), fmt.Sprintf("%v %+v %#v %s", *m, *m, *m, m), log.String()} {
		if !strings.Contains(s, "member at index 0") || strings.Contains(s, "KeyType") || strings.Contains(s, hex.EncodeToString(m.Key[:4])) {
			t.Errorf("prints as %q", s)
		}
	}
}

func TestClosed(t *testing.T) {
	_, r := newRegistrar(t)
	p := newMember(t)
	mustClose(t, r)
	if _, err := r.Admit(p, testTime); !errors.Is(err, ErrClosed) {
		t.Errorf("Admit: %v; want ErrClosed", err)
	}
	if _, err := r.RevokeIndex(0, testTime); !errors.Is(err, ErrClosed) {
		t.Errorf("RevokeIndex: %v; want ErrClosed", err)
	}
	if _, err := r.Lookup(p); !errors.Is(err, ErrClosed) {
		t.Errorf("Lookup: %v; want ErrClosed", err)
	}
	if _, err := r.Member(0); !errors.Is(err, ErrClosed) {
		t.Errorf("Member: %v; want ErrClosed", err)
	}
	if _, err := r.Tile("tile/entries/000"); !errors.Is(err, ErrClosed) {
		t.Errorf("Tile: %v; want ErrClosed", err)
	}
	if _, err := r.Checkpoint(t.Context(), testTime, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Checkpoint: %v; want ErrClosed", err)
	}
	if _, err := r.Hashes().ReadHashes([]int64{0}); !errors.Is(err, ErrClosed) {
		t.Errorf("Hashes: %v; want ErrClosed", err)
	}
}
