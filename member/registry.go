package member

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry/mirror"
)

// Trust records a registry, or a new address, witnesses or demands of one that
// is known. From then on its checkpoints are compared with everything that was
// seen of it before. It returns an error wrapping [zkkex.ErrMalformed].
func (m *Member) Trust(r Registry) (zkkex.RegistryID, error) {
	if err := r.check(); err != nil {
		return zkkex.RegistryID{}, err
	}
	id, err := r.ID()
	if err != nil {
		return id, err
	}
	demands := mirror.Config{VerifierKey: r.VerifierKey, Witnesses: r.Witnesses, Quorum: r.Quorum}
	if err := demands.Check(); err != nil {
		return id, malformed("%w", err)
	}
	if err := m.change(func(c *config) error { return c.put(r) }); err != nil {
		return id, err
	}
	return id, m.forgetMirror(id)
}

// Forget removes a registry from what is trusted. The copy of it and what was
// asked of it stay on disk: whoever trusts it again compares its checkpoints
// with all that were seen before. It returns an error wrapping [ErrNoRegistry].
func (m *Member) Forget(id zkkex.RegistryID) error {
	if err := m.change(func(c *config) error { return c.remove(id) }); err != nil {
		return err
	}
	return m.forgetMirror(id)
}

// Registries returns what is trusted, in the order it was recorded.
func (m *Member) Registries() []Registry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.config.Registries)
}

// Find returns the registry with a given URL, name, verifier key or identifier,
// or, for the empty string, the only one there is. It returns an error wrapping
// [ErrNoRegistry] or [ErrSeveralRegistries].
func (m *Member) Find(which string) (zkkex.RegistryID, error) {
	var found []zkkex.RegistryID
	for _, r := range m.Registries() {
		id, err := r.ID()
		if err != nil {
			return id, err
		}
		if which == "" || slices.Contains([]string{r.URL, r.Name(), r.VerifierKey, id.String()}, which) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return zkkex.RegistryID{}, fmt.Errorf("%w: name one of %v", ErrSeveralRegistries, m.names())
	case which == "":
		return zkkex.RegistryID{}, fmt.Errorf("%w: it has none yet", ErrNoRegistry)
	default:
		return zkkex.RegistryID{}, fmt.Errorf("%w: %q; it has %v", ErrNoRegistry, which, m.names())
	}
}

// Sync brings the copy of a registry up to its newest checkpoint. What it asks
// for says nothing about the member. The errors are those of
// [mirror.Mirror.Sync], and [ErrNoRegistry].
func (m *Member) Sync(ctx context.Context, id zkkex.RegistryID) (*mirror.Report, error) {
	done, err := m.turn(ctx, id)
	if err != nil {
		return nil, err
	}
	defer done()
	copied, err := m.Mirror(id)
	if err != nil {
		return nil, err
	}
	report, err := copied.Sync(ctx)
	if err != nil {
		return nil, err
	}
	if _, _, err := copied.Path(m.Public().Commitment()); err == nil {
		// It is not pending any more, also if it is revoked one day.
		if err := m.admitted(id); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// turn waits for our turn to sync a registry, no longer than ctx: the one before
// us may be waiting for a server that does not answer.
func (m *Member) turn(ctx context.Context, id zkkex.RegistryID) (done func(), err error) {
	m.mu.Lock()
	turn, ok := m.syncing[id]
	if !ok {
		turn = make(chan struct{}, 1)
		m.syncing[id] = turn
	}
	m.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Mirror returns the member's copy of a registry. It is closed with the member.
func (m *Member) Mirror(id zkkex.RegistryID) (*mirror.Mirror, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if copied, ok := m.mirrors[id]; ok {
		return copied, nil
	}
	r, err := m.registry(id)
	if err != nil {
		return nil, err
	}
	copied, err := mirror.Open(filepath.Join(m.dir, registriesName, hex.EncodeToString(id[:])), mirror.Config{
		URL: r.URL, VerifierKey: r.VerifierKey, Witnesses: r.Witnesses, Quorum: r.Quorum,
		Dial: m.options.Dial, Now: m.options.Now,
	})
	if err != nil {
		return nil, err
	}
	m.mirrors[id] = copied
	return copied, nil
}

func (m *Member) forgetMirror(id zkkex.RegistryID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	copied, ok := m.mirrors[id]
	if !ok {
		return nil
	}
	delete(m.mirrors, id)
	return copied.Close()
}

// registry returns what is recorded of a registry. The caller holds mu.
func (m *Member) registry(id zkkex.RegistryID) (Registry, error) {
	for _, r := range m.config.Registries {
		known, err := r.ID()
		if err != nil {
			return r, err
		}
		if known == id {
			return r, nil
		}
	}
	return Registry{}, fmt.Errorf("%w: %v", ErrNoRegistry, id)
}

func (m *Member) names() (names []string) {
	for _, r := range m.Registries() {
		names = append(names, m.Label(r))
	}
	return names
}

// Label returns the name of a registry, or its identifier if another one that is
// trusted has the same name: what [Member.Find] finds it by.
func (m *Member) Label(r Registry) string {
	for _, other := range m.Registries() {
		if other.VerifierKey != r.VerifierKey && other.Name() == r.Name() {
			if id, err := r.ID(); err == nil {
				return id.String()
			}
		}
	}
	return r.Name()
}
