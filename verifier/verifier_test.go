package verifier_test

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

// TestAcceptsOnce is the main job, for every relation: yes, and then no.
func TestAcceptsOnce(t *testing.T) {
	for id := range scenes {
		s := load(t, id)
		v := s.verifier(t, nil)
		decision, err := v.Verify(context.Background(), s.first, s.authorized)
		if err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		if !decision.Spent || decision.Statement != s.first.Statement || decision.Epoch != s.first.Epoch {
			t.Errorf("%v: decision %+v", id, decision)
		}
		_, err = v.Verify(context.Background(), s.first, s.authorized)
		wantReject(t, "the same again", err, zkkex.SlotUsed)
	}
}

func TestAnotherSlotIsAnotherNullifier(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	v := s.verifier(t, nil)
	for _, p := range []*zkkex.Presentation{s.first, s.second} {
		if _, err := v.Verify(context.Background(), p, s.authorized); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryReason changes a presentation or a policy in one way each, and
// expects the one reason for it. Whatever is refused spends nothing.
func TestEveryReason(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	other := load(t, zkkex.BabyJubjub32)
	ofPresentation := func(change func(p *zkkex.Presentation)) func(*zkkex.Presentation, *verifier.Config) {
		return func(p *zkkex.Presentation, _ *verifier.Config) { change(p) }
	}
	ofPolicy := func(change func(c *verifier.Config)) func(*zkkex.Presentation, *verifier.Config) {
		return func(_ *zkkex.Presentation, c *verifier.Config) { change(c) }
	}
	at := func(now time.Time) func(c *verifier.Config) {
		return func(c *verifier.Config) { c.Now = func() time.Time { return now } }
	}
	tests := []struct {
		name   string
		change func(*zkkex.Presentation, *verifier.Config)
		reason zkkex.Reason
	}{
		{"circuit without parameters", ofPolicy(func(c *verifier.Config) { c.Params = []*params.Verifying{other.set.Verifying} }), zkkex.WrongCircuit},
		{"circuit renamed", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Circuit = zkkex.BabyJubjub32 }), zkkex.WrongCircuit},
		{"unknown circuit", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Circuit = 0xffff }), zkkex.WrongCircuit},
		{"unknown parameters", ofPresentation(func(p *zkkex.Presentation) { p.Params[31] ^= 1 }), zkkex.WrongParams},
		{"parameters of another circuit", func(p *zkkex.Presentation, c *verifier.Config) {
			c.Params = append(c.Params, other.set.Verifying)
			p.Params = other.set.Digest()
		}, zkkex.WrongParams},
		{"another registry shown", ofPresentation(func(p *zkkex.Presentation) { p.Registry[0] ^= 1 }), zkkex.WrongRegistry},
		{"another registry expected", ofPolicy(func(c *verifier.Config) { c.Registry[0] ^= 1 }), zkkex.WrongRegistry},
		{"higher limit claimed", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Limit = limit + 1 }), zkkex.WrongLimit},
		{"lower limit expected", ofPolicy(func(c *verifier.Config) { c.Limit = limit - 1 }), zkkex.WrongLimit},
		{"yesterday's verifier", ofPolicy(at(noon.AddDate(0, 0, -1))), zkkex.WrongEpoch},
		{"tomorrow's verifier", ofPolicy(at(noon.AddDate(0, 0, 1))), zkkex.WrongEpoch},
		{"epoch renumbered", ofPresentation(func(p *zkkex.Presentation) { p.Epoch.Number++ }), zkkex.WrongEpoch},
		{"longer epochs", ofPresentation(func(p *zkkex.Presentation) { p.Epoch.Length *= 2; p.Epoch.Number /= 2 }), zkkex.WrongEpoch},
		{"other origin", ofPresentation(func(p *zkkex.Presentation) { p.Epoch.Origin++ }), zkkex.WrongEpoch},
		{"another scope shown", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Scope[0] ^= 1 }), zkkex.WrongScope},
		{"another name expected", ofPolicy(func(c *verifier.Config) {
			c.Scope = verifier.NamedScope{Name: scopeName + "x", Epochs: zkkex.DefaultSchedule()}
		}), zkkex.WrongScope},
		{"another binding shown", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Binding[31] ^= 1 }), zkkex.WrongBinding},
		{"another message shown", ofPresentation(func(p *zkkex.Presentation) { p.Authorization.Value[0] ^= 1 }), zkkex.WrongBinding},
		{"message shown as a session key", ofPresentation(func(p *zkkex.Presentation) { p.Authorization.Kind = zkkex.AuthorizeSession }), zkkex.WrongBinding},
		{"another sequence", ofPresentation(func(p *zkkex.Presentation) { p.RootSequence++ }), zkkex.WrongBinding},
		{"unknown root", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Root[31] ^= 1 }), zkkex.UnknownRoot},
		{"no checkpoint known", ofPolicy(func(c *verifier.Config) { c.Roots = emptyRoots(t, s) }), zkkex.UnknownRoot},
		{"newest root only, member revoked", ofPolicy(func(c *verifier.Config) {
			c.Roots = s.Roots.Newest(time.Hour)
			at(revokedAt.Add(time.Second))(c)
		}), zkkex.StaleRoot},
		{"root out of grace", ofPolicy(func(c *verifier.Config) {
			c.Roots = s.Roots.Grace(time.Hour, time.Hour)
			at(renewed.Add(time.Hour + time.Second))(c)
		}), zkkex.StaleRoot},
		{"too few members", ofPolicy(func(c *verifier.Config) { c.MinMembers = members + 1 }), zkkex.TooFewMembers},
		{"another nullifier", ofPresentation(func(p *zkkex.Presentation) { p.Statement.Nullifier = s.second.Statement.Nullifier }), zkkex.BadProof},
		{"nullifier and root swapped", ofPresentation(func(p *zkkex.Presentation) {
			p.Statement.Nullifier = zkkex.Nullifier(p.Statement.Root)
		}), zkkex.BadProof},
		{"proof of another slot", ofPresentation(func(p *zkkex.Presentation) { p.Proof = s.second.Proof }), zkkex.BadProof},
		{"no proof", ofPresentation(func(p *zkkex.Presentation) { p.Proof = nil }), zkkex.BadProof},
		{"truncated proof", ofPresentation(func(p *zkkex.Presentation) { p.Proof = p.Proof[:127] }), zkkex.BadProof},
		{"proof with points swapped", ofPresentation(func(p *zkkex.Presentation) {
			a := slices.Clone(p.Proof[:32])
			copy(p.Proof[:32], p.Proof[96:])
			copy(p.Proof[96:], a)
		}), zkkex.BadProof},
		{"proof of the other circuit", ofPresentation(func(p *zkkex.Presentation) { p.Proof = other.first.Proof }), zkkex.BadProof},
	}
	covered := make(map[zkkex.Reason]bool)
	for _, test := range tests {
		covered[test.reason] = true
		p, c := copyOf(s.first), s.config()
		test.change(p, &c)
		store := &recording{Store: spent.NewMemory()}
		c.Spent = store
		v, err := verifier.New(c)
		must(t, err)
		decision, err := v.Verify(context.Background(), p, s.authorized)
		wantReject(t, test.name, err, test.reason)
		if decision != nil || store.spends != 0 {
			t.Errorf("%s: decision %v, %d entries spent", test.name, decision, store.spends)
		}
	}
	for _, reason := range []zkkex.Reason{
		zkkex.BadProof, zkkex.UnknownRoot, zkkex.StaleRoot, zkkex.WrongLimit, zkkex.WrongScope, zkkex.WrongEpoch,
		zkkex.WrongBinding, zkkex.WrongRegistry, zkkex.WrongCircuit, zkkex.WrongParams, zkkex.TooFewMembers,
	} {
		if !covered[reason] {
			t.Errorf("no case for reason %s", reason)
		}
	}
}

// TestNothingShownIsBelieved gives the verifier something else to authorise
// than what was proved, under a presentation that is right in itself.
func TestNothingShownIsBelieved(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	v := s.verifier(t, nil)
	other, err := zkkex.Message(strings.NewReader("another offer"))
	must(t, err)
	_, err = v.Verify(context.Background(), s.first, other)
	wantReject(t, "another message", err, zkkex.WrongBinding)
	_, err = v.Verify(context.Background(), s.first, zkkex.SessionKey(s.authorized.Value))
	wantReject(t, "the digest as a session key", err, zkkex.WrongBinding)

	// Whoever relays a presentation rewrites what it says about itself, so that
	// it fits the other message. The binding is in the proof.
	p := copyOf(s.first)
	p.Authorization = other
	p.Statement.Binding, err = other.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: p.Registry,
		RootSequence: p.RootSequence, Scope: p.Statement.Scope, Limit: p.Statement.Limit,
	})
	must(t, err)
	_, err = v.Verify(context.Background(), p, other)
	wantReject(t, "stolen", err, zkkex.BadProof)

	_, err = v.Verify(context.Background(), s.first, zkkex.Authorization{Kind: 9})
	if !errors.Is(err, zkkex.ErrUnsupported) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("unknown kind: %v, want %v", err, zkkex.ErrUnsupported)
	}
	_, err = v.Verify(context.Background(), nil, s.authorized)
	if !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("nil: %v, want %v", err, zkkex.ErrMalformed)
	}
}

// TestGraceOfARoot is trap B4: grace counts from the last time at which a root
// is known to have been current.
func TestGraceOfARoot(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	for _, now := range []time.Time{revokedAt, renewed.Add(time.Hour)} {
		v := s.verifier(t, func(c *verifier.Config) {
			c.Roots = s.Roots.Grace(time.Hour, time.Hour)
			c.Now = func() time.Time { return now }
		})
		if _, err := v.Verify(context.Background(), s.first, s.authorized); err != nil {
			t.Errorf("at %v: %v", now, err)
		}
	}
}

// TestOldCheckpointDecidesNothing freezes the registry before the member was
// revoked: the verifier neither accepts nor rejects, and spends nothing.
func TestOldCheckpointDecidesNothing(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	for name, test := range map[string]struct {
		now  time.Time
		want error
	}{
		"too old":         {revokedAt.Add(time.Hour + time.Second), registry.ErrOutdated},
		"from the future": {revokedAt.Add(-registry.MaxClockSkew - time.Second), registry.ErrClock},
	} {
		for _, roots := range []registry.RootPolicy{s.Roots.Newest(time.Hour), s.Roots.Grace(12*time.Hour, time.Hour)} {
			store := &recording{Store: spent.NewMemory()}
			v := s.verifier(t, func(c *verifier.Config) {
				c.Roots, c.Spent = roots, store
				c.Now = func() time.Time { return test.now }
			})
			decision, err := v.Verify(context.Background(), s.first, s.authorized)
			if decision != nil || !errors.Is(err, test.want) || errors.Is(err, zkkex.ErrRejected) || store.spends != 0 {
				t.Errorf("%s: %v, %v, %d spent; want %v", name, decision, err, store.spends, test.want)
			}
		}
	}
}

func TestEpochWindow(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	const skew = verifier.DefaultClockSkew
	end := day.AddDate(0, 0, 1)
	tests := []struct {
		name              string
		skew, grace, lead time.Duration
		now               time.Time
		accepted          bool
	}{
		{"default skew, before", 0, 0, 0, day.Add(-skew - 1), false},
		{"default skew, first", 0, 0, 0, day.Add(-skew), true},
		{"default skew, last", 0, 0, 0, end.Add(skew - 1), true},
		{"default skew, after", 0, 0, 0, end.Add(skew), false},
		{"no skew, before", verifier.NoClockSkew, 0, 0, day.Add(-1), false},
		{"no skew, first", verifier.NoClockSkew, 0, 0, day, true},
		{"no skew, last", verifier.NoClockSkew, 0, 0, end.Add(-1), true},
		{"no skew, after", verifier.NoClockSkew, 0, 0, end, false},
		{"grace does not begin early", time.Minute, time.Hour, 0, day.Add(-time.Minute - 1), false},
		{"grace and skew, last", time.Minute, time.Hour, 0, end.Add(time.Hour + time.Minute - 1), true},
		{"grace and skew, after", time.Minute, time.Hour, 0, end.Add(time.Hour + time.Minute), false},
		{"lead and skew, before", time.Minute, 0, 6 * time.Hour, day.Add(-6*time.Hour - time.Minute - 1), false},
		{"lead and skew, first", time.Minute, 0, 6 * time.Hour, day.Add(-6*time.Hour - time.Minute), true},
		{"lead does not end late", time.Minute, 0, 6 * time.Hour, end.Add(time.Minute), false},
	}
	for _, test := range tests {
		v := s.verifier(t, func(c *verifier.Config) {
			c.ClockSkew, c.EpochGrace, c.EpochLead = test.skew, test.grace, test.lead
			c.Now = func() time.Time { return test.now }
		})
		_, err := v.Verify(context.Background(), s.first, s.authorized)
		if test.accepted && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !test.accepted {
			wantReject(t, test.name, err, zkkex.WrongEpoch)
		}
	}
}

// TestRerandomisedProofIsUsed is trap B2: another proof of the same statement
// verifies, and its nullifier is the same.
func TestRerandomisedProofIsUsed(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	p := copyOf(s.first)
	p.Proof = rerandomise(t, s, p.Proof)
	if slices.Equal(p.Proof, s.first.Proof) {
		t.Fatal("the proof did not change")
	}
	v := s.verifier(t, nil)
	if _, err := v.Verify(context.Background(), p, s.authorized); err != nil {
		t.Fatalf("the other proof: %v", err)
	}
	for name, shown := range map[string]*zkkex.Presentation{"the proof it was made of": s.first, "the other again": p} {
		_, err := v.Verify(context.Background(), shown, s.authorized)
		wantReject(t, name, err, zkkex.SlotUsed)
	}
}

// rerandomise makes another proof as anybody can: A/x, x*B + x*y*delta, C + y*A.
func rerandomise(t *testing.T, s *scene, proof zkkex.Proof) zkkex.Proof {
	t.Helper()
	p, err := groth16.ParseProof(proof)
	must(t, err)
	key, err := groth16.ParsePoints(s.set.VerifyingKey())
	must(t, err)
	var x, xInverse, y, xy fr.Element
	x.MustSetRandom()
	y.MustSetRandom()
	xInverse.Inverse(&x)
	xy.Mul(&x, &y)
	var out groth16.Proof
	var shiftB curve.G2Affine
	var shiftC curve.G1Affine
	out.A.ScalarMultiplication(&p.A, xInverse.BigInt(new(big.Int)))
	out.B.ScalarMultiplication(&p.B, x.BigInt(new(big.Int)))
	shiftB.ScalarMultiplication(&key.Delta2, xy.BigInt(new(big.Int)))
	out.B.Add(&out.B, &shiftB)
	shiftC.ScalarMultiplication(&p.A, y.BigInt(new(big.Int)))
	out.C.Add(&p.C, &shiftC)
	return out.Bytes()
}

// TestSecondSpellingIsMalformed is trap N3: n and n + r are one nullifier, and
// only n is accepted. So with the root.
func TestSecondSpellingIsMalformed(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	order := canonical.Order()
	for name, change := range map[string]func(p *zkkex.Presentation){
		"nullifier": func(p *zkkex.Presentation) { p.Statement.Nullifier = plus(p.Statement.Nullifier, order) },
		"root":      func(p *zkkex.Presentation) { p.Statement.Root = plus(p.Statement.Root, order) },
	} {
		p := copyOf(s.first)
		change(p)
		v := s.verifier(t, func(c *verifier.Config) { c.Roots = anyRoot{} })
		if _, err := v.Verify(context.Background(), p, s.authorized); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s plus the order: %v, want %v", name, err, zkkex.ErrMalformed)
		}
		encoded, err := p.AppendBinary(nil)
		must(t, err)
		if _, err := zkkex.ParsePresentation(encoded); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s plus the order, parsed: %v, want %v", name, err, zkkex.ErrMalformed)
		}
	}
}

// TestFlippedBytes flips every byte of a presentation: none is accepted, and
// none spends anything, so that the good one still is.
func TestFlippedBytes(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	store := &recording{Store: spent.NewMemory()}
	v := s.verifier(t, func(c *verifier.Config) { c.Spent = store })
	good, err := s.first.AppendBinary(nil)
	must(t, err)
	reasons := make(map[zkkex.Reason]int)
	for i := range good {
		b := slices.Clone(good)
		b[i] ^= 1 << (i % 8)
		p, err := zkkex.ParsePresentation(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Errorf("byte %d: %v", i, err)
			}
			continue
		}
		_, err = v.Verify(context.Background(), p, s.authorized)
		var reject *zkkex.RejectError
		if !errors.As(err, &reject) {
			t.Errorf("byte %d: %v, want a rejection", i, err)
			continue
		}
		reasons[reject.Reason]++
	}
	if store.spends != 0 {
		t.Errorf("%d entries spent", store.spends)
	}
	if len(reasons) < 8 {
		t.Errorf("only the reasons %v", reasons)
	}
	if _, err := v.Verify(context.Background(), s.first, s.authorized); err != nil {
		t.Errorf("the good one afterwards: %v", err)
	}
}

// TestBadProofBurnsNoSlot is trap N5: whoever knows a nullifier and has no
// proof cannot use it up.
func TestBadProofBurnsNoSlot(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	v := s.verifier(t, nil)
	p := copyOf(s.first)
	p.Proof = s.second.Proof
	_, err := v.Verify(context.Background(), p, s.authorized)
	wantReject(t, "bad proof", err, zkkex.BadProof)
	if _, err := v.Verify(context.Background(), s.first, s.authorized); err != nil {
		t.Errorf("the good one afterwards: %v", err)
	}
}

func TestOneOfManyAtOnceWins(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	v := s.verifier(t, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 8 {
		wg.Go(func() {
			_, err := v.Verify(context.Background(), s.first, s.authorized)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				accepted++
				return
			}
			wantReject(t, "loser", err, zkkex.SlotUsed)
		})
	}
	wg.Wait()
	if accepted != 1 {
		t.Errorf("accepted %d times, expected once", accepted)
	}
}

// TestUndecided lets the store fail: that is no yes, and no rejection either.
func TestUndecided(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	failure := errors.New("disk full")
	for name, store := range map[string]spent.Store{
		"looking up": &recording{Store: spent.NewMemory(), lookup: failure},
		"spending":   &recording{Store: spent.NewMemory(), spend: failure},
		"pruned":     &recording{Store: spent.NewMemory(), lookup: spent.ErrClosed},
	} {
		v := s.verifier(t, func(c *verifier.Config) { c.Spent = store })
		decision, err := v.Verify(context.Background(), s.first, s.authorized)
		if err == nil || decision != nil || errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%s: %v, %v; want an undecided error", name, decision, err)
		}
	}
	lost := &recording{Store: spent.NewMemory(), spend: &spent.SpentError{}}
	v := s.verifier(t, func(c *verifier.Config) { c.Spent = lost })
	_, err := v.Verify(context.Background(), s.first, s.authorized)
	wantReject(t, "another won between looking up and spending", err, zkkex.SlotUsed)

	v = s.verifier(t, func(c *verifier.Config) { c.Roots = anyRoot{nameless: true} })
	if _, err := v.Verify(context.Background(), s.first, s.authorized); err == nil || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("a root policy without a checkpoint: %v, want an undecided error", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.verifier(t, nil).Verify(cancelled, s.first, s.authorized); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNoSpendIsSaidByName(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	v := s.verifier(t, func(c *verifier.Config) { c.Spent = verifier.NoSpend })
	for range 2 {
		decision, err := v.Verify(context.Background(), s.first, s.authorized)
		if err != nil || decision.Spent {
			t.Fatalf("%+v, %v; want a yes that spends nothing", decision, err)
		}
	}
	if n, err := v.Prune(context.Background()); n != 0 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
}

// TestConfigIsComplete is trap B3: a verifier without a policy cannot be made.
func TestConfigIsComplete(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	for _, test := range []struct {
		field  string
		remove func(c *verifier.Config)
	}{
		{"Params", func(c *verifier.Config) { c.Params = nil }},
		{"Params[0]", func(c *verifier.Config) { c.Params = []*params.Verifying{nil} }},
		{"Registry", func(c *verifier.Config) { c.Registry = zkkex.RegistryID{} }},
		{"Roots", func(c *verifier.Config) { c.Roots = nil }},
		{"Config.Roots is of registry", func(c *verifier.Config) {
			c.Roots = s.Roots.Newest(time.Hour)
			c.Registry[0] ^= 1
		}},
		{"Scope", func(c *verifier.Config) { c.Scope = nil }},
		{"Limit", func(c *verifier.Config) { c.Limit = 0 }},
		{"Spent", func(c *verifier.Config) { c.Spent = nil }},
		{"length of 0", func(c *verifier.Config) { c.Scope = verifier.NamedScope{Name: scopeName} }},
		{"ClockSkew", func(c *verifier.Config) { c.ClockSkew = -time.Minute }},
		{"EpochGrace", func(c *verifier.Config) { c.EpochGrace = -1 }},
		{"EpochLead", func(c *verifier.Config) { c.EpochLead = -1 }},
		{"ClockSkew", func(c *verifier.Config) { c.EpochLead = 24 * time.Hour }},
		{"ClockSkew", func(c *verifier.Config) { c.EpochLead = 1<<63 - 1 }},
		{"ClockSkew", func(c *verifier.Config) { c.EpochGrace = 24 * time.Hour }},
		{"ClockSkew", func(c *verifier.Config) { c.ClockSkew = 1<<63 - 1 }},
		{"ClockSkew", func(c *verifier.Config) { c.EpochGrace = 1<<63 - 1 }},
		{"ClockSkew", func(c *verifier.Config) {
			c.Scope = verifier.NamedScope{Name: scopeName, Epochs: zkkex.Schedule{Length: 59}}
		}},
	} {
		c := s.config()
		test.remove(&c)
		if v, err := verifier.New(c); err == nil || v != nil || !strings.Contains(err.Error(), test.field) {
			t.Errorf("%s: %v, %v; want an error that names it", test.field, v, err)
		}
	}
}

// TestPruneOutlivesTheWindow is trap N5: no entry goes while its epoch is
// accepted, nor for an hour after.
func TestPruneOutlivesTheWindow(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	now := noon
	v := s.verifier(t, func(c *verifier.Config) {
		c.EpochGrace = 10 * time.Minute
		c.Now = func() time.Time { return now }
	})
	if _, err := v.Verify(context.Background(), s.first, s.authorized); err != nil {
		t.Fatal(err)
	}
	last := day.AddDate(0, 0, 1).Add(10*time.Minute + verifier.DefaultClockSkew + time.Hour)
	for _, step := range []struct {
		now  time.Time
		want int
	}{{noon, 0}, {last.Add(-time.Second), 0}, {last, 1}} {
		now = step.now
		if n, err := v.Prune(context.Background()); err != nil || n != step.want {
			t.Errorf("at %v: pruned %d, %v; want %d", now, n, err, step.want)
		}
	}
	now = noon // the clock goes back
	if _, err := v.Verify(context.Background(), s.first, s.authorized); !errors.Is(err, spent.ErrClosed) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("after a clock went back: %v, want %v", err, spent.ErrClosed)
	}
}

// recording counts what is spent, and fails where it is told to.
type recording struct {
	spent.Store
	lookup, spend error
	spends        int
}

func (r *recording) Lookup(ctx context.Context, e spent.Entry) error {
	if r.lookup != nil {
		return r.lookup
	}
	return r.Store.Lookup(ctx, e)
}

func (r *recording) Spend(ctx context.Context, e spent.Entry) error {
	if r.spend != nil {
		return r.spend
	}
	r.spends++
	return r.Store.Spend(ctx, e)
}

// anyRoot accepts every root.
type anyRoot struct{ nameless bool }

func (a anyRoot) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*registry.Checkpoint, error) {
	if a.nameless {
		return nil, nil
	}
	return &registry.Checkpoint{Sequence: sequence, Root: root, Members: map[zkkex.KeyType]uint64{zkkex.KeyBabyJubjub: members}}, nil
}

func emptyRoots(t *testing.T, s *scene) registry.RootPolicy {
	t.Helper()
	roots, err := registry.NewRoots(s.Roots.VerifierKey())
	must(t, err)
	return roots.Newest(time.Hour)
}

func plus(a, b [32]byte) (out [32]byte) {
	sum := new(big.Int).SetBytes(a[:])
	sum.Add(sum, new(big.Int).SetBytes(b[:]))
	sum.FillBytes(out[:])
	return out
}

func wantReject(t *testing.T, name string, err error, reason zkkex.Reason) {
	t.Helper()
	var reject *zkkex.RejectError
	if !errors.As(err, &reject) || reject.Reason != reason || reject.Detail == "" || !errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("%s: %v, want a rejection for %s with a detail", name, err, reason)
	}
}

func BenchmarkVerify(b *testing.B) {
	s := load(b, zkkex.BabyJubjub20)
	v := s.verifier(b, func(c *verifier.Config) { c.Spent = verifier.NoSpend })
	for b.Loop() {
		if _, err := v.Verify(context.Background(), s.first, s.authorized); err != nil {
			b.Fatal(err)
		}
	}
}
