package venue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// ErrClosed reports a venue that admits nobody: it was opened without parameters
// or a store, has issued no descriptor yet, or was closed.
var ErrClosed = errors.New("the venue admits nobody")

// Gate returns what decides about certificates, by the terms of the descriptors
// that are valid at the moment. Before the first, it answers with [ErrClosed].
func (v *Venue) Gate() handshake.Gate { return &v.gate }

// gate is an [admission.Gate] that there is once there are terms, and that changes
// its terms in the instant in which descriptors change.
type gate struct {
	config admission.Config
	valid  func(time.Time) []*descriptor.Signed
	latest func() *descriptor.Signed

	decides  atomic.Pointer[admission.Gate]
	renewAt  atomic.Int64 // Unix time from which on other descriptors are valid
	renewing sync.Mutex
	closed   bool           // under renewing
	own      *admission.Dir // the folder's store, if it is in use
}

func (v *Venue) openGate(o *Options) error {
	g := &v.gate
	g.valid, g.latest = v.store.Valid, v.store.Latest
	if o.Params == nil && o.NewVerifier == nil {
		return nil
	}
	store, err := v.openAdmissions(o)
	if err != nil {
		return err
	}
	id, err := registry.ID(v.config.Registry.VerifierKey)
	if err != nil {
		return err
	}
	g.config = admission.Config{
		Store: store,
		Venue: v.Identity().ID(), ChainID: v.config.ChainID, Schedule: v.config.Schedule,
		Registry: id, Roots: namedRoots{v},
		MinMembers: v.config.MinMembers, Now: v.now, NewVerifier: o.NewVerifier,
	}
	if err := v.openParams(o); err != nil {
		return err
	}
	if g.config.Pool, err = verifier.NewPool(verifier.PoolConfig{}); err != nil {
		return err
	}
	return g.renew()
}

// openAdmissions opens the folder's store, or takes the one it is given.
func (v *Venue) openAdmissions(o *Options) (admission.Store, error) {
	if o.Admissions != nil {
		return o.Admissions, nil
	}
	store, err := admission.OpenDir(filepath.Join(v.dir, admissionFolder))
	if err != nil {
		return nil, err
	}
	v.gate.own = store
	return store, nil
}

// openParams opens the accepted parameter sets.
func (v *Venue) openParams(o *Options) error {
	if o.Params == nil {
		return nil
	}
	for _, circuit := range v.config.Circuits {
		set, err := o.Params(circuit.ID, circuit.Params)
		if err != nil {
			return fmt.Errorf("parameters of %v with the digest %v: %w", circuit.ID, circuit.Params, err)
		}
		if set.Circuit() != circuit.ID || set.Digest() != circuit.Params {
			return fmt.Errorf("%w: parameters of %v with the digest %v, expected %v and %v", zkkex.ErrParamsMismatch, set.Circuit(), set.Digest(), circuit.ID, circuit.Params)
		}
		v.gate.config.Params = append(v.gate.config.Params, set)
	}
	return nil
}

// renew sets the terms of the descriptors that are valid now. Where there are none
// any more, the last terms stay, for the channels that are open and the messages
// that wait: nobody proves by them beyond the epochs that they name.
func (g *gate) renew() error {
	g.renewing.Lock()
	defer g.renewing.Unlock()
	if g.closed || g.config.Store == nil {
		return nil
	}
	now := g.config.Now()
	valid := g.valid(now)
	g.renewAt.Store(nextChange(now, g.latest(), valid))
	if len(valid) == 0 {
		return nil
	}
	descriptors := make([]*descriptor.Descriptor, len(valid))
	for i, d := range valid {
		descriptors[i] = &d.Descriptor
	}
	terms, err := admission.TermsOf(descriptors...)
	if err != nil {
		return err
	}
	return g.set(terms)
}

func (g *gate) set(terms admission.Terms) (err error) {
	decides := g.decides.Load()
	if decides != nil {
		return decides.SetTerms(terms)
	}
	g.config.Terms = terms
	if decides, err = admission.New(g.config); err != nil {
		return err
	}
	g.decides.Store(decides)
	return nil
}

// nextChange returns, in Unix seconds, when other descriptors will be valid than
// now, as far as they were issued.
func nextChange(now time.Time, latest *descriptor.Signed, valid []*descriptor.Signed) int64 {
	next := now.Add(descriptor.SwitchGrid) // at the latest
	for _, d := range valid {
		if d.NotAfter.Before(next) {
			next = d.NotAfter
		}
	}
	if latest != nil && latest.NotBefore.After(now) && latest.NotBefore.Before(next) {
		next = latest.NotBefore
	}
	return next.Unix()
}

// open returns the gate with the terms of now.
func (g *gate) open() (*admission.Gate, error) {
	if g.config.Store != nil && g.config.Now().Unix() >= g.renewAt.Load() {
		if err := g.renew(); err != nil {
			return nil, err
		}
	}
	if decides := g.decides.Load(); decides != nil {
		return decides, nil
	}
	return nil, ErrClosed
}

func (g *gate) Admitted(ctx context.Context, key [32]byte) (*handshake.Admission, error) {
	decides, err := g.open()
	if err != nil {
		return nil, err
	}
	return decides.Admitted(ctx, key)
}

func (g *gate) Admit(ctx context.Context, p *zkkex.Presentation) (*handshake.Admission, error) {
	decides, err := g.open()
	if err != nil {
		return nil, err
	}
	return decides.Admit(ctx, p)
}

func (g *gate) Spend(ctx context.Context, a *handshake.Admission, counter uint32, durable bool) error {
	decides, err := g.open()
	if err != nil {
		return err
	}
	return decides.Spend(ctx, a, counter, durable)
}

func (g *gate) Acquire(a *handshake.Admission) (release func(), err error) {
	decides, err := g.open()
	if err != nil {
		return nil, err
	}
	return decides.Acquire(a)
}

func (g *gate) Live(a *handshake.Admission, now time.Time) (until time.Time, err error) {
	decides, err := g.open()
	if err != nil {
		return time.Time{}, err
	}
	return decides.Live(a, now)
}

// prune removes what is needed no more from the store.
func (g *gate) prune(ctx context.Context) error {
	decides := g.decides.Load()
	if decides == nil {
		return nil
	}
	return decides.Prune(ctx)
}

// close ends the verification of proofs. What asks later is told [ErrClosed].
func (g *gate) close() error {
	g.renewing.Lock()
	defer g.renewing.Unlock()
	g.closed = true
	g.decides.Store(nil)
	var errs []error
	if g.config.Pool != nil {
		errs = append(errs, g.config.Pool.Close())
	}
	if g.own != nil {
		errs = append(errs, g.own.Close())
	}
	return errors.Join(errs...)
}
