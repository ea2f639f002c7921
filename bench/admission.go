package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
)

// A rush: callers that show a presentation at the same time, each again and
// again, and each a source of its own.
const (
	callers        = 128
	admissionsEach = 4
)

// decider decides about one presentation, over and over: every check but the
// store, which would say no to the second.
type decider struct {
	pool         *verifier.Pool
	verifier     *verifier.Verifier
	presentation *zkkex.Presentation
}

// newDecider starts a pool. The caller closes it.
func newDecider(m *member) (*decider, error) {
	p, err := m.presentation()
	if err != nil {
		return nil, err
	}
	p.Registry = zkkex.RegistryID{1}
	p.Statement.Binding, err = p.Authorization.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: p.Registry,
		RootSequence: p.RootSequence, Scope: p.Statement.Scope, Limit: p.Statement.Limit,
	})
	if err != nil {
		return nil, err
	}
	p.Proof, err = m.prover.Prove(context.Background(), &p.Statement, m.witness)
	if err != nil {
		return nil, err
	}
	pool, err := verifier.NewPool(verifier.PoolConfig{})
	if err != nil {
		return nil, err
	}
	start := time.Now()
	v, err := verifier.New(verifier.Config{
		Params:   []*params.Verifying{m.verifying},
		Registry: p.Registry,
		Roots:    oneRoot{},
		Scope:    oneScope{p.Epoch.Schedule, p.Statement.Scope},
		Limit:    p.Statement.Limit,
		Spent:    verifier.NoSpend,
		Pool:     pool,
		Now:      func() time.Time { return start }, // an epoch may end during a run
	})
	if err != nil {
		return nil, err
	}
	return &decider{pool: pool, verifier: v, presentation: p}, nil
}

// rush admits callers*admissionsEach times. It returns the first error.
func (a *decider) rush() error {
	errs := make(chan error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			ctx := verifier.WithSource(context.Background(), fmt.Sprint(i))
			for range admissionsEach {
				if _, err := a.verifier.Verify(ctx, a.presentation, a.presentation.Authorization); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs // nil if there is none
}

// oneScope is the rule of a single scope for every epoch.
type oneScope struct {
	schedule zkkex.Schedule
	scope    zkkex.Scope
}

func (o oneScope) Schedule() zkkex.Schedule                        { return o.schedule }
func (o oneScope) Scope(zkkex.RegistryID, zkkex.Epoch) zkkex.Scope { return o.scope }

// oneRoot accepts the root that it is shown.
type oneRoot struct{}

func (oneRoot) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*registry.Checkpoint, error) {
	return &registry.Checkpoint{Sequence: sequence, Root: root}, nil
}
