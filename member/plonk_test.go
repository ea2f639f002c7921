//go:build !race

// PLONK is gnark's own prover: under the race detector it takes minutes, and what is
// concurrent here is tested with Groth16.

package member

import (
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// A venue accepts both proof systems; members of one registry open, resume and
// renew sessions with either. Keys, proofs and handshakes are real.
func TestSessionsWithPlonk(t *testing.T) {
	s := newScene(t)
	set := plonktest.Params(t, zkkex.BabyJubjub20Plonk)
	open := func(id zkkex.CircuitID, digest zkkex.ParamsDigest) (*params.Verifying, error) {
		if id == zkkex.BabyJubjub20Plonk {
			return set.Verifying, nil
		}
		return verifying(id, digest)
	}
	plonk, groth16 := s.plonkMember(set), s.member()
	s.admit(plonk)
	there := s.venueWith("venue.invalid", open, func(c *venue.Config) {
		c.Circuits = append(c.Circuits, descriptor.Circuit{ID: zkkex.BabyJubjub20Plonk, Params: set.Digest()})
	})
	if id, err := plonk.Circuit(20); err != nil || id != zkkex.BabyJubjub20Plonk {
		t.Errorf("proves with %v, %v", id, err)
	}
	if _, err := plonk.Circuit(21); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("another capacity: %v, want %v", err, zkkex.ErrUnsupported)
	}
	v, other := there.trustedBy(plonk), there.trustedBy(groth16)
	one := fresh(t, v)
	works(t, one)
	if got := one.ConnectionState().Statement.Circuit; got != zkkex.BabyJubjub20Plonk {
		t.Errorf("opened with %v", got)
	}
	again, err := one.Resume(t.Context())
	s.must(err)
	defer again.Close()
	works(t, again)
	s.must(one.Renew(t.Context()))
	works(t, one)
	with := fresh(t, other)
	works(t, with)
	if got := with.ConnectionState().Statement.Circuit; got != zkkex.BabyJubjub20 {
		t.Errorf("the other member opened with %v", got)
	}
	// A venue that accepts Groth16 alone is found out before anything is proved.
	err = freshError(t, s.venue("other.invalid").trustedBy(plonk))
	var refused *zkkex.RejectError
	if !errors.As(err, &refused) || refused.Reason != zkkex.WrongCircuit {
		t.Errorf("at a venue without it: %v, want a rejection for %s", err, zkkex.WrongCircuit)
	}
}

// plonkMember returns a member that proves with PLONK and trusts the registry.
func (s *scene) plonkMember(set *params.Proving) *Member {
	s.t.Helper()
	m, err := Open(s.home(), Options{
		ProofSystem: zkkex.Plonk, Now: s.clock.now, Dial: s.dial,
		Params: func(zkkex.CircuitID) (*params.Proving, error) { return set, nil },
	})
	s.must(err)
	s.t.Cleanup(func() { s.must(m.Close()) })
	_, err = m.Trust(s.trusted())
	s.must(err)
	return m
}
