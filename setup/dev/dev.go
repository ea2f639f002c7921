// Package dev holds the development parameter sets that ship with zkkex, so
// that any two machines interoperate. Importing it adds some megabytes to a
// program.
//
// One process was every contributor to the ceremonies of these sets, and promised to
// forget what it drew. Who kept it could forge any proof: they are for development and
// tests, and nothing else. They cannot break anonymity, which `zkkex setup verify
// setup/dev/babyjubjub-20` checks, in the repository. To open them, the Accept of
// package params must say Dev.
package dev

import (
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
var sets embed.FS

// Circuits lists the circuits that have a development set, in order of their
// ids: those of Groth16. PLONK's parameters come from a public ceremony, and are
// never a development set.
func Circuits() []zkkex.CircuitID { return zkkex.Groth16.Circuits() }

// FS returns the folder of a circuit's development set, for package params to
// open. It returns an error wrapping [zkkex.ErrUnsupported] if there is none.
func FS(id zkkex.CircuitID) (fs.FS, error) {
	if !slices.Contains(Circuits(), id) {
		return nil, fmt.Errorf("%w: no development parameters for %v, expected one of %v", zkkex.ErrUnsupported, id, Circuits())
	}
	return fs.Sub(sets, id.String())
}
