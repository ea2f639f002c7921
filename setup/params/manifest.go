// Package params opens parameter sets: folders with the keys that a circuit is
// proved and verified with, and a manifest that says what they are.
//
//	manifest.json   what the set is, with the sizes and digests of the rest
//	circuit.pk      Groth16: the proving key
//	circuit.srs     PLONK: the structured reference string, in the key's place
//	circuit.vk      the verifying key
//
// A set is named by its [zkkex.ParamsDigest], the digest of its manifest, and
// so of everything in it. Every file is measured and hashed before it is
// parsed. The formats are in docs/spec/params.md.
package params

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/public"
)

// Names of the files of a parameter set.
const (
	ManifestFile     = "manifest.json"
	ProvingKeyFile   = "circuit.pk"
	SRSFile          = "circuit.srs"
	VerifyingKeyFile = "circuit.vk"
	// TranscriptFile is the transcript of the ceremony that made a set, in a set
	// that has one. Opening a set does not read it.
	TranscriptFile = "circuit.transcript"
)

// Limits of sizes, in bytes.
const (
	// MaxManifestSize bounds a manifest.
	MaxManifestSize = 16 << 10
	// MaxProvingKeySize bounds a proving key.
	MaxProvingKeySize = 256 << 20
	// VerifyingKeySize is the size of every verifying key of Groth16 without a
	// commitment.
	VerifyingKeySize = groth16.VerifyingKeySize
	// CommittedKeySize is the size of every verifying key of Groth16 with a
	// commitment.
	CommittedKeySize = groth16.CommittedKeySize
	// PlonkVerifyingKeySize is the size of every verifying key of PLONK.
	PlonkVerifyingKeySize = plonk.VerifyingKeySize
)

// The values of the manifest's fields of these names in this version.
const (
	Format           = "zkkex/v1 params"
	ProofSystem      = "groth16"
	PlonkProofSystem = "plonk"
	Curve            = "bn254"
)

// Kind says how a parameter set was made, and so whom its users trust.
type Kind string

// Kinds of parameter sets.
const (
	// Dev is a set that one party made, who knew the toxic waste and can forge
	// any proof. It is for development and tests.
	Dev Kind = "dev"
	// Ceremony is a set that many parties made, of whom one honest one is
	// enough. Package params does not verify that: it accepts such a set by its
	// digest alone.
	Ceremony Kind = "ceremony"
	// Universal is a set of PLONK, made by nobody: it follows from the outcome
	// of a ceremony that was for no circuit in particular, of whose parties one
	// honest one is enough. Package params does not verify that, and accepts
	// such a set by its digest alone.
	Universal Kind = "universal"
)

// Manifest says what a parameter set is.
type Manifest struct {
	Format       string              `json:"format"`
	Kind         Kind                `json:"kind"`
	Created      time.Time           `json:"created"`
	ProofSystem  string              `json:"proof_system"`
	Curve        string              `json:"curve"`
	Circuit      Circuit             `json:"circuit"`
	ProvingKey   File                `json:"proving_key,omitzero"` // of Groth16
	SRS          File                `json:"srs,omitzero"`         // of PLONK
	VerifyingKey File                `json:"verifying_key"`
	Ceremony     *CeremonyTranscript `json:"ceremony,omitempty"`
	Universal    *UniversalSetup     `json:"universal,omitempty"`
}

// Circuit names the relation of a parameter set.
type Circuit struct {
	// ID and Name are the circuit's id and its name.
	ID   zkkex.CircuitID `json:"id"`
	Name string          `json:"name"`
	// Digest is the digest of the compiled constraint system.
	Digest Digest `json:"digest"`
	// Constraints is the number of constraints.
	Constraints int `json:"constraints"`
	// PublicInputs is the number of public inputs, without the constant wire.
	PublicInputs int `json:"public_inputs"`
	// Commitments is the number of commitments, 0 or 1.
	Commitments int `json:"commitments,omitzero"`
}

// verifyingKeySize is the size of the circuit's verifying keys of Groth16.
func (c *Circuit) verifyingKeySize() int64 {
	if c.Commitments > 0 {
		return CommittedKeySize
	}
	return VerifyingKeySize
}

// File is the size and the digest of a file.
type File struct {
	// Size is the number of bytes.
	Size int64 `json:"size"`
	// SHA256 is the SHA-256 of the whole file.
	SHA256 Digest `json:"sha256"`
}

// Describe returns the size and the digest of a file's content.
func Describe(b []byte) File {
	return File{Size: int64(len(b)), SHA256: sha256.Sum256(b)}
}

// CeremonyTranscript refers to the transcript of a ceremony. That the
// transcript is sound is for whoever accepts the set to verify; the set's digest
// covers the reference.
type CeremonyTranscript struct {
	// Transcript is the file of the transcript.
	Transcript File `json:"transcript"`
	// Contributions is the number of verified contributions to the second
	// phase, without the beacon. A beacon alone is known to everybody.
	Contributions int `json:"contributions"`
	// Beacon names the public beacon that closed the ceremony.
	Beacon string `json:"beacon"`
}

// Digest is a SHA-256 digest, in text as 64 lower-case hexadecimal digits.
type Digest [32]byte

// String returns the digest as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return zkkex.ParamsDigest(d).String() }

// MarshalText returns what String does.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the one form that MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	v, err := zkkex.ParseHex(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

const manifestFormat = "parameter manifest"

// ParseManifest decodes a manifest, strictly: it accepts exactly what
// [Manifest.Bytes] returns. It returns an error wrapping [zkkex.ErrMalformed],
// or [zkkex.ErrUnsupported] for a circuit, kind, curve or proof system that this
// version does not know.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifestSize {
		return nil, malformed("expected at most %d bytes, got %d", MaxManifestSize, len(b))
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	var m Manifest
	if err := decoder.Decode(&m); err != nil {
		return nil, malformed("%w", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if again, err := m.Bytes(); err != nil || !bytes.Equal(again, b) {
		return nil, malformed("not in the one accepted form: fields in their order, indented by two spaces, ended by a newline")
	}
	return &m, nil
}

// Bytes returns the encoding of m, its canonical JSON. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if [ParseManifest]
// would refuse it.
func (m *Manifest) Bytes() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return nil, malformed("%w", err)
	}
	if out.Len() > MaxManifestSize {
		return nil, malformed("expected at most %d bytes, got %d", MaxManifestSize, out.Len())
	}
	return out.Bytes(), nil
}

// Digest returns the digest of the parameter set: the framed hash of the
// manifest's bytes. It returns the error of [Manifest.Bytes].
func (m *Manifest) Digest() (zkkex.ParamsDigest, error) {
	b, err := m.Bytes()
	if err != nil {
		return zkkex.ParamsDigest{}, err
	}
	return domain.Hash(domain.Params, b), nil
}

func (m *Manifest) check() error {
	if m.Format != Format {
		return fmt.Errorf("%w: parameter manifest of format %q, expected %q", zkkex.ErrUnsupported, m.Format, Format)
	}
	if m.ProofSystem != ProofSystem && m.ProofSystem != PlonkProofSystem || m.Curve != Curve {
		return fmt.Errorf("%w: proof system %q over curve %q, expected %q or %q over %q",
			zkkex.ErrUnsupported, m.ProofSystem, m.Curve, ProofSystem, PlonkProofSystem, Curve)
	}
	if err := m.Circuit.check(); err != nil {
		return err
	}
	if want := m.Circuit.ID.ProofSystem().String(); m.ProofSystem != want {
		return malformed("circuit %v with proof system %q, expected %q", m.Circuit.ID, m.ProofSystem, want)
	}
	if m.Created.Nanosecond() != 0 || m.Created.Location() != time.UTC {
		return malformed("created: expected whole seconds in UTC")
	}
	if err := m.checkFiles(); err != nil {
		return err
	}
	return m.checkKind()
}

func (m *Manifest) checkFiles() error {
	if m.ProofSystem == PlonkProofSystem {
		return m.checkPlonkFiles()
	}
	if m.SRS != (File{}) {
		return malformed("structured reference string for proof system %q, expected none", m.ProofSystem)
	}
	if want := m.Circuit.verifyingKeySize(); m.VerifyingKey.Size != want {
		return malformed("verifying key of %d bytes, expected %d", m.VerifyingKey.Size, want)
	}
	if m.ProvingKey.Size < 1 || m.ProvingKey.Size > MaxProvingKeySize {
		return malformed("proving key of %d bytes, expected 1 to %d", m.ProvingKey.Size, MaxProvingKeySize)
	}
	return nil
}

func (c *Circuit) check() error {
	if !c.ID.Known() {
		return fmt.Errorf("%w: circuit %v, expected one of %v", zkkex.ErrUnsupported, c.ID, zkkex.Circuits())
	}
	if c.Name != c.ID.String() {
		return malformed("circuit %#04x is named %q, expected %q", uint16(c.ID), c.Name, c.ID)
	}
	if c.PublicInputs != public.Count {
		return malformed("%d public inputs, expected %d", c.PublicInputs, public.Count)
	}
	if want := c.ID.Commitments(); c.Commitments != want {
		return malformed("%d commitments, expected %d for %v", c.Commitments, want, c.ID)
	}
	if c.Constraints < 1 {
		return malformed("%d constraints, expected at least 1", c.Constraints)
	}
	return nil
}

func (m *Manifest) checkKind() error {
	if m.ProofSystem == PlonkProofSystem || m.Kind == Universal {
		return m.checkUniversal()
	}
	if m.Universal != nil {
		return malformed("kind %q has a universal setup, expected none", m.Kind)
	}
	switch m.Kind {
	case Dev:
		if m.Ceremony == nil {
			return nil
		}
		return m.Ceremony.check()
	case Ceremony:
		return m.Ceremony.check()
	default:
		return fmt.Errorf("%w: kind %q, expected %q, %q or %q", zkkex.ErrUnsupported, m.Kind, Dev, Ceremony, Universal)
	}
}

func (c *CeremonyTranscript) check() error {
	switch {
	case c == nil:
		return malformed("kind %q without a ceremony: expected its transcript", Ceremony)
	case c.Contributions < 1:
		return malformed("ceremony with %d contributions besides the beacon, expected at least 1: everybody knows what a beacon contributes", c.Contributions)
	case c.Transcript.Size < 1:
		return malformed("ceremony with a transcript of %d bytes, expected at least 1", c.Transcript.Size)
	case c.Beacon == "":
		return malformed("ceremony without a beacon")
	}
	return nil
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: manifestFormat, Err: fmt.Errorf(msg, args...)}
}

// Reasons not to trust a set. They come in a [MismatchError].
var (
	// ErrDev reports a development set where the caller did not ask for one.
	ErrDev = errors.New("development parameters: one party knew the toxic waste and can forge; allow them by name to use them")
	// ErrUnpinned reports a set of another kind than dev where the caller did not
	// pin its digest.
	ErrUnpinned = errors.New("parameters that are not pinned: what they say of a ceremony is believed only by their digest, after their transcript was verified")
	// ErrRelabelled reports a set of another kind that has a key of a
	// development set of this version.
	ErrRelabelled = errors.New("a key of the development parameters under another label: one party knew the toxic waste and can forge; do not use this set")
)
