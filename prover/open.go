package prover

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/groth16prover"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

func openGroth16(set *params.Proving) (engine, error) {
	system, err := circuits.Compile(set.Circuit())
	if err != nil {
		return nil, err
	}
	if err := checkCircuit(relation.Digest(system), system.GetNbConstraints(), set.Manifest().Circuit); err != nil {
		return nil, err
	}
	points, err := groth16.ParsePoints(set.VerifyingKey())
	if err != nil {
		return nil, &params.MismatchError{File: params.VerifyingKeyFile, Check: "points", Err: err}
	}
	trust := provingkey.Trust(set.Shipped())
	parsed, err := provingkey.Parse(set.ProvingKey(), relation.SizeOf(system), points, trust)
	if err != nil {
		return nil, &params.MismatchError{File: params.ProvingKeyFile, Check: "key", Err: err}
	}
	key, err := groth16prover.New(system, parsed)
	if err != nil {
		return nil, &params.MismatchError{File: params.ProvingKeyFile, Check: "key", Err: err}
	}
	return groth16Engine{key}, nil
}

// openPlonk trusts nothing but that the structured reference string is one: that
// is checked, and the keys are computed from it.
func openPlonk(set *params.Proving) (engine, error) {
	system, err := circuits.CompilePlonk(set.Circuit())
	if err != nil {
		return nil, err
	}
	if err := checkCircuit(relation.DigestSparse(system), system.GetNbConstraints(), set.Manifest().Circuit); err != nil {
		return nil, err
	}
	srs, err := plonk.ParseSRS(set.SRS(), plonk.DomainFor(system.GetNbConstraints()))
	if err != nil {
		return nil, srsMismatch(err)
	}
	if err := srs.Check(); err != nil {
		return nil, srsMismatch(err)
	}
	key, err := plonk.NewProvingKey(system, srs)
	if err != nil {
		return nil, &params.MismatchError{File: params.SRSFile, Check: "key", Err: err}
	}
	points := key.Points()
	if !bytes.Equal(points.Bytes(), set.VerifyingKey()) {
		return nil, &params.MismatchError{File: params.VerifyingKeyFile, Check: "computed again", Err: errForeignKey}
	}
	return plonkEngine{key}, nil
}

// errForeignKey reports a verifying key that does not follow from the circuit.
var errForeignKey = errors.New("not what follows from the circuit and " + params.SRSFile)

// srsMismatch names the check that a structured reference string failed.
func srsMismatch(err error) error {
	check := "points"
	if failed := (*plonk.CheckError)(nil); errors.As(err, &failed) {
		check, err = failed.Check, failed.Err
	}
	return &params.MismatchError{File: params.SRSFile, Check: check, Err: err}
}

// checkCircuit compares the circuit that was compiled with the manifest's.
func checkCircuit(digest params.Digest, constraints int, want params.Circuit) error {
	mismatch := func(check, msg string, args ...any) error {
		return &params.MismatchError{File: params.ManifestFile, Check: check, Err: fmt.Errorf(msg, args...)}
	}
	if digest != want.Digest {
		return mismatch("circuit digest", "the parameters are for %v, this program has %v; update one of them", want.Digest, digest)
	}
	if constraints != want.Constraints {
		return mismatch("constraints", "expected %d, the circuit has %d", want.Constraints, constraints)
	}
	return nil
}
