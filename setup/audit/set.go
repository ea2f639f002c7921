package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	gnark "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// Checks of a set without its transcript.
const (
	// CheckParamsDigest: the manifest has the digest that was asked for.
	CheckParamsDigest = "params digest"
	// CheckKind: the kind is not belied by a key of the development sets.
	CheckKind = "kind"
	// CheckFile: a file has the size and SHA-256 that the manifest says.
	CheckFile = "sha256"
	// CheckCircuit: the circuit is what this program compiles.
	CheckCircuit = "circuit"
	// CheckEncoding: a key is in its one form, with every point in its group.
	CheckEncoding = "encoding"
	// CheckSafe: the verifying key does not let everybody forge.
	CheckSafe = "safe to verify with"
)

// readManifest reads what the set says of itself. Without that there is no set.
func (a *auditor) readManifest() error {
	b, _, err := a.readFile(params.ManifestFile, params.MaxManifestSize)
	if err != nil {
		return err
	}
	m, err := params.ParseManifest(b)
	if err != nil {
		return err
	}
	if m.ProofSystem != params.ProofSystem {
		return fmt.Errorf("%w: a set of %s, expected %s: it has no ceremony of its own; make it again from its powers of tau and compare the files",
			zkkex.ErrUnsupported, m.ProofSystem, params.ProofSystem)
	}
	if m.Circuit.Commitments > 0 {
		return fmt.Errorf("%w: a set of %v, whose proofs have a commitment: expected a circuit without, as no ceremony makes others yet; a development set is made again by zkkex itself",
			zkkex.ErrUnsupported, m.Circuit.ID)
	}
	digest, err := m.Digest()
	if err != nil {
		return err
	}
	a.manifest = m
	a.report.Params, a.report.Kind, a.report.Circuit = digest.String(), m.Kind, &m.Circuit
	if want := a.options.Digest; want != nil {
		a.record(CheckParamsDigest, subject{file: params.ManifestFile}, differ(*want == digest, want, digest))
	}
	return a.checkKind(digest)
}

// checkKind asks the loader whether the set has a key of a development set under
// another name. What else it may refuse has checks of its own.
func (a *auditor) checkKind(digest zkkex.ParamsDigest) error {
	_, err := params.OpenVerifying(a.fsys, params.Accept{Dev: true, Digest: &digest})
	if errors.Is(err, params.ErrRelabelled) {
		a.record(CheckKind, subject{file: params.ManifestFile}, params.ErrRelabelled)
		return nil
	}
	a.record(CheckKind, subject{file: params.ManifestFile}, nil)
	return nil
}

// compile compiles the circuit that the manifest names and compares it.
func (a *auditor) compile() {
	a.step("compiling the circuit", 0, 1)
	about, want := subject{file: params.ManifestFile}, a.manifest.Circuit
	system, err := compiled.Circuit(want.ID)
	if err != nil {
		a.record(CheckCircuit, about, err)
		return
	}
	a.system = system
	size := relation.SizeOf(system)
	got := params.Circuit{
		ID: want.ID, Name: want.ID.String(), Digest: relation.Digest(system),
		Constraints: size.Constraints, PublicInputs: size.Public - 1,
	}
	a.findings.circuit = a.record(CheckCircuit, about, differ(got == want, want, got))
}

// keys are the keys of a set. A part is nil if it cannot be used.
type keys struct {
	provingKey, verifyingKey []byte
	pk                       *gnark.ProvingKey
	points                   *groth16.Points
}

// readKeys reads both keys and checks them as far as that needs nothing else.
func (a *auditor) readKeys() (*keys, error) {
	a.step("reading the keys", 0, 1)
	var k keys
	var err error
	if k.verifyingKey, err = a.listed(params.VerifyingKeyFile, a.manifest.VerifyingKey, params.VerifyingKeySize); err != nil {
		return nil, err
	}
	if k.provingKey, err = a.listed(params.ProvingKeyFile, a.manifest.ProvingKey, params.MaxProvingKeySize); err != nil {
		return nil, err
	}
	a.parseVerifyingKey(&k)
	a.parseProvingKey(&k)
	return &k, nil
}

func (a *auditor) parseVerifyingKey(k *keys) {
	about := subject{file: params.VerifyingKeyFile}
	if k.verifyingKey == nil {
		a.skip(CheckEncoding, about, "the file is not there, or too large")
		a.skip(CheckSafe, about, "the file is not there, or too large")
		return
	}
	points, err := groth16.ParsePoints(k.verifyingKey)
	if !a.record(CheckEncoding, about, err) {
		a.skip(CheckSafe, about, "the key has no points")
		return
	}
	k.points = points
	_, err = groth16.NewVerifyingKey(points)
	a.record(CheckSafe, about, err)
}

// parseProvingKey leaves it to the checks that compare points whether the key
// belongs to the verifying key.
func (a *auditor) parseProvingKey(k *keys) {
	about := subject{file: params.ProvingKeyFile}
	switch {
	case k.provingKey == nil:
		a.skip(CheckEncoding, about, "the file is not there, or too large")
	case k.points == nil:
		a.skip(CheckEncoding, about, "the verifying key cannot be read")
	case a.system == nil:
		a.skip(CheckEncoding, about, "the circuit does not compile")
	default:
		pk, err := provingkey.Parse(k.provingKey, relation.SizeOf(a.system), k.points, provingkey.Untrusted)
		if errors.Is(err, provingkey.ErrForeign) {
			err = nil
		}
		if a.record(CheckEncoding, about, err) {
			k.pk = pk
		}
	}
}

// listed reads a file that the manifest describes and compares it. It returns nil
// for a file that is missing or larger than any such file.
func (a *auditor) listed(name string, want params.File, most int64) ([]byte, error) {
	b, size, err := a.readFile(name, most)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.record(CheckFile, subject{file: name}, err)
		return nil, nil
	case err != nil:
		return nil, err
	case b == nil:
		a.record(CheckFile, subject{file: name}, fmt.Errorf("%d bytes, expected at most %d", size, most))
		return nil, nil
	}
	got := params.Describe(b)
	var wrong error
	if got != want {
		wrong = fmt.Errorf("expected %d bytes with SHA-256 %v, got %d bytes with %v", want.Size, want.SHA256, got.Size, got.SHA256)
	}
	a.record(CheckFile, subject{file: name}, wrong)
	return b, nil
}

// readFile reads a file of the set of at most so many bytes, or returns nil and its
// size.
func (a *auditor) readFile(name string, most int64) ([]byte, int64, error) {
	f, info, err := regularfile.Open(a.fsys, name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if info.Size() > most {
		return nil, info.Size(), nil
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, int64(len(b)), nil
	}
	return b, int64(len(b)), nil
}

// differ returns an error that shows both values unless they are equal.
func differ(equal bool, want, got any) error {
	if equal {
		return nil
	}
	return fmt.Errorf("expected %v, got %v", want, got)
}
