// Package dev holds the development parameter sets of this version of zkkex, so
// that any two machines interoperate. Importing it adds some megabytes to a
// program.
//
// Those of small circuits ship. One process was every contributor to their
// ceremonies, and promised to forget what it drew: who kept it could forge any
// proof. They cannot break anonymity, which `zkkex setup verify
// setup/dev/babyjubjub-20` checks, in the repository.
//
// Those of larger circuits are derived: their verifying keys ship, and their
// proving keys are computed on first use, from secrets that are no secrets, as they
// are hashed from a constant. Everybody can forge proofs under them.
//
// Both are for development and tests, and nothing else. To open them, the Accept of
// package params must say Dev.
package dev

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/zkkex/zkkex"
)

// The transcripts of their ceremonies stay in the repository: what opens a set does
// not read them, and who checks one has the folder.
//
//go:embed babyjubjub-20/manifest.json babyjubjub-20/circuit.pk babyjubjub-20/circuit.vk
//go:embed babyjubjub-32/manifest.json babyjubjub-32/circuit.pk babyjubjub-32/circuit.vk
//go:embed eddsa-20/manifest.json eddsa-20/circuit.pk eddsa-20/circuit.vk
//go:embed eddsa-32/manifest.json eddsa-32/circuit.pk eddsa-32/circuit.vk
//go:embed derived
var sets embed.FS

// Shipped lists the circuits whose development set ships, in order of their ids.
func Shipped() []zkkex.CircuitID {
	return []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32, zkkex.EdDSA20, zkkex.EdDSA32}
}

// Derived lists the circuits whose development set is derived, in order of their
// ids.
func Derived() []zkkex.CircuitID {
	return slices.DeleteFunc(zkkex.Groth16.Circuits(), func(id zkkex.CircuitID) bool {
		_, err := fs.Stat(sets, "derived/"+id.String())
		return err != nil
	})
}

// Circuits lists the circuits that have a development set, in order of their ids:
// those of Groth16. PLONK's parameters come from a public ceremony, and are never a
// development set.
func Circuits() []zkkex.CircuitID {
	all := append(Shipped(), Derived()...)
	slices.Sort(all)
	return all
}

// FS returns the folder of a circuit's development set, for package params to
// open. If the set is derived, opening the file of its proving key does what
// [Prepare] does; the verifying part is there at once. It returns an error wrapping
// [zkkex.ErrUnsupported] if there is no such set.
func FS(id zkkex.CircuitID) (fs.FS, error) {
	switch {
	case slices.Contains(Shipped(), id):
		return fs.Sub(sets, id.String())
	case slices.Contains(Derived(), id):
		return openDerived(id)
	}
	return nil, fmt.Errorf("%w: no development parameters for %v, expected one of %v", zkkex.ErrUnsupported, id, Circuits())
}

// Progress is told how far a step of long work has come. It may be nil.
type Progress func(step string, done, total int)

// Prepare makes sure that a circuit's proving key is at hand. For a derived set it
// is computed, once for a user: some seconds of all processors, and a file of some
// megabytes in the folder zkkex/params of [os.UserCacheDir]. Two processes that
// prepare at once compute once. It returns an error wrapping
// [zkkex.ErrUnsupported] if there is no such set, [ErrDerived] if this program
// computes another key than the set says, an error of the file system, or that of
// ctx.
func Prepare(ctx context.Context, id zkkex.CircuitID, progress Progress) error {
	fsys, err := FS(id)
	if err != nil {
		return err
	}
	if d, ok := fsys.(*derived); ok {
		_, err = d.prepare(ctx, progress)
	}
	return err
}
