package registrar

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

const testName = "registry.example/members"

// testTime is within an epoch of the default schedule, six hours after its
// beginning.
var testTime = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

func deep() bool { return os.Getenv("ZKKEX_DEEP") == "1" }

func newRegistrar(t *testing.T) (dir string, r *Registrar) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "registry")
	if err := Init(dir, testName, registry.SmallCapacityBits); err != nil {
		t.Fatal(err)
	}
	return dir, mustOpen(t, dir)
}

// mustOpen opens a folder and closes it when the test ends.
func mustOpen(t *testing.T, dir string) *Registrar {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, r) })
	return r
}

func mustClose(t *testing.T, r *Registrar) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// reopen closes a registry, opens it again and checks that nothing needed
// repair.
func reopen(t *testing.T, dir string, r *Registrar) *Registrar {
	t.Helper()
	mustClose(t, r)
	r = mustOpen(t, dir)
	if r.Report().Repaired() {
		t.Fatalf("after an orderly end: %v", r.Report())
	}
	return r
}

// fakeCandidate is the n-th of a sequence of members whose keys are field
// elements, but not points of the curve: making a million keys takes minutes.
// What the registrar does with a verified key does not depend on the curve.
func fakeCandidate(n uint64) *candidate {
	if c, ok := fakeCandidates.Load(n); ok {
		return c.(*candidate)
	}
	c := makeFakeCandidate(n)
	if n < maxRemembered {
		fakeCandidates.Store(n, c)
	}
	return c
}

// fakeCandidates remembers candidates below a number, for tests that look at
// the same ones again and again.
var fakeCandidates sync.Map

const maxRemembered = 10_000_000

func makeFakeCandidate(n uint64) *candidate {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], n)
	rng := rand.New(rand.NewChaCha8(seed))
	y, hash := randomElement(rng), randomElement(rng)
	c := &candidate{keyType: zkkex.KeyBabyJubjub, nullifierHash: field.Bytes(hash)}
	encoded := field.Bytes(y)
	for i, b := range encoded {
		c.key[len(encoded)-1-i] = b // little-endian, as points are
	}
	c.leaf = field.Bytes(field.Leaf(uint16(c.keyType), y, hash))
	return c
}

// fakeDevice is the n-th of a sequence of devices with keys that are no points, and
// fakeDelegate the n-th of its delegates.
func fakeDevice(n uint64) *candidate {
	c := *fakeCandidate(n)
	c.keyType = zkkex.KeyP256
	copy(c.key[1:], c.key[:keys.PointSize])
	c.key[0] = 2
	return &c
}

func fakeDelegate(device *candidate, n uint64) *candidate {
	c := *makeFakeCandidate(1<<40 + n)
	c.nullifierHash = device.nullifierHash
	return &c
}

// fakeDelegation is the request to admit a device and a delegate for a time after
// testTime.
func fakeDelegation(device *candidate, n uint64, until time.Duration) *request {
	p := &devicePlan{device: device, delegate: fakeDelegate(device, n), until: testTime.Add(until).Unix()}
	return &request{plan: p.plan}
}

func randomElement(rng *rand.Rand) field.Element {
	var b [32]byte
	for i := range 4 {
		binary.BigEndian.PutUint64(b[8*i:], rng.Uint64())
	}
	return field.FromHash(b)
}

func fakeAdmit(t testing.TB, r *Registrar, n uint64) Receipt {
	t.Helper()
	req := admission(fakeCandidate(n))
	r.submit(testTime, req)
	if req.err != nil {
		t.Fatal(req.err)
	}
	return req.result
}

func checkpoint(t testing.TB, r *Registrar, now time.Time) *registry.SignedCheckpoint {
	t.Helper()
	c, err := r.Checkpoint(context.Background(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newMember makes a member with a real key.
func newMember(t testing.TB) *keys.Public {
	t.Helper()
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return secret.Public()
}
