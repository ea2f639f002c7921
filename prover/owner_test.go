package prover_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/params"
)

// openFor returns the parameters of a circuit, and its prover.
func openFor(t *testing.T, id zkkex.CircuitID) (*params.Proving, *prover.Prover) {
	t.Helper()
	set := world.Params(t, id)
	p, err := prover.Open(set)
	if err != nil {
		t.Fatal(err)
	}
	return set, p
}

func TestOwnerProves(t *testing.T) {
	for _, id := range []zkkex.CircuitID{zkkex.EdDSA20, zkkex.EdDSA32} {
		set, p := openFor(t, id)
		s := newScene(t, p)
		h, claim := s.holder(t), s.claim(t, 2)
		seen := make(map[zkkex.Nullifier]bool)
		for range 2 { // the second one builds upon the first
			p, err := h.Prove(context.Background(), claim)
			if err != nil {
				t.Fatalf("%v: %v", id, err)
			}
			if err := set.VerifyProof(&p.Statement, p.Proof); err != nil {
				t.Errorf("%v: %v", id, err)
			}
			if len(p.Proof) != id.ProofSize() || p.Statement.Circuit != id {
				t.Errorf("%v: a proof of %d bytes, of %v", id, len(p.Proof), p.Statement.Circuit)
			}
			seen[p.Statement.Nullifier] = true
		}
		if len(seen) != 2 || !seen[s.secret.Nullifier(claim.Scope, 0)] {
			t.Errorf("%v: %d nullifiers", id, len(seen))
		}
		// Signing again gives no third slot.
		if _, err := h.Prove(context.Background(), claim); err == nil {
			t.Errorf("%v: a third proof for a limit of 2", id)
		}
		h.Close()
	}
}

// What an owner signs is checked before a slot is taken.
func TestOwnerWastesNoSlot(t *testing.T) {
	_, p := openFor(t, zkkex.EdDSA20)
	s := newScene(t, p)
	right := s.config.Owner
	refused := errors.New("the group said no")
	other, err := eddsa.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sign func(context.Context, zkkex.Binding) ([64]byte, error)
		want error
	}{
		"nobody signs": {func(context.Context, zkkex.Binding) ([64]byte, error) { return [64]byte{}, refused }, refused},
		"zeros":        {func(context.Context, zkkex.Binding) ([64]byte, error) { return [64]byte{}, nil }, nil},
		"another key": {func(_ context.Context, b zkkex.Binding) ([64]byte, error) {
			return other.Sign(eddsa.Message(b))
		}, nil},
		"another binding": {func(_ context.Context, b zkkex.Binding) ([64]byte, error) {
			b[0] ^= 1
			return s.key.Sign(eddsa.Message(b))
		}, nil},
	} {
		owner := *right
		owner.Sign = c.sign
		s.config.Owner = &owner
		claim := s.claim(t, 1)
		_, err := s.holder(t).Prove(context.Background(), claim)
		var witnessErr *circuits.WitnessError
		if c.want != nil && !errors.Is(err, c.want) || c.want == nil && (!errors.As(err, &witnessErr) || witnessErr.Check != "signature") {
			t.Errorf("%s: %v", name, err)
		}
		if n := s.slots.Taken(claim.Scope); n != 0 {
			t.Errorf("%s: %d slots taken", name, n)
		}
	}
}

func TestOwnerIsChecked(t *testing.T) {
	_, p := openFor(t, zkkex.EdDSA20)
	s := newScene(t, p)
	for name, change := range map[string]func(c *prover.HolderConfig, o *prover.Owner){
		"Public":       func(_ *prover.HolderConfig, o *prover.Owner) { o.Public = nil },
		"Sign":         func(_ *prover.HolderConfig, o *prover.Owner) { o.Sign = nil },
		"NullifierKey": func(_ *prover.HolderConfig, o *prover.Owner) { o.NullifierKey[31] ^= 1 },
		"canonical":    func(_ *prover.HolderConfig, o *prover.Owner) { o.NullifierKey[0] = 0xff },
		"type":         func(_ *prover.HolderConfig, o *prover.Owner) { o.Public = s.secret.Public() },
		"too many":     func(c *prover.HolderConfig, _ *prover.Owner) { c.Secret = s.secret },
	} {
		c, owner := s.config, *s.config.Owner
		c.Owner = &owner
		change(&c, &owner)
		if _, err := prover.NewHolder(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := s.config
	c.Prover = open(t)
	if _, err := prover.NewHolder(c); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an owner for the babyjubjub circuit: %v", err)
	}
	nk := s.config.Owner.NullifierKey
	for _, shown := range []string{fmt.Sprint(*s.config.Owner), fmt.Sprintf("%+v", s.config.Owner), fmt.Sprintf("%#v %x", *s.config.Owner, s.config.Owner)} {
		if strings.Contains(shown, fmt.Sprintf("%x", nk[:4])) || !strings.Contains(shown, redact.Text) {
			t.Errorf("shown: %s", shown)
		}
	}
}
