package admission

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/domain"
)

// Pseudonym is a venue's name for a nullifier in an epoch, by which it bans: 128
// bits of a hash of both. It is what package order calls the ID of a session that
// began with the nullifier, so that who keeps orders need not know nullifiers.
type Pseudonym [16]byte

// PseudonymOf returns the name of a nullifier in the epoch of a number.
func PseudonymOf(epoch uint64, n zkkex.Nullifier) Pseudonym {
	h := domain.Hash(domain.OrderSession, domain.Uint64(epoch), n[:])
	return Pseudonym(h[:16])
}

// Banner is a [Store] that keeps bans as well, per shard, in the way of its
// records: durable, seen by every process that shares the store, and gone when
// the shard is pruned. All stores of this module are Banners.
type Banner interface {
	// Ban records a ban, durably. Again, it changes nothing. The error wraps
	// [ErrClosed] if the epoch was pruned.
	Ban(ctx context.Context, s Shard, p Pseudonym) error
	// Bans returns all bans of a shard, in ascending order and once each. The error
	// wraps [ErrClosed] if the epoch was pruned.
	Bans(ctx context.Context, s Shard) ([]Pseudonym, error)
}

// BanRefresh is how often a gate asks its store for bans that others have made:
// one that is recorded through any gate of a venue holds at all of them after
// that.
const BanRefresh = time.Second

// ErrNoBans reports a store that keeps no bans.
var ErrNoBans = errors.New("the store of admissions keeps no bans")

// bans are the bans that a gate knows, by shard.
type bans struct {
	store Banner // nil if the store keeps none
	now   func() time.Time

	mu     sync.RWMutex
	shards map[shardKey]*shardBans

	refreshing sync.Mutex
}

type shardBans struct {
	shard Shard
	names map[Pseudonym]struct{}
	asked time.Time
}

// Ban refuses a pseudonym of an epoch from now on, until the epoch is over: no
// certificate of it is admitted, found, opened or renewed, and its channels may not
// live. It is a pseudonym of the present generation: one that is raised gives
// everybody others. It returns [ErrNoBans], an error wrapping [zkkex.ErrRejected]
// with the reason [zkkex.WrongEpoch] for an epoch that is pruned, and the store's.
func (g *Gate) Ban(ctx context.Context, epoch uint64, p Pseudonym) error {
	if g.bans.store == nil {
		return ErrNoBans
	}
	e := zkkex.Epoch{Schedule: g.config.Schedule, Number: epoch}
	end, err := e.End()
	if err != nil {
		return zkkex.Reject(zkkex.WrongEpoch, "epoch %d is none of the venue's: %v", epoch, err)
	}
	scope := g.config.scopeRule(g.terms.Load().Generation).Scope(g.config.Registry, e)
	s := Shard{Scope: scope, End: end}
	if err := g.bans.store.Ban(ctx, s, p); err != nil {
		return undecided(err)
	}
	return g.bans.enter(s, p)
}

// RefreshBans asks the store for the bans of the epochs in force, and of those of
// channels that are open. It reports whether there are new ones: then
// [Gate.Live] is to be asked about every channel.
func (g *Gate) RefreshBans(ctx context.Context) (fresh bool, err error) {
	if g.bans.store == nil {
		return false, nil
	}
	for _, s := range g.bans.known(g.terms.Load().epochs) {
		more, err := g.bans.ask(ctx, s)
		switch {
		case errors.Is(err, ErrClosed):
			g.bans.forget(s)
		case err != nil:
			return fresh, fmt.Errorf("asking for bans: %w", err)
		}
		fresh = fresh || more
	}
	return fresh, nil
}

// known lists the shards that bans are asked for.
func (b *bans) known(epochs []*epoch) []Shard {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := make(map[shardKey]Shard)
	for _, e := range epochs {
		all[shardKey{e.shard.Scope, e.shard.End.Unix()}] = e.shard
	}
	for key, s := range b.shards {
		all[key] = s.shard
	}
	return slices.Collect(maps.Values(all))
}

// check returns an error if a pseudonym is banned, or if that cannot be told. The
// store is asked if it was not for [BanRefresh].
func (b *bans) check(ctx context.Context, s Shard, epoch uint64, n zkkex.Nullifier) error {
	if b.store == nil {
		return nil
	}
	key, err := s.key()
	if err != nil {
		return err
	}
	if err := b.askIfStale(ctx, key, s); err != nil {
		return undecided(err)
	}
	return b.live(key, epoch, n)
}

// askIfStale asks the store for a shard's bans, unless it was just asked. Of several
// calls at once, one asks, and the others wait for it.
func (b *bans) askIfStale(ctx context.Context, key shardKey, s Shard) error {
	if !b.stale(key) {
		return nil
	}
	b.refreshing.Lock()
	defer b.refreshing.Unlock()
	if !b.stale(key) {
		return nil
	}
	_, err := b.take(ctx, key, s)
	return err
}

// live returns a rejection if a pseudonym is known to be banned.
func (b *bans) live(key shardKey, epoch uint64, n zkkex.Nullifier) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.shards[key]
	if s == nil || len(s.names) == 0 {
		return nil
	}
	if _, banned := s.names[PseudonymOf(epoch, n)]; banned {
		return zkkex.Reject(handshake.Banned, "the venue has banned the pseudonym until epoch %d ends, at %s", epoch, s.shard.End.UTC().Format(time.RFC3339))
	}
	return nil
}

func (b *bans) stale(key shardKey) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.shards[key]
	if s == nil {
		return true
	}
	age := b.now().Sub(s.asked)
	return age >= BanRefresh || age < 0
}

// ask takes a shard's bans from the store.
func (b *bans) ask(ctx context.Context, s Shard) (fresh bool, err error) {
	key, err := s.key()
	if err != nil {
		return false, err
	}
	b.refreshing.Lock()
	defer b.refreshing.Unlock()
	return b.take(ctx, key, s)
}

// take is ask under the lock of refreshing.
func (b *bans) take(ctx context.Context, key shardKey, s Shard) (fresh bool, err error) {
	now := b.now()
	names, err := b.store.Bans(ctx, s)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.shards[key]
	if known == nil {
		known = &shardBans{shard: s, names: make(map[Pseudonym]struct{})}
		b.shards[key] = known
	}
	known.asked = now
	for _, p := range names { // bans are never taken back
		if _, there := known.names[p]; !there {
			known.names[p], fresh = struct{}{}, true
		}
	}
	return fresh, nil
}

// enter enters one ban.
func (b *bans) enter(s Shard, p Pseudonym) error {
	key, err := s.key()
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.shards[key]
	if known == nil {
		known = &shardBans{shard: s, names: make(map[Pseudonym]struct{})}
		b.shards[key] = known // not asked for yet
	}
	known.names[p] = struct{}{}
	return nil
}

func (b *bans) forget(s Shard) {
	key, err := s.key()
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.shards, key)
}
