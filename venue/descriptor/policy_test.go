package descriptor

import (
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// testRoots knows the roots that descriptors of a testChain name for epochs 20778
// and 20779, of 5 and of 7 members.
type testRoots struct{}

func (testRoots) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*registry.Checkpoint, error) {
	k := (sequence - 100) / 10
	if k > 1 || root != testRoot(byte(k)) {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "no checkpoint %d", sequence)
	}
	return &registry.Checkpoint{Members: map[zkkex.KeyType]uint64{zkkex.KeyBabyJubjub: 5 + 2*k}}, nil
}

func testPolicy(c *testChain) *Policy {
	return &Policy{Identity: c.identity(), Registry: testRegistry, Circuit: zkkex.BabyJubjub20,
		Params: []zkkex.ParamsDigest{{0xcc}, {0xaa}}, MinMembers: 5, Roots: testRoots{}}
}

func TestPolicyAccepts(t *testing.T) {
	c := newTestChain(t)
	d := c.draft()
	d.Suites = append([]Suite{"Noise_New_25519_AESGCM_SHA256"}, d.Suites...)
	d.Circuits = []Circuit{{zkkex.BabyJubjub20, zkkex.ParamsDigest{0x11}}, {zkkex.BabyJubjub20, zkkex.ParamsDigest{0xaa}}}
	for epoch, members := range map[uint64]uint64{20778: 5, 20779: 7} {
		choice, err := testPolicy(c).Check(d, epoch, testTime)
		if err != nil {
			t.Fatal(err)
		}
		if choice.Members != members || choice.Params != (zkkex.ParamsDigest{0xaa}) || choice.Suite != d.Suites[1] ||
			choice.Scope != d.Scope(epoch) || choice.Terms.Number != epoch {
			t.Errorf("epoch %d: %+v", epoch, choice)
		}
	}
}

func TestPolicyRefuses(t *testing.T) {
	c := newTestChain(t)
	for _, test := range []struct {
		name   string
		change func(*Policy, *Descriptor)
		epoch  uint64
		reason zkkex.Reason
	}{
		{"another venue", func(_ *Policy, d *Descriptor) { d.Venue[0] ^= 1 }, 20778, WrongVenue},
		{"another registry", func(_ *Policy, d *Descriptor) { d.Registry = otherRegistry }, 20778, zkkex.WrongRegistry},
		{"an epoch before", func(*Policy, *Descriptor) {}, 20777, zkkex.WrongEpoch},
		{"an epoch after", func(*Policy, *Descriptor) {}, 20780, zkkex.WrongEpoch},
		{"circuit not accepted", func(_ *Policy, d *Descriptor) { d.Circuits = d.Circuits[1:] }, 20778, zkkex.WrongCircuit},
		{"new parameters", func(_ *Policy, d *Descriptor) { d.Circuits[0].Params[5] ^= 1 }, 20778, zkkex.WrongParams},
		{"parameters of another circuit", func(_ *Policy, d *Descriptor) {
			d.Circuits[0].Params, d.Circuits[1].Params = d.Circuits[1].Params, d.Circuits[0].Params
		}, 20778, zkkex.WrongParams},
		{"nothing pinned", func(p *Policy, _ *Descriptor) { p.Params = nil }, 20778, zkkex.WrongParams},
		{"unknown suites alone", func(_ *Policy, d *Descriptor) { d.Suites = []Suite{"Noise_IK_25519_AESGCM_SHA256"} }, 20778, WeakSuite},
		{"no prekey suite", func(p *Policy, d *Descriptor) { p.MinSecurity, d.Suites = HybridPrekey, d.Suites[1:] }, 20778, WeakSuite},
		{"another root", func(_ *Policy, d *Descriptor) { d.Epochs[0].Root = testRoot(1) }, 20778, zkkex.UnknownRoot},
		{"unknown sequence", func(_ *Policy, d *Descriptor) { d.Epochs[1].Sequence = 120 }, 20779, zkkex.UnknownRoot},
		{"too few members", func(p *Policy, _ *Descriptor) { p.MinMembers = 6 }, 20778, zkkex.TooFewMembers},
	} {
		p, d := testPolicy(c), c.draft()
		test.change(p, d)
		_, err := p.Check(d, test.epoch, testTime)
		var rejected *zkkex.RejectError
		if !errors.As(err, &rejected) || rejected.Reason != test.reason {
			t.Errorf("%s: %v; want %s", test.name, err, test.reason)
		}
	}
}
