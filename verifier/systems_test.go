package verifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

// TestOneSlotInBothProofSystems takes one slot twice, with Groth16 and with PLONK, as
// a member with a proof system too many would: a verifier that accepts both gives it
// once, whichever comes first.
func TestOneSlotInBothProofSystems(t *testing.T) {
	w := world.New(t, zkkex.BabyJubjub20.CapacityBits())
	secret := w.Member(t)
	checkpoint := w.Checkpoint(t, signed)
	sets := []*params.Proving{world.Params(t, zkkex.BabyJubjub20), plonktest.Params(t, zkkex.BabyJubjub20Plonk)}
	epoch, err := zkkex.DefaultSchedule().At(noon)
	must(t, err)
	rule := verifier.NamedScope{Name: scopeName, Epochs: zkkex.DefaultSchedule()}
	authorized, err := zkkex.Message(strings.NewReader("an offer"))
	must(t, err)
	id := w.Roots.Registry()
	claim := zkkex.Claim{Scope: rule.Scope(id, epoch), Epoch: epoch, Limit: limit, Authorization: authorized}

	var made []*zkkex.Presentation
	for _, set := range sets {
		p, err := prover.Open(set)
		must(t, err)
		h, err := prover.NewHolder(prover.HolderConfig{
			Prover: p, Secret: secret, Registry: id, Paths: w, Slots: new(world.Slots), // each begins anew
		})
		must(t, err)
		presentation, err := h.Prove(context.Background(), claim)
		must(t, err)
		h.Close()
		made = append(made, presentation)
	}
	if made[0].Statement.Nullifier != made[1].Statement.Nullifier {
		t.Error("the nullifier depends on the proof system")
	}
	if made[0].Statement.Binding == made[1].Statement.Binding {
		t.Error("the binding does not depend on the proof system")
	}
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		v, err := verifier.New(verifier.Config{
			Params:   []*params.Verifying{sets[0].Verifying, sets[1].Verifying},
			Registry: id, Roots: registry.Pinned(checkpoint), Scope: rule, Limit: limit,
			Spent: spent.NewMemory(), Now: func() time.Time { return noon },
		})
		must(t, err)
		decision, err := v.Verify(context.Background(), made[order[0]], authorized)
		must(t, err)
		if !decision.Spent {
			t.Error("nothing was spent")
		}
		_, err = v.Verify(context.Background(), made[order[1]], authorized)
		wantReject(t, "the same slot in the other proof system", err, zkkex.SlotUsed)
	}
}
