package admission_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// Times of the scene: the epoch is the day.
var (
	day      = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	noon     = day.Add(12 * time.Hour)
	evening  = day.Add(20 * time.Hour)
	midnight = day.AddDate(0, 0, 1)
)

const today = 20778 // days since 1970

var venueID = [32]byte{1, 2, 3}

// scene is a gate for a test registry's members, with a clock.
type scene struct {
	registry *provertest.Registry
	config   admission.Config
	gate     *admission.Gate
	store    *store
	clock    atomic.Int64
}

// store counts calls, and can be told to fail.
type store struct {
	admission.Store
	down   error
	admits atomic.Int32
}

func (s *store) Admit(ctx context.Context, r *admission.Record) (*admission.Record, bool, error) {
	s.admits.Add(1)
	if s.down != nil {
		return nil, false, s.down
	}
	return s.Store.Admit(ctx, r)
}

func (s *store) ByKey(ctx context.Context, at admission.Shard, key [32]byte) (*admission.Record, error) {
	if s.down != nil {
		return nil, s.down
	}
	return s.Store.ByKey(ctx, at, key)
}

func (s *store) Spend(ctx context.Context, at admission.Shard, n zkkex.Nullifier, counter uint32, durable bool) error {
	if s.down != nil {
		return s.down
	}
	return s.Store.Spend(ctx, at, n, counter, durable)
}

func newScene(t testing.TB, change func(c *admission.Config)) *scene {
	t.Helper()
	s := &scene{registry: provertest.New("one")}
	s.at(noon)
	var err error
	s.config, err = admissiontest.Config(s.registry, venueID, zkkex.DefaultSchedule(), s.now)
	must(t, err)
	s.store = &store{Store: s.config.Store}
	s.config.Store = s.store
	if change != nil {
		change(&s.config)
	}
	s.gate, err = admission.New(s.config)
	must(t, err)
	return s
}

func (s *scene) now() time.Time    { return time.Unix(s.clock.Load(), 0) }
func (s *scene) at(when time.Time) { s.clock.Store(when.Unix()) }

// claim is what a member of the scene proves for an epoch and a generation.
func (s *scene) claim(number uint64, generation uint32, key [32]byte) zkkex.Claim {
	epoch := zkkex.Epoch{Schedule: s.config.Schedule, Number: number}
	return zkkex.Claim{
		Scope: zkkex.VenueScope{Venue: s.config.Venue, Registry: s.registry.ID, Epoch: epoch, Generation: generation}.Scope(),
		Epoch: epoch, Limit: 4, Authorization: zkkex.SessionKey(key),
	}
}

// prove returns a certificate for a fresh key.
func (s *scene) prove(t testing.TB, m *provertest.Member, number uint64, generation uint32) *zkkex.Presentation {
	t.Helper()
	p, err := m.Prove(context.Background(), s.claim(number, generation, newKey(t)))
	must(t, err)
	return p
}

func newKey(t testing.TB) [32]byte {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	return [32]byte(key.PublicKey().Bytes())
}

func (s *scene) admit(t testing.TB, p *zkkex.Presentation) *handshake.Admission {
	t.Helper()
	a, err := s.gate.Admit(context.Background(), p)
	must(t, err)
	return a
}

func wantReject(t testing.TB, name string, err error, reason zkkex.Reason) {
	t.Helper()
	var reject *zkkex.RejectError
	if !errors.As(err, &reject) || reject.Reason != reason {
		t.Errorf("%s: %v, want a rejection for %s", name, err, reason)
	}
}

// TestAdmit is the main job: a certificate is admitted, and found by its key; the
// same again is the same yes, without a proof being looked at; and a member has as
// many as the limit says.
func TestAdmit(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	for range 4 {
		p := s.prove(t, m, today, 0)
		if a, err := s.gate.Admitted(ctx, p.Authorization.Value); a != nil || err != nil {
			t.Fatalf("before: %+v, %v", a, err)
		}
		a := s.admit(t, p)
		if a.Statement != p.Statement || a.Key != p.Authorization.Value || a.Epoch != p.Epoch {
			t.Fatalf("admitted %+v for %+v", a, p)
		}
		found, err := s.gate.Admitted(ctx, p.Authorization.Value)
		if err != nil || found == nil || *found != *a {
			t.Fatalf("found %+v, %v; want %+v", found, err, a)
		}
	}
	if _, err := m.Prove(ctx, s.claim(today, 0, newKey(t))); !errors.Is(err, provertest.ErrNoSlot) {
		t.Errorf("a fifth: %v", err)
	}
	if got := s.gate.Stats(); got.Admitted != 4 || got.Again != 0 || len(got.Refused) != 0 {
		t.Errorf("stats: %+v", got)
	}
}

// TestTheSameAgain is trap B2: a copy with other proof bytes is the same
// certificate, and takes no slot.
func TestTheSameAgain(t *testing.T) {
	s := newScene(t, nil)
	p := s.prove(t, s.registry.Member("alice"), today, 0)
	first := s.admit(t, p)
	copied := *p
	copied.Proof = slices.Clone(p.Proof)
	copied.Proof[0] ^= 1
	for _, again := range []*zkkex.Presentation{p, &copied} {
		if a := s.admit(t, again); *a != *first {
			t.Errorf("again: %+v, want %+v", a, first)
		}
	}
	if got := s.gate.Stats(); got.Admitted != 1 || got.Again != 2 || s.store.admits.Load() != 1 {
		t.Errorf("stats: %+v", got)
	}
}

// TestAnothersSlot is traps N5 and B10: neither a copied nullifier nor a copied
// key gets a certificate in, or keeps its owner's out.
func TestAnothersSlot(t *testing.T) {
	s := newScene(t, nil)
	victim := s.prove(t, s.registry.Member("alice"), today, 0)
	// Without a proof, nothing is recorded: the victim's slot is not burnt.
	forged := *victim
	forged.Authorization = zkkex.SessionKey(newKey(t))
	_, err := s.gate.Admit(context.Background(), &forged)
	wantReject(t, "another key shown", err, zkkex.WrongBinding)
	bad := *victim
	bad.Proof = make(zkkex.Proof, 128)
	_, err = s.gate.Admit(context.Background(), &bad)
	wantReject(t, "no proof", err, zkkex.BadProof)
	if s.store.admits.Load() != 0 {
		t.Error("the store was written to for what was refused")
	}
	s.admit(t, victim)

	other, err := s.registry.Present(s.claim(today, 0, newKey(t)), victim.Statement.Nullifier)
	must(t, err)
	_, err = s.gate.Admit(context.Background(), other)
	wantReject(t, "another certificate under the nullifier", err, zkkex.SlotUsed)

	thief, err := s.registry.Member("mallory").Prove(context.Background(), s.claim(today, 0, victim.Authorization.Value))
	must(t, err)
	_, err = s.gate.Admit(context.Background(), thief)
	wantReject(t, "another slot under the key", err, zkkex.SlotUsed)
	a, err := s.gate.Admitted(context.Background(), victim.Authorization.Value)
	if err != nil || a.Statement.Nullifier != victim.Statement.Nullifier {
		t.Errorf("the victim's key leads to %+v, %v", a, err)
	}
	want := map[zkkex.Reason]uint64{zkkex.WrongBinding: 1, zkkex.BadProof: 1, zkkex.SlotUsed: 2}
	if got := s.gate.Stats().Refused; len(got) != len(want) || got[zkkex.SlotUsed] != 2 || got[zkkex.WrongBinding] != 1 || got[zkkex.BadProof] != 1 {
		t.Errorf("refused: %v, want %v", got, want)
	}
}

// TestOneOfTwoInFlight admits many certificates under one nullifier at once.
func TestOneOfTwoInFlight(t *testing.T) {
	s := newScene(t, nil)
	n := s.prove(t, s.registry.Member("alice"), today, 0).Statement.Nullifier
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		p, err := s.registry.Present(s.claim(today, 0, newKey(t)), n)
		must(t, err)
		wg.Go(func() {
			_, err := s.gate.Admit(context.Background(), p)
			if err == nil {
				won.Add(1)
			} else {
				wantReject(t, "another in flight", err, zkkex.SlotUsed)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d were admitted, expected 1", won.Load())
	}
}

// TestReasons changes one thing each.
func TestReasons(t *testing.T) {
	order := [32]byte{0xed, 31: 0x7f}
	for i := 1; i < 31; i++ {
		order[i] = 0xff
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, s *scene, c *zkkex.Claim)
		edit   func(p *zkkex.Presentation)
		reason zkkex.Reason
	}{
		"a message":           {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Authorization.Kind = zkkex.AuthorizeMessage }, nil, zkkex.WrongBinding},
		"key of small order":  {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Authorization.Value = [32]byte{1} }, nil, zkkex.WrongBinding},
		"key not canonical":   {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Authorization.Value = order }, nil, zkkex.WrongBinding},
		"key with a high bit": {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Authorization.Value[31] |= 0x80 }, nil, zkkex.WrongBinding},
		"limit":               {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Limit = 5 }, nil, zkkex.WrongLimit},
		"yesterday":           {func(_ *testing.T, s *scene, c *zkkex.Claim) { *c = s.claim(today-1, 0, c.Authorization.Value) }, nil, zkkex.WrongEpoch},
		"tomorrow, too early": {func(_ *testing.T, s *scene, c *zkkex.Claim) { *c = s.claim(today+1, 0, c.Authorization.Value) }, nil, zkkex.WrongEpoch},
		"another schedule":    {func(_ *testing.T, _ *scene, c *zkkex.Claim) { c.Epoch.Origin++ }, nil, zkkex.WrongEpoch},
		"another venue": {func(_ *testing.T, _ *scene, c *zkkex.Claim) {
			c.Scope = zkkex.VenueScope{Venue: [32]byte{9}, Epoch: c.Epoch}.Scope()
		}, nil, zkkex.WrongScope},
		"a scope of tomorrow": {func(_ *testing.T, s *scene, c *zkkex.Claim) { c.Scope = s.claim(today+1, 0, [32]byte{}).Scope }, nil, zkkex.WrongScope},
		"a later generation":  {func(_ *testing.T, s *scene, c *zkkex.Claim) { c.Scope = s.claim(today, 1, [32]byte{}).Scope }, nil, zkkex.WrongScope},
		"another root":        {nil, func(p *zkkex.Presentation) { p.Statement.Root[31] ^= 1 }, zkkex.UnknownRoot},
		"another registry":    {nil, func(p *zkkex.Presentation) { p.Registry[0] ^= 1 }, zkkex.WrongRegistry},
		"other parameters":    {nil, func(p *zkkex.Presentation) { p.Params[0] ^= 1 }, zkkex.WrongParams},
		"another nullifier":   {nil, func(p *zkkex.Presentation) { p.Statement.Nullifier[31] ^= 1 }, zkkex.BadProof},
	} {
		s := newScene(t, nil)
		claim := s.claim(today, 0, newKey(t))
		if test.change != nil {
			test.change(t, s, &claim)
		}
		p, err := s.registry.Member("alice").Prove(context.Background(), claim)
		must(t, err)
		if test.edit != nil {
			test.edit(p)
		}
		a, err := s.gate.Admit(context.Background(), p)
		wantReject(t, name, err, test.reason)
		if a != nil || s.store.admits.Load() != 0 || s.gate.Stats().Refused[test.reason] != 1 {
			t.Errorf("%s: %+v, recorded %d times, %+v", name, a, s.store.admits.Load(), s.gate.Stats())
		}
	}
	s := newScene(t, nil)
	if _, err := s.gate.Admit(context.Background(), nil); err == nil {
		t.Error("nothing was admitted")
	}
}

// TestEpochs is trap N4: which epochs are accepted when, and until when what was
// admitted in them can be opened and lives.
func TestEpochs(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	for _, test := range []struct {
		at    time.Time
		epoch uint64
		ok    bool
	}{
		{midnight.Add(-6*time.Hour - 31*time.Second), today + 1, false},
		{midnight.Add(-6*time.Hour - 30*time.Second), today + 1, true},
		{midnight.Add(29 * time.Second), today, true},
		{midnight.Add(30 * time.Second), today, false},
		{midnight.Add(24 * time.Hour), today + 2, false}, // not named
	} {
		s.at(test.at)
		p := s.prove(t, m, test.epoch, 0)
		a, err := s.gate.Admit(ctx, p)
		if test.ok && err != nil {
			t.Errorf("epoch %d at %v: %v", test.epoch, test.at, err)
		}
		if !test.ok {
			wantReject(t, "epoch not accepted", err, zkkex.WrongEpoch)
			continue
		}
		if found, err := s.gate.Admitted(ctx, a.Key); err != nil || found == nil {
			t.Errorf("epoch %d at %v: found %+v, %v", test.epoch, test.at, found, err)
		}
	}

	s.at(evening)
	ahead := s.admit(t, s.prove(t, m, today+1, 0))
	wantReject(t, "opened before it begins", s.gate.Spend(ctx, ahead, 0, true), zkkex.WrongEpoch)
	end := midnight.AddDate(0, 0, 1)
	for at, ok := range map[time.Time]bool{
		evening: true, end: true, end.Add(admission.ChannelGrace - time.Second): true, end.Add(admission.ChannelGrace): false,
	} {
		until, err := s.gate.Live(ahead, at)
		if ok && (err != nil || !until.Equal(end.Add(admission.ChannelGrace))) {
			t.Errorf("at %v: until %v, %v", at, until, err)
		}
		if !ok {
			wantReject(t, "over", err, zkkex.WrongEpoch)
		}
	}
	s.at(midnight)
	must(t, s.gate.Spend(ctx, ahead, 0, true))
	s.at(end.Add(30 * time.Second))
	if a, err := s.gate.Admitted(ctx, ahead.Key); a != nil || err != nil {
		t.Errorf("after its epoch: %+v, %v", a, err)
	}
	s.at(end.Add(admission.ChannelGrace))
	wantReject(t, "opened when all is over", s.gate.Spend(ctx, ahead, 1, true), zkkex.WrongEpoch)
}

// TestOpens is trap B11: that a certificate is admitted again opens nothing again.
func TestOpens(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	p := s.prove(t, s.registry.Member("alice"), today, 0)
	a := s.admit(t, p)
	for counter := range uint32(8) {
		must(t, s.gate.Spend(ctx, a, counter, counter%2 == 0))
	}
	a = s.admit(t, p)
	for counter := range uint32(9) {
		wantReject(t, "an open again", s.gate.Spend(ctx, a, counter, true), handshake.OpensExceeded)
	}
	if got := s.gate.Stats(); got.Opens != 8 || got.Refused[handshake.OpensExceeded] != 9 {
		t.Errorf("stats: %+v", got)
	}
}

func TestChannels(t *testing.T) {
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	a, other := s.admit(t, s.prove(t, m, today, 0)), s.admit(t, s.prove(t, m, today, 0))
	var releases []func()
	for range 4 {
		release, err := s.gate.Acquire(a)
		must(t, err)
		releases = append(releases, release)
	}
	_, err := s.gate.Acquire(a)
	wantReject(t, "a fifth", err, handshake.ChannelsExceeded)
	release, err := s.gate.Acquire(other)
	must(t, err)
	if got := s.gate.Stats().Channels; got != 5 {
		t.Errorf("%d channels, expected 5", got)
	}
	release()
	for range 3 {
		releases[0]()
	}
	_, err = s.gate.Acquire(a)
	must(t, err)
	_, err = s.gate.Acquire(a)
	wantReject(t, "after one was released, again and again", err, handshake.ChannelsExceeded)
	if got := s.gate.Stats().Channels; got != 4 {
		t.Errorf("%d channels, expected 4", got)
	}
}

// TestGeneration raises it: what was admitted before is admitted no more, its
// channels end, and its proofs are told why.
func TestGeneration(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	p, unused := s.prove(t, m, today, 0), s.prove(t, m, today, 0)
	a := s.admit(t, p)
	must(t, s.gate.SetTerms(admissiontest.Terms(s.registry, today, 3)))
	if found, err := s.gate.Admitted(ctx, a.Key); found != nil || err != nil {
		t.Errorf("found %+v, %v", found, err)
	}
	_, err := s.gate.Live(a, noon)
	wantReject(t, "live", err, handshake.WrongGeneration)
	wantReject(t, "opened", s.gate.Spend(ctx, a, 0, true), handshake.WrongGeneration)
	for _, old := range []*zkkex.Presentation{p, unused} {
		_, err := s.gate.Admit(ctx, old)
		wantReject(t, "admitted", err, handshake.WrongGeneration)
	}
	// Everybody has their slots anew, because the scope is another.
	b := s.admit(t, s.prove(t, m, today, 3))
	if b.Generation != 3 {
		t.Errorf("generation %d", b.Generation)
	}
	must(t, s.gate.Spend(ctx, b, 0, true))
	if err := s.gate.SetTerms(admissiontest.Terms(s.registry, today, 2)); !errors.Is(err, admission.ErrTerms) {
		t.Errorf("a smaller generation: %v, want %v", err, admission.ErrTerms)
	}
	must(t, s.gate.Spend(ctx, b, 1, true))
}

// TestRotation names the day after in new terms.
func TestRotation(t *testing.T) {
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	a := s.admit(t, s.prove(t, m, today, 0))
	s.at(midnight.Add(20 * time.Hour))
	must(t, s.gate.SetTerms(admissiontest.Terms(s.registry, today+1, 0)))
	s.admit(t, s.prove(t, m, today+1, 0))
	s.admit(t, s.prove(t, m, today+2, 0))
	for name, change := range map[string]func(e *descriptor.EpochTerms){
		"limit": func(e *descriptor.EpochTerms) { e.Limit++ },
		"root":  func(e *descriptor.EpochTerms) { e.Root[31] ^= 1 },
	} {
		other := admissiontest.Terms(s.registry, today+1, 0)
		change(&other.Epochs[0])
		if err := s.gate.SetTerms(other); !errors.Is(err, admission.ErrTerms) {
			t.Errorf("another %s of the same epoch: %v, want %v", name, err, admission.ErrTerms)
		}
		other.Generation++
		c := s.config
		c.Terms = admissiontest.Terms(s.registry, today+1, 0)
		g, err := admission.New(c)
		must(t, err)
		must(t, g.SetTerms(other))
	}
	if found, err := s.gate.Admitted(context.Background(), a.Key); found != nil || err != nil {
		t.Errorf("yesterday's: %+v, %v", found, err)
	}
}

// TestPrune keeps what is needed, and closes the rest for good.
func TestPrune(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	a := s.admit(t, s.prove(t, s.registry.Member("alice"), today, 0))
	needed := midnight.Add(admission.ChannelGrace + admission.PruneDelay)
	s.at(needed.Add(-time.Second))
	must(t, s.gate.Prune(ctx))
	s.at(noon)
	if found, err := s.gate.Admitted(ctx, a.Key); found == nil || err != nil {
		t.Fatalf("pruned too early: %+v, %v", found, err)
	}
	s.at(needed)
	must(t, s.gate.Prune(ctx))
	s.at(noon)
	_, err := s.gate.Admitted(ctx, a.Key)
	wantReject(t, "by a clock that went back", err, zkkex.WrongEpoch)
	wantReject(t, "opened", s.gate.Spend(ctx, a, 0, true), zkkex.WrongEpoch)
	_, err = s.gate.Admit(ctx, s.prove(t, s.registry.Member("bob"), today, 0))
	wantReject(t, "admitted", err, zkkex.WrongEpoch)
}

// TestStoreDown has the store fail: nobody is let in, nobody is told no, and what
// lives goes on.
func TestStoreDown(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, nil)
	m := s.registry.Member("alice")
	a := s.admit(t, s.prove(t, m, today, 0))
	s.store.down = errors.New("planted")
	_, admitted := s.gate.Admit(ctx, s.prove(t, m, today, 0))
	_, found := s.gate.Admitted(ctx, a.Key)
	for name, err := range map[string]error{"Admit": admitted, "Admitted": found, "Spend": s.gate.Spend(ctx, a, 0, true)} {
		if !errors.Is(err, s.store.down) || errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%s: %v, want what is wrong with the store", name, err)
		}
	}
	if _, err := s.gate.Live(a, noon); err != nil {
		t.Errorf("a live channel: %v", err)
	}
	if got := s.gate.Stats(); got.Undecided != 3 || got.Opens != 0 {
		t.Errorf("stats: %+v", got)
	}
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(c *admission.Config){
		"Store":             func(c *admission.Config) { c.Store = nil },
		"Venue":             func(c *admission.Config) { c.Venue = [32]byte{} },
		"Schedule":          func(c *admission.Config) { c.Schedule = zkkex.Schedule{} },
		"Registry":          func(c *admission.Config) { c.Registry = zkkex.RegistryID{} },
		"other Registry":    func(c *admission.Config) { c.Registry[0] ^= 1 },
		"Roots":             func(c *admission.Config) { c.Roots = nil },
		"ChannelGrace":      func(c *admission.Config) { c.ChannelGrace = admission.ChannelGrace + 1 },
		"less ChannelGrace": func(c *admission.Config) { c.ChannelGrace = -2 },
		"EpochGrace":        func(c *admission.Config) { c.EpochGrace = -1 },
		"EpochLead":         func(c *admission.Config) { c.EpochLead = -1 },
		"ClockSkew":         func(c *admission.Config) { c.ClockSkew = -2 },
		"no epoch":          func(c *admission.Config) { c.Terms.Epochs = nil },
		"an epoch twice":    func(c *admission.Config) { c.Terms.Epochs[1] = c.Terms.Epochs[0] },
		"an epoch too far":  func(c *admission.Config) { c.Terms.Epochs[1].Number = 1 << 60 },
		"no opens":          func(c *admission.Config) { c.Terms.MaxOpens = 0 },
		"no channels":       func(c *admission.Config) { c.Terms.MaxChannels = 0 },
		"no parameters":     func(c *admission.Config) { c.NewVerifier = nil },
		"a verifier's no":   func(c *admission.Config) { c.NewVerifier = noVerifier },
	} {
		c := newScene(t, nil).config
		c.Terms.Epochs = slices.Clone(c.Terms.Epochs)
		change(&c)
		if _, err := admission.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tight := newScene(t, func(c *admission.Config) { c.ChannelGrace = admission.NoGrace })
	a := tight.admit(t, tight.prove(t, tight.registry.Member("alice"), today, 0))
	if until, err := tight.gate.Live(a, noon); err != nil || !until.Equal(midnight) {
		t.Errorf("without grace: until %v, %v", until, err)
	}
	short := newScene(t, func(c *admission.Config) {
		c.Schedule, c.ClockSkew = zkkex.Schedule{Length: 40}, time.Second
		c.Terms = admissiontest.Terms(provertest.New("one"), uint64(noon.Unix()/40), 0)
	})
	a = short.admit(t, short.prove(t, short.registry.Member("alice"), uint64(noon.Unix()/40), 0))
	if until, err := short.gate.Live(a, noon); err != nil || !until.Equal(noon.Add(50*time.Second)) {
		t.Errorf("short epochs: until %v, %v; want a quarter of the epoch as grace", until, err)
	}
}

func noVerifier(verifier.Config) (zkkex.Verifier, error) { return nil, errors.New("planted") }
