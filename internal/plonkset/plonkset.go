// Package plonkset makes the files of PLONK's parameter sets, from a structured
// reference string that is there already.
package plonkset

import (
	"fmt"
	"time"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// compile compiles a circuit.
var compile = circuits.CompilePlonk

// TestingOnlyReplace puts a small system in the place of every circuit's, for all
// of the process, until restore is called: for tests that are about files and not
// about circuits.
func TestingOnlyReplace(system *cs.SparseR1CS) (restore func()) {
	compile = func(zkkex.CircuitID) (*cs.SparseR1CS, error) { return system, nil }
	return func() { compile = circuits.CompilePlonk }
}

// Domain returns the size of a circuit's domain, and the number of powers of tau
// that its set takes. It returns an error wrapping [zkkex.ErrUnsupported] for a
// circuit that is not one of PLONK.
func Domain(id zkkex.CircuitID) (domain, powers int, err error) {
	system, err := compile(id)
	if err != nil {
		return 0, 0, err
	}
	domain = plonk.DomainFor(system.GetNbConstraints())
	return domain, plonk.PowersFor(domain), nil
}

// Files returns the files of a set by their names, and its manifest. The string
// is checked first; it returns a [*plonk.CheckError] for one that is none, and the
// manifest's error for an origin that it cannot hold.
func Files(id zkkex.CircuitID, srs *plonk.SRS, origin params.UniversalSetup, created time.Time) (map[string][]byte, *params.Manifest, error) {
	system, err := compile(id)
	if err != nil {
		return nil, nil, err
	}
	if err := srs.Check(); err != nil {
		return nil, nil, fmt.Errorf("structured reference string: %w", err)
	}
	key, err := plonk.NewProvingKey(system, srs)
	if err != nil {
		return nil, nil, fmt.Errorf("keys of %v: %w", id, err)
	}
	points := key.Points()
	encodedSRS, encodedKey := srs.Bytes(), points.Bytes()
	manifest := &params.Manifest{
		Format:      params.Format,
		Kind:        params.Universal,
		Created:     created.UTC().Truncate(time.Second),
		ProofSystem: params.PlonkProofSystem,
		Curve:       params.Curve,
		Circuit: params.Circuit{
			ID:           id,
			Name:         id.String(),
			Digest:       relation.DigestSparse(system),
			Constraints:  system.GetNbConstraints(),
			PublicInputs: public.Count,
		},
		SRS:          params.Describe(encodedSRS),
		VerifyingKey: params.Describe(encodedKey),
		Universal:    &origin,
	}
	encoded, err := manifest.Bytes()
	if err != nil {
		return nil, nil, err
	}
	return map[string][]byte{
		params.ManifestFile:     encoded,
		params.SRSFile:          encodedSRS,
		params.VerifyingKeyFile: encodedKey,
	}, manifest, nil
}
