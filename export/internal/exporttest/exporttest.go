// Package exporttest makes real proofs with the development parameters, and
// tampers with what is exported of them, for tests that ask verifiers by others.
package exporttest

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// Circuits returns the circuits whose proofs are exported.
func Circuits() []zkkex.CircuitID {
	return []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32}
}

// Key returns the key of a circuit's development set.
func Key(t testing.TB, id zkkex.CircuitID) *export.Key {
	t.Helper()
	fsys, err := dev.FS(id)
	check(t, err)
	return KeyOf(t, fsys)
}

// KeyOf returns the key of the development set in fsys.
func KeyOf(t testing.TB, fsys fs.FS) *export.Key {
	t.Helper()
	set, err := params.OpenVerifying(fsys, params.Accept{Dev: true})
	check(t, err)
	key, err := export.NewKey(set)
	check(t, err)
	return key
}

// Presentations returns two presentations of one member, in two slots of one
// scope.
func Presentations(t testing.TB, id zkkex.CircuitID) [2]*zkkex.Presentation {
	t.Helper()
	p, err := prover.Open(world.Params(t, id))
	check(t, err)
	w := world.New(t, id.CapacityBits())
	secret := w.Member(t)
	w.Checkpoint(t, time.Now())
	h, err := prover.NewHolder(prover.HolderConfig{
		Prover: p, Secret: secret, Registry: w.Roots.Registry(), Paths: w, Slots: new(world.Slots),
	})
	check(t, err)
	t.Cleanup(h.Close)
	epoch, err := zkkex.DefaultSchedule().At(time.Now())
	check(t, err)
	a, err := zkkex.Message(strings.NewReader("a message"))
	check(t, err)
	scope := zkkex.NamedScope{Name: "test", Registry: w.Roots.Registry(), Epoch: epoch}.Scope()
	var out [2]*zkkex.Presentation
	for i := range out {
		out[i], err = h.Prove(t.Context(), zkkex.Claim{Scope: scope, Epoch: epoch, Limit: 2, Authorization: a})
		check(t, err)
	}
	return out
}

// Proof returns the proof of a presentation, ready to be exported.
func Proof(t testing.TB, key *export.Key, p *zkkex.Presentation) *export.Proof {
	t.Helper()
	proof, err := key.Proof(&p.Statement, p.Proof)
	check(t, err)
	return proof
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
