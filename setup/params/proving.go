package params

import (
	"bytes"
	"io/fs"
	"slices"
)

// Proving is a whole parameter set: the verifying part, checked, and the proving
// key or the structured reference string, of which size and digest were checked.
// Package prover parses it and checks it against the circuit.
type Proving struct {
	*Verifying
	provingKey, srs []byte
}

// OpenProving opens the whole set in fsys. The errors are those of
// [OpenVerifying].
func OpenProving(fsys fs.FS, accept Accept) (*Proving, error) {
	m, digest, err := openManifest(fsys, accept)
	if err != nil {
		return nil, err
	}
	v, err := openVerifying(fsys, m, digest)
	if err != nil {
		return nil, err
	}
	p := &Proving{Verifying: v}
	if m.ProofSystem == PlonkProofSystem {
		p.srs, err = readFile(fsys, SRSFile, m.SRS)
	} else {
		p.provingKey, err = readFile(fsys, ProvingKeyFile, m.ProvingKey)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// ProvingKey returns the bytes of the proving key, or nil for a set of PLONK. They
// must not be changed.
func (p *Proving) ProvingKey() []byte { return p.provingKey }

// SRS returns the bytes of the structured reference string of a set of PLONK, or
// nil. They must not be changed.
func (p *Proving) SRS() []byte { return p.srs }

// VerifyingKey returns a copy of the bytes of the verifying key.
func (v *Verifying) VerifyingKey() []byte { return bytes.Clone(v.encoded) }

// Shipped reports whether the proving key is one that comes with this version
// of zkkex. A test has checked that its points are in their subgroups, so that
// opening need not do it again.
func (p *Proving) Shipped() bool {
	return slices.Contains(shippedProvingKeys(), p.manifest.ProvingKey.SHA256.String())
}
