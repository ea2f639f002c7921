// Package setup makes parameter sets.
//
// For Groth16 it makes development sets: one process draws the secrets of the
// setup (the toxic waste), and whoever kept them could forge any proof. Such a
// set is named "dev", carries that into its digest, and is refused unless asked
// for by name. A set that can be trusted comes from a ceremony with many
// parties: see package ceremony.
//
// For PLONK it makes sets from the outcome of a public ceremony that was for no
// circuit in particular.
package setup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	gnark "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// WriteDev makes a development parameter set for a circuit and writes it to the
// folder dir, which must not exist: it is there complete, or not at all. The
// creation date is created, in whole seconds. It returns an error wrapping
// [zkkex.ErrUnsupported] for an unknown circuit, and [os.ErrExist] if dir is
// there already.
func WriteDev(dir string, id zkkex.CircuitID, created time.Time) (*params.Manifest, error) {
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, os.ErrExist)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	files, manifest, err := generate(id, created)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, err)
	}
	return manifest, nil
}

func generate(id zkkex.CircuitID, created time.Time) (map[string][]byte, *params.Manifest, error) {
	quiet.Gnark()
	system, err := circuits.Compile(id)
	if err != nil {
		return nil, nil, err
	}
	var pk gnark.ProvingKey
	var vk gnark.VerifyingKey
	if err := gnark.Setup(system, &pk, &vk); err != nil {
		return nil, nil, fmt.Errorf("setup of %v: %w", id, err)
	}
	var pkBytes, vkBytes bytes.Buffer
	if _, err := pk.WriteRawTo(&pkBytes); err != nil {
		return nil, nil, fmt.Errorf("encoding the proving key of %v: %w", id, err)
	}
	if _, err := vk.WriteTo(&vkBytes); err != nil {
		return nil, nil, fmt.Errorf("encoding the verifying key of %v: %w", id, err)
	}
	manifest := &params.Manifest{
		Format:      params.Format,
		Kind:        params.Dev,
		Created:     created.UTC().Truncate(time.Second),
		ProofSystem: params.ProofSystem,
		Curve:       params.Curve,
		Circuit: params.Circuit{
			ID:           id,
			Name:         id.String(),
			Digest:       relation.Digest(system),
			Constraints:  system.GetNbConstraints(),
			PublicInputs: public.Count,
		},
		ProvingKey:   params.Describe(pkBytes.Bytes()),
		VerifyingKey: params.Describe(vkBytes.Bytes()),
	}
	encoded, err := manifest.Bytes()
	if err != nil {
		return nil, nil, err
	}
	return map[string][]byte{
		params.ManifestFile:     encoded,
		params.ProvingKeyFile:   pkBytes.Bytes(),
		params.VerifyingKeyFile: vkBytes.Bytes(),
	}, manifest, nil
}
