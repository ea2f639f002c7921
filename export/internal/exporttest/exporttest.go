// Package exporttest makes real proofs with the development parameters, and
// tampers with what is exported of them, for tests that ask verifiers by others.
package exporttest

import (
	"io/fs"
	"os"
	"path/filepath"
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

// Member is the one member of a registry.
type Member struct {
	// Registry is the registry's identifier.
	Registry zkkex.RegistryID

	holder *prover.Holder
}

// NewMember returns a member who proves with a circuit's development set.
func NewMember(t testing.TB, id zkkex.CircuitID) *Member {
	t.Helper()
	p, err := prover.Open(world.Params(t, id))
	check(t, err)
	w := world.New(t, id.CapacityBits())
	secret := w.Member(t)
	w.Checkpoint(t, time.Now())
	m := &Member{Registry: w.Roots.Registry()}
	m.holder, err = prover.NewHolder(prover.HolderConfig{
		Prover: p, Secret: secret, Registry: m.Registry, Paths: w, Slots: new(world.Slots),
	})
	check(t, err)
	t.Cleanup(m.holder.Close)
	return m
}

// Prove returns a presentation for a message, in the next slot of the scope of
// this name, in the epoch at a time.
func (m *Member) Prove(t testing.TB, scope string, at time.Time, limit uint32, message string) *zkkex.Presentation {
	t.Helper()
	epoch, err := zkkex.DefaultSchedule().At(at)
	check(t, err)
	a, err := zkkex.Message(strings.NewReader(message))
	check(t, err)
	named := zkkex.NamedScope{Name: scope, Registry: m.Registry, Epoch: epoch}
	p, err := m.holder.Prove(t.Context(), zkkex.Claim{Scope: named.Scope(), Epoch: epoch, Limit: limit, Authorization: a})
	check(t, err)
	return p
}

// Presentations returns two presentations of one member, in two slots of one
// scope.
func Presentations(t testing.TB, id zkkex.CircuitID) [2]*zkkex.Presentation {
	t.Helper()
	m, now := NewMember(t, id), time.Now()
	return [2]*zkkex.Presentation{m.Prove(t, "test", now, 2, "a message"), m.Prove(t, "test", now, 2, "a message")}
}

// Sample returns the sample of docs/spec/export.md, which does not change: the
// verifying part of a set, and a presentation that was made with it, in the
// folder export/testdata at dir.
func Sample(t testing.TB, dir string) (*export.Key, *zkkex.Presentation) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "sample.presentation"))
	check(t, err)
	p, err := zkkex.ParsePresentationText(text)
	check(t, err)
	key := KeyOf(t, os.DirFS(filepath.Join(dir, "params")))
	if key.Params() != p.Params {
		t.Fatal("the sample's presentation and parameters do not belong together")
	}
	return key, p
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
