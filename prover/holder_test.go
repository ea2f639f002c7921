package prover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
)

func TestHolderConfigIsComplete(t *testing.T) {
	s := newScene(t, open(t))
	for field, remove := range map[string]func(c *prover.HolderConfig){
		"Prover":   func(c *prover.HolderConfig) { c.Prover = nil },
		"Secret":   func(c *prover.HolderConfig) { c.Secret = nil },
		"Registry": func(c *prover.HolderConfig) { c.Registry = zkkex.RegistryID{} },
		"Paths":    func(c *prover.HolderConfig) { c.Paths = nil },
		"Slots":    func(c *prover.HolderConfig) { c.Slots = nil },
	} {
		c := s.config
		remove(&c)
		if _, err := prover.NewHolder(c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: %v, want an error that names it", field, err)
		}
	}
}

// TestHolderWastesNoSlot lets a holder fail in every way it can before it
// proves: no slot is taken.
func TestHolderWastesNoSlot(t *testing.T) {
	failure := errors.New("planted")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name   string
		ctx    context.Context
		change func(s *scene, c *zkkex.Claim)
		want   error
	}{
		{"cancelled", cancelled, func(*scene, *zkkex.Claim) {}, context.Canceled},
		{"limit of 0", context.Background(), func(_ *scene, c *zkkex.Claim) { c.Limit = 0 }, nil},
		{"unknown kind", context.Background(), func(_ *scene, c *zkkex.Claim) { c.Authorization.Kind = 9 }, zkkex.ErrUnsupported},
		{"no path", context.Background(), func(s *scene, _ *zkkex.Claim) { s.config.Paths = paths{err: failure} }, failure},
		{"path of another capacity", context.Background(), func(s *scene, _ *zkkex.Claim) {
			s.config.Paths = paths{change: func(p *registry.Path, _ *registry.Checkpoint) { p.Groups = make([][8]registry.Node, 10) }, from: s}
		}, zkkex.ErrUnsupported},
		{"damaged path", context.Background(), func(s *scene, _ *zkkex.Claim) {
			s.config.Paths = paths{change: func(p *registry.Path, _ *registry.Checkpoint) { p.Groups[0][4] = registry.Node{1} }, from: s}
		}, zkkex.ErrMalformed},
		{"path to another root", context.Background(), func(s *scene, _ *zkkex.Claim) {
			s.config.Paths = paths{change: func(_ *registry.Path, c *registry.Checkpoint) { c.Root = zkkex.Root{1} }, from: s}
		}, nil},
		{"too few members", context.Background(), func(s *scene, _ *zkkex.Claim) { s.config.MinMembers = 10 }, prover.ErrFewMembers},
	}
	for _, test := range tests {
		s := newScene(t, open(t))
		c := s.claim(t, 1)
		test.change(s, &c)
		p, err := s.holder(t).Prove(test.ctx, c)
		if err == nil || p != nil || (test.want != nil && !errors.Is(err, test.want)) {
			t.Errorf("%s: %v, %v; want %v", test.name, p, err, test.want)
		}
		if n := s.slots.Taken(c.Scope); n != 0 {
			t.Errorf("%s: %d slots taken", test.name, n)
		}
	}
}

// paths changes what another source returns, or fails.
type paths struct {
	from   prover.PathSource
	change func(*registry.Path, *registry.Checkpoint)
	err    error
}

func (p paths) Path(c zkkex.Commitment) (registry.Path, *registry.Checkpoint, error) {
	if p.err != nil {
		return registry.Path{}, nil, p.err
	}
	path, checkpoint, err := p.from.Path(c)
	if err != nil {
		return path, nil, err
	}
	changed := *checkpoint
	p.change(&path, &changed)
	return path, &changed, nil
}

func TestHolderUsesEachSlotOnce(t *testing.T) {
	s := newScene(t, open(t))
	h, claim := s.holder(t), s.claim(t, 2)
	seen := make(map[zkkex.Nullifier]bool)
	for range 2 {
		p, err := h.Prove(context.Background(), claim)
		if err != nil {
			t.Fatal(err)
		}
		seen[p.Statement.Nullifier] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d nullifiers for 2 slots", len(seen))
	}
	if _, err := h.Prove(context.Background(), claim); err == nil {
		t.Error("a third proof for a limit of 2")
	}
}

// A revoked member has no path in the next checkpoint.
func TestRevokedMemberCannotProve(t *testing.T) {
	s := newScene(t, open(t))
	s.Revoke(t, s.secret)
	s.Checkpoint(t, time.Now())
	if _, err := s.holder(t).Prove(context.Background(), s.claim(t, 1)); err == nil {
		t.Error("a revoked member proved")
	}
}

var _ prover.SlotSource = (*world.Slots)(nil)
