package params

import (
	"bytes"
	"io/fs"
	"slices"
)

// Proving is a whole parameter set: the verifying part, checked, and the
// proving key, of which size and digest were checked. Package prover parses the
// key and checks it against the circuit.
type Proving struct {
	*Verifying
	provingKey []byte
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
	pk, err := readFile(fsys, ProvingKeyFile, m.ProvingKey)
	if err != nil {
		return nil, err
	}
	return &Proving{Verifying: v, provingKey: pk}, nil
}

// ProvingKey returns the bytes of the proving key. They must not be changed.
func (p *Proving) ProvingKey() []byte { return p.provingKey }

// VerifyingKey returns a copy of the bytes of the verifying key.
func (v *Verifying) VerifyingKey() []byte { return bytes.Clone(v.encoded) }

// Shipped reports whether the proving key is one that comes with this version
// of zkkex. A test has checked that its points are in their subgroups, so that
// opening need not do it again.
func (p *Proving) Shipped() bool {
	return slices.Contains(shippedProvingKeys(), p.manifest.ProvingKey.SHA256.String())
}
