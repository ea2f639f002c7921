package admission

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// Gate makes a venue's decisions about certificates. It implements
// [handshake.Gate], and is safe for concurrent use.
type Gate struct {
	config   Config
	terms    atomic.Pointer[termsInForce]
	channels channels
	bans     bans
	counters counters
}

var _ handshake.Gate = (*Gate)(nil)

// termsInForce are terms, prepared. They never change.
type termsInForce struct {
	Terms
	epochs []*epoch
}

// New returns a gate. It returns an error that names the field if a required one
// is missing or does not fit, and one wrapping [ErrTerms] for terms that
// contradict themselves.
func New(c Config) (*Gate, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gate{config: c}
	g.channels.open = make(map[slot]uint32)
	g.bans.now, g.bans.shards = c.Now, make(map[shardKey]*shardBans)
	g.bans.store, _ = c.Store.(Banner)
	if err := g.SetTerms(c.Terms); err != nil {
		return nil, err
	}
	return g, nil
}

// SetTerms replaces the terms, at once for everything that is asked from now on.
// A greater generation ends all that was admitted under the ones before. It
// returns an error wrapping [ErrTerms], and leaves the terms as they are, if they
// contradict themselves or the present ones: by a smaller generation, or by other
// terms of an epoch under the same one.
func (g *Gate) SetTerms(t Terms) error {
	if err := t.check(); err != nil {
		return err
	}
	next := &termsInForce{Terms: t}
	for _, named := range t.Epochs {
		e, err := g.config.newEpoch(t, named)
		if err != nil {
			return err
		}
		next.epochs = append(next.epochs, e)
	}
	for {
		present := g.terms.Load()
		if present != nil {
			if err := t.follows(present.Terms); err != nil {
				return err
			}
		}
		if g.terms.CompareAndSwap(present, next) {
			return nil
		}
	}
}

// Admitted implements [handshake.Gate]. It looks in the scopes that are accepted
// now, and in no other. What is banned is refused with [handshake.Banned].
func (g *Gate) Admitted(ctx context.Context, key [32]byte) (*handshake.Admission, error) {
	now := g.config.Now()
	for _, e := range g.terms.Load().epochs {
		if !e.accepts(now) {
			continue
		}
		r, err := g.config.Store.ByKey(ctx, e.shard, key)
		if err != nil {
			return nil, g.counted(undecided(err))
		}
		if r == nil {
			continue
		}
		if err := g.bans.check(ctx, e.shard, r.Epoch.Number, r.Statement.Nullifier); err != nil {
			return nil, g.counted(err)
		}
		return r.admission(), nil
	}
	return nil, nil
}

// Admit implements [handshake.Gate]. Of its steps, in this order, only the last
// writes:
//
//  1. what the presentation names: a session key, an accepted epoch, this
//     generation
//  2. a look-up of its nullifier: a banned one is refused, the same certificate is
//     let in again, another one's slot is taken
//  3. everything that package verifier lists, the proof last
//  4. the record, atomically
func (g *Gate) Admit(ctx context.Context, p *zkkex.Presentation) (*handshake.Admission, error) {
	terms := g.terms.Load()
	r, e, err := g.read(terms, p)
	if err != nil {
		return nil, g.counted(err)
	}
	if stands, err := g.recorded(ctx, e, r); stands != nil || err != nil {
		return stands, g.counted(err)
	}
	decision, err := e.verifier.Verify(ctx, p, zkkex.SessionKey(r.Key))
	if err != nil {
		return nil, g.counted(decided(err))
	}
	if decision.Statement != r.Statement {
		return nil, g.counted(errors.New("admission: the verifier decided about another statement"))
	}
	stored, fresh, err := g.config.Store.Admit(ctx, r)
	if err != nil {
		return nil, g.counted(undecided(err))
	}
	g.admitted(fresh)
	return stored.admission(), nil
}

// read makes the record of a presentation and finds its epoch, by what the
// presentation names. Nothing of it is shown to be true yet.
func (g *Gate) read(terms *termsInForce, p *zkkex.Presentation) (*Record, *epoch, error) {
	if p == nil {
		return nil, nil, &zkkex.ParseError{Format: "presentation", Err: errors.New("there is none")}
	}
	if p.Authorization.Kind != zkkex.AuthorizeSession {
		return nil, nil, zkkex.Reject(zkkex.WrongBinding, "it authorises a %v, expected a session key", p.Authorization.Kind)
	}
	if err := checkKey(p.Authorization.Value); err != nil {
		return nil, nil, err
	}
	e, err := g.epoch(terms, p)
	if err != nil {
		return nil, nil, err
	}
	r, err := NewRecord(p, terms.Generation)
	return r, e, err
}

// epoch returns the accepted epoch that a presentation names. It tells whoever
// proved for an older generation so.
func (g *Gate) epoch(terms *termsInForce, p *zkkex.Presentation) (*epoch, error) {
	now := g.config.Now()
	for _, e := range terms.epochs {
		if e.Epoch != p.Epoch || !e.accepts(now) {
			continue
		}
		if p.Statement.Scope != e.scope && g.older(terms, p) {
			return nil, zkkex.Reject(handshake.WrongGeneration, "for an older generation than %d: prove again", terms.Generation)
		}
		return e, nil
	}
	return nil, zkkex.Reject(zkkex.WrongEpoch, "epoch %d (%d seconds each, from %d) is not accepted at %s",
		p.Epoch.Number, p.Epoch.Length, p.Epoch.Origin, now.UTC().Format(time.RFC3339))
}

// olderGenerations is how many generations back a scope is told to be old; one
// that is older still is only wrong.
const olderGenerations = 8

func (g *Gate) older(terms *termsInForce, p *zkkex.Presentation) bool {
	for back := uint32(1); back <= min(olderGenerations, terms.Generation); back++ {
		if g.config.scopeRule(terms.Generation-back).Scope(g.config.Registry, p.Epoch) == p.Statement.Scope {
			return true
		}
	}
	return false
}

// recorded returns the admission of a certificate that is recorded already, or a
// rejection if its slot is another's. Before the proof, it only reads.
func (g *Gate) recorded(ctx context.Context, e *epoch, r *Record) (*handshake.Admission, error) {
	if r.Statement.Scope != e.scope {
		return nil, nil // the verifier says what is wrong
	}
	if err := g.bans.check(ctx, e.shard, r.Epoch.Number, r.Statement.Nullifier); err != nil {
		return nil, err
	}
	known, err := g.config.Store.ByNullifier(ctx, e.shard, r.Statement.Nullifier)
	if err != nil || known == nil {
		return nil, undecided(err)
	}
	if _, err := decide(r, known, nil); err != nil {
		return nil, undecided(err)
	}
	g.admitted(false)
	return known.admission(), nil
}

// Spend implements [handshake.Gate]. It refuses besides what [Gate.Live] refuses,
// and with [zkkex.WrongEpoch] an open before the epoch begins.
func (g *Gate) Spend(ctx context.Context, a *handshake.Admission, counter uint32, durable bool) error {
	return g.counted(g.spend(ctx, a, counter, durable))
}

func (g *Gate) spend(ctx context.Context, a *handshake.Admission, counter uint32, durable bool) error {
	now := g.config.Now()
	if _, err := g.Live(a, now); err != nil {
		return err
	}
	if begin, err := a.Epoch.Start(); err != nil || now.Before(begin.Add(-g.config.skew())) {
		return zkkex.Reject(zkkex.WrongEpoch, "epoch %d begins at %s: it is admitted ahead, and opened from then on", a.Epoch.Number, begin.Format(time.RFC3339))
	}
	if most := g.terms.Load().MaxOpens; counter >= most {
		return zkkex.Reject(handshake.OpensExceeded, "open %d of a certificate, expected less than %d", counter, most)
	}
	shard, err := shardOf(a)
	if err != nil {
		return err
	}
	if err := g.bans.check(ctx, shard, a.Epoch.Number, a.Statement.Nullifier); err != nil {
		return err
	}
	if err := g.config.Store.Spend(ctx, shard, a.Statement.Nullifier, counter, durable); err != nil {
		return undecided(err)
	}
	g.counters.opened()
	return nil
}

// Live implements [handshake.Gate]. Whoever holds channels asks it again at least
// every [GenerationCheck]. It asks no store: of bans, it knows those of this gate,
// and those of the last [Gate.RefreshBans].
func (g *Gate) Live(a *handshake.Admission, now time.Time) (until time.Time, err error) {
	shard, err := shardOf(a)
	if err != nil {
		return time.Time{}, err
	}
	if generation := g.terms.Load().Generation; a.Generation != generation {
		return time.Time{}, zkkex.Reject(handshake.WrongGeneration, "admitted under generation %d, and it is %d: prove again", a.Generation, generation)
	}
	until = shard.End.Add(g.config.ChannelGrace)
	if !now.Before(until) {
		return time.Time{}, zkkex.Reject(zkkex.WrongEpoch, "epoch %d ended at %s, and its channels at %s",
			a.Epoch.Number, shard.End.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	key, err := shard.key()
	if err != nil {
		return time.Time{}, err
	}
	if err := g.bans.live(key, a.Epoch.Number, a.Statement.Nullifier); err != nil {
		return time.Time{}, err
	}
	return until, nil
}

// Prune removes what is needed no more from the store: epochs that ended longer
// ago than certificates of them are accepted and channels of them live, and
// [PruneDelay] besides.
func (g *Gate) Prune(ctx context.Context) error {
	window := max(g.config.EpochGrace+g.config.skew(), g.config.ChannelGrace)
	return g.config.Store.Prune(ctx, g.config.Now().Add(-window-PruneDelay))
}

// checkKey refuses session keys with another encoding or of small order, whose
// shared secrets everybody knows.
func checkKey(b [32]byte) error {
	if !canonical(b) {
		return zkkex.Reject(zkkex.WrongBinding, "the session key is not an integer below 2^255-19")
	}
	key, err := ecdh.X25519().NewPublicKey(b[:])
	if err != nil {
		return zkkex.Reject(zkkex.WrongBinding, "the session key is no X25519 key: %v", err)
	}
	if _, err := anyKey.ECDH(key); err != nil {
		return zkkex.Reject(zkkex.WrongBinding, "the session key is of small order")
	}
	return nil
}

// anyKey finds keys of small order: their product with any private key is 0.
var anyKey = func() *ecdh.PrivateKey {
	key, err := ecdh.X25519().NewPrivateKey([]byte("zkkex session key of small order"))
	if err != nil {
		panic(err)
	}
	return key
}()

// canonical reports whether b, little-endian, is below 2^255-19, which is
// ed ff ... ff 7f.
func canonical(b [32]byte) bool {
	if b[31] != 0x7f {
		return b[31] < 0x7f
	}
	for _, c := range b[1:31] {
		if c != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}

// decided turns what a verifier calls malformed into a no: it will not be
// otherwise later.
func decided(err error) error {
	if errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, zkkex.ErrUnsupported) {
		return zkkex.Reject(zkkex.BadProof, "%v", err)
	}
	return err
}

// undecided turns a store's answers into rejections. Every other error stays what
// it is: the store could not tell.
func undecided(err error) error {
	var taken *TakenError
	var spent *SpentError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &taken):
		return zkkex.Reject(zkkex.SlotUsed, "%v", taken)
	case errors.As(err, &spent):
		return zkkex.Reject(handshake.OpensExceeded, "%v", spent)
	case errors.Is(err, ErrClosed):
		return zkkex.Reject(zkkex.WrongEpoch, "%v", err)
	default:
		return fmt.Errorf("cannot tell what is admitted: %w", err)
	}
}
