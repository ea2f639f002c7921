package admission_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
)

// newBanScene returns two gates that share a store that can fail.
func newBanScene(t *testing.T) (one, other *scene, store *banStore) {
	t.Helper()
	store = &banStore{Memory: admission.NewMemory()}
	one = newScene(t, func(c *admission.Config) { c.Store = store })
	other = newScene(t, func(c *admission.Config) { c.Store = store })
	other.registry = one.registry
	return one, other, store
}

// banStore counts how often bans are asked for, and can be told to fail.
type banStore struct {
	*admission.Memory
	asked int
	down  error
}

func (s *banStore) Bans(ctx context.Context, at admission.Shard) ([]admission.Pseudonym, error) {
	s.asked++
	if s.down != nil {
		return nil, s.down
	}
	return s.Memory.Bans(ctx, at)
}

func pseudonymOf(a *handshake.Admission) admission.Pseudonym {
	return admission.PseudonymOf(a.Epoch.Number, a.Statement.Nullifier)
}

// A ban ends all that a pseudonym does: at the gate that made it at once, and at
// another within [admission.BanRefresh]. Others of the same member go on, and what
// is refused reaches neither proof nor record.
func TestBan(t *testing.T) {
	ctx := context.Background()
	one, other, _ := newBanScene(t)
	m := one.registry.Member("alice")
	banned, fine := one.prove(t, m, today, 0), one.prove(t, m, today, 0)
	a := one.admit(t, banned)
	admitted, err := other.gate.Admitted(ctx, banned.Authorization.Value)
	if err != nil || admitted == nil {
		t.Fatalf("before: %+v, %v", admitted, err)
	}
	must(t, one.gate.Ban(ctx, today, pseudonymOf(a)))
	must(t, one.gate.Ban(ctx, today, pseudonymOf(a)))

	checkBanned(t, "here", one, banned, a)
	other.at(noon.Add(admission.BanRefresh))
	checkBanned(t, "at the other", other, banned, a)

	one.admit(t, fine)
	if _, err := other.gate.Admitted(ctx, fine.Authorization.Value); err != nil {
		t.Errorf("another pseudonym of the same member: %v", err)
	}
	if got := other.gate.Stats(); got.Refused[handshake.Banned] == 0 || got.Undecided != 0 {
		t.Errorf("stats: %+v", got)
	}
}

func checkBanned(t *testing.T, where string, s *scene, p *zkkex.Presentation, a *handshake.Admission) {
	t.Helper()
	ctx := context.Background()
	_, err := s.gate.Admitted(ctx, p.Authorization.Value)
	wantReject(t, where+": looked up", err, handshake.Banned)
	_, err = s.gate.Admit(ctx, p)
	wantReject(t, where+": shown", err, handshake.Banned)
	wantReject(t, where+": opened", s.gate.Spend(ctx, a, 0, true), handshake.Banned)
	_, err = s.gate.Live(a, s.now())
	wantReject(t, where+": alive", err, handshake.Banned)
}

// A pseudonym that was banned before it was ever admitted is refused before its
// proof is looked at.
func TestBanComesBeforeTheProof(t *testing.T) {
	s, _, _ := newBanScene(t)
	p := s.prove(t, s.registry.Member("alice"), today, 0)
	must(t, s.gate.Ban(context.Background(), today, admission.PseudonymOf(today, p.Statement.Nullifier)))
	p.Proof = make(zkkex.Proof, 128) // would be refused as no proof
	_, err := s.gate.Admit(context.Background(), p)
	wantReject(t, "with a bad proof", err, handshake.Banned)
}

// Live channels are asked about without the store: what [admission.Gate.RefreshBans]
// brought in counts, and it says when there is something new.
func TestRefreshBans(t *testing.T) {
	ctx := context.Background()
	one, other, _ := newBanScene(t)
	a := one.admit(t, one.prove(t, one.registry.Member("alice"), today, 0))
	refresh := func(want bool) {
		t.Helper()
		fresh, err := other.gate.RefreshBans(ctx)
		if err != nil || fresh != want {
			t.Errorf("new bans: %v, %v; want %v", fresh, err, want)
		}
	}
	refresh(false)
	must(t, one.gate.Ban(ctx, today, pseudonymOf(a)))
	if _, err := other.gate.Live(a, noon); err != nil {
		t.Errorf("before the store was asked: %v", err)
	}
	refresh(true)
	refresh(false)
	_, err := other.gate.Live(a, noon)
	wantReject(t, "after", err, handshake.Banned)
	// Channels live on for a while after their epoch, which no terms name then.
	one.at(midnight.Add(time.Minute))
	b := one.admit(t, one.prove(t, one.registry.Member("bob"), today+1, 0))
	must(t, one.gate.Ban(ctx, today+1, pseudonymOf(b)))
	refresh(true)
	must(t, one.config.Store.Prune(ctx, midnight.AddDate(0, 0, 1)))
	refresh(false)
}

// A store that cannot tell of bans lets nobody in; one that was asked a moment ago
// is not asked again.
func TestBansUndecided(t *testing.T) {
	ctx := context.Background()
	s, _, store := newBanScene(t)
	p := s.prove(t, s.registry.Member("alice"), today, 0)
	s.admit(t, p)
	asked := store.asked
	store.down = errors.New("store is down")
	if _, err := s.gate.Admitted(ctx, p.Authorization.Value); err != nil || store.asked != asked {
		t.Errorf("asked %d times within a second, %v", store.asked-asked, err)
	}
	s.at(noon.Add(admission.BanRefresh))
	if a, err := s.gate.Admitted(ctx, p.Authorization.Value); a != nil || !errors.Is(err, store.down) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("%+v, %v; want %v, and nobody in", a, err, store.down)
	}
	if _, err := s.gate.RefreshBans(ctx); !errors.Is(err, store.down) {
		t.Errorf("%v, want %v", err, store.down)
	}
	store.down = nil
	s.admit(t, p)
}

// A ban of the generation before says nothing of the next one's pseudonyms, and a
// store without bans says so.
func TestBanLimits(t *testing.T) {
	ctx := context.Background()
	s, _, _ := newBanScene(t)
	m := s.registry.Member("alice")
	must(t, s.gate.Ban(ctx, today, pseudonymOf(s.admit(t, s.prove(t, m, today, 0)))))
	raised := s.config.Terms
	raised.Generation = 1
	must(t, s.gate.SetTerms(raised))
	s.admit(t, s.prove(t, m, today, 1))

	wantReject(t, "no such epoch", s.gate.Ban(ctx, 1<<60, admission.Pseudonym{}), zkkex.WrongEpoch)
	must(t, s.config.Store.Prune(ctx, midnight))
	wantReject(t, "an epoch that was pruned", s.gate.Ban(ctx, today, admission.Pseudonym{}), zkkex.WrongEpoch)
	if err := newScene(t, nil).gate.Ban(ctx, today, admission.Pseudonym{}); !errors.Is(err, admission.ErrNoBans) {
		t.Errorf("a store that keeps no bans: %v, want %v", err, admission.ErrNoBans)
	}
}

// However many are let in at once, the store is asked for bans once a second.
func TestBansAreAskedForOnce(t *testing.T) {
	s, _, store := newBanScene(t)
	m := s.registry.Member("alice")
	certificates := []*zkkex.Presentation{s.prove(t, m, today, 0), s.prove(t, m, today, 0), s.prove(t, m, today, 0), s.prove(t, m, today, 0)}
	var wg sync.WaitGroup
	for _, p := range certificates {
		wg.Go(func() {
			for range 10 {
				if _, err := s.gate.Admit(context.Background(), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if store.asked != 1 {
		t.Errorf("asked %d times, expected once", store.asked)
	}
}
