package params

import (
	"io/fs"

	"github.com/zkkex/zkkex"
)

// Verifying is the verifying part of a parameter set, checked and ready. It is
// safe for concurrent use.
type Verifying struct {
	manifest Manifest
	digest   zkkex.ParamsDigest
	encoded  []byte
	system   system
}

// OpenVerifying opens the verifying part of the set in fsys. The size of every
// file is checked before it is read, and its digest before it is parsed; then
// every point (curve, subgroup, none at infinity), the number of public inputs,
// and that the key is not one with which anybody can forge.
//
// It returns a [*MismatchError] that names the file and the check, an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] for a manifest that is
// none, or the error of fsys.
func OpenVerifying(fsys fs.FS, accept Accept) (*Verifying, error) {
	m, digest, err := openManifest(fsys, accept)
	if err != nil {
		return nil, err
	}
	return openVerifying(fsys, m, digest)
}

func openVerifying(fsys fs.FS, m *Manifest, digest zkkex.ParamsDigest) (*Verifying, error) {
	encoded, err := readFile(fsys, VerifyingKeyFile, m.VerifyingKey)
	if err != nil {
		return nil, err
	}
	system, err := newSystem(m, encoded)
	if err != nil {
		return nil, err
	}
	return &Verifying{manifest: *m, digest: digest, encoded: encoded, system: system}, nil
}

// Digest returns the digest of the parameter set.
func (v *Verifying) Digest() zkkex.ParamsDigest { return v.digest }

// Circuit returns the circuit of the parameter set.
func (v *Verifying) Circuit() zkkex.CircuitID { return v.manifest.Circuit.ID }

// Manifest returns a copy of the manifest.
func (v *Verifying) Manifest() Manifest {
	m := v.manifest
	if m.Ceremony != nil {
		c := *m.Ceremony
		m.Ceremony = &c
	}
	m.Universal = m.Universal.clone()
	return m
}

// VerifyProof checks one proof of a statement, and nothing else: neither root
// nor scope, epoch, binding or nullifier. Package verifier decides about all of
// them.
//
// It returns an error wrapping [zkkex.ErrRejected], with the reason
// [zkkex.BadProof], if the proof does not verify; with the reason
// [zkkex.WrongCircuit] for a statement of another circuit; and one wrapping
// [zkkex.ErrMalformed] if root or nullifier are not canonical.
func (v *Verifying) VerifyProof(st *zkkex.Statement, proof zkkex.Proof) error {
	c, err := v.claim(st, proof)
	if err != nil {
		return err
	}
	return v.system.verify(c)
}
