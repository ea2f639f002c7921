package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonkset"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/params"
)

// Progress is told how far a step of long work has come. It may be nil.
type Progress func(step string, done, total int)

// Universal is what a set of PLONK is made from.
type Universal struct {
	// Circuit is one of PLONK.
	Circuit zkkex.CircuitID
	// Ptau is a powers-of-tau file of snarkjs, of Size bytes. [PowersNeeded]
	// tells how large it must be.
	Ptau io.ReaderAt
	Size int64
	// Source says where the file is from: 1 to [params.MaxSource] printable
	// characters.
	Source string
	// Created is the creation date; it is cut to whole seconds.
	Created time.Time
}

// PowersNeeded returns the number of powers of tau that a circuit of PLONK takes,
// and the smallest power of a powers-of-tau file that has them. It returns an
// error wrapping [zkkex.ErrUnsupported] for a circuit of another proof system.
func PowersNeeded(id zkkex.CircuitID) (powers, power int, err error) {
	_, powers, err = plonkset.Domain(id)
	if err != nil {
		return 0, 0, err
	}
	for 2<<power-1 < powers {
		power++
	}
	return powers, power, nil
}

// WriteUniversal makes a parameter set of PLONK from a powers-of-tau file and
// writes it to the folder dir, which must not exist: it is there complete, or not
// at all. What is used of the file is checked first, with the contributions that
// led to it; then nobody has a secret to keep, as the keys follow from the file
// and the circuit, and opening the set computes them again.
//
// It returns an error wrapping [zkkex.ErrUnsupported] for a circuit of another
// proof system, [os.ErrExist] if dir is there already, [zkkex.ErrMalformed] or
// the failed check for a bad file, or the error of ctx, which it looks at between
// steps.
func WriteUniversal(ctx context.Context, dir string, u Universal, progress Progress) (*params.Manifest, error) {
	quiet.Gnark()
	if progress == nil {
		progress = func(string, int, int) {}
	}
	if _, err := os.Lstat(dir); err == nil { // before the work
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, os.ErrExist)
	}
	files, manifest, err := u.make(ctx, progress)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	return manifest, nil
}

// make returns the files of the set, by their names.
func (u *Universal) make(ctx context.Context, progress Progress) (map[string][]byte, *params.Manifest, error) {
	domain, powers, err := plonkset.Domain(u.Circuit)
	if err != nil {
		return nil, nil, err
	}
	origin, points, tau, err := u.read(ctx, powers, progress)
	if err != nil {
		return nil, nil, fmt.Errorf("powers of tau: %w", err)
	}
	progress("Lagrange basis", 0, 1)
	srs, err := plonk.NewSRS(domain, points, tau)
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	progress("keys", 0, 1)
	return plonkset.Files(u.Circuit, srs, *origin, u.Created)
}

// UniversalCheck is what a set of PLONK is checked against.
type UniversalCheck struct {
	// Digest, unless nil, is the set's.
	Digest *zkkex.ParamsDigest
	// Ptau, unless nil, is the powers-of-tau file that the set says it is from, of
	// Size bytes: the set is made again from it and compared.
	Ptau io.ReaderAt
	Size int64
}

// VerifyUniversal checks a set of PLONK: all that opening it for proving checks,
// which needs nobody's word but that the powers of tau come from an honest
// ceremony; and with the file of these that the set is what [WriteUniversal] makes
// of it, byte by byte.
//
// It returns an error wrapping [zkkex.ErrUnsupported] for a set of another proof
// system, a [*params.MismatchError] that names file and check, or an error of
// [WriteUniversal].
func VerifyUniversal(ctx context.Context, fsys fs.FS, c UniversalCheck, progress Progress) (*params.Manifest, error) {
	quiet.Gnark()
	if progress == nil {
		progress = func(string, int, int) {}
	}
	said, err := params.ReadManifest(fsys)
	if err != nil {
		return nil, err
	}
	if said.ProofSystem != params.PlonkProofSystem {
		return nil, fmt.Errorf("%w: a set of %s, expected %s", zkkex.ErrUnsupported, said.ProofSystem, params.PlonkProofSystem)
	}
	digest, err := said.Digest()
	if err != nil {
		return nil, err
	}
	accept := params.Accept{Digest: &digest}
	if c.Digest != nil {
		accept.Digest = c.Digest
	}
	set, err := params.OpenProving(fsys, accept)
	if err != nil {
		return nil, err
	}
	progress("keys", 0, 1)
	if _, err := prover.Open(set); err != nil {
		return nil, err
	}
	m := set.Manifest()
	if c.Ptau == nil {
		return &m, nil
	}
	u := Universal{Circuit: m.Circuit.ID, Ptau: c.Ptau, Size: c.Size, Source: m.Universal.Source, Created: m.Created}
	return &m, u.compare(ctx, set, progress)
}

// compare makes the set again.
func (u *Universal) compare(ctx context.Context, set *params.Proving, progress Progress) error {
	files, manifest, err := u.make(ctx, progress)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		file string
		got  []byte
	}{{params.SRSFile, set.SRS()}, {params.VerifyingKeyFile, set.VerifyingKey()}} {
		if !bytes.Equal(part.got, files[part.file]) {
			return &params.MismatchError{File: part.file, Check: "made again", Err: errOtherPowers}
		}
	}
	if digest, err := manifest.Digest(); err != nil || digest != set.Digest() {
		return &params.MismatchError{File: params.ManifestFile, Check: "made again", Err: errOtherPowers}
	}
	return nil
}

// errOtherPowers reports a set that is from other powers of tau than it says.
var errOtherPowers = errors.New("not what the powers of tau give; they are not the ones that the set is from")

// read reads and checks so many powers of the file, and describes it.
func (u *Universal) read(ctx context.Context, powers int, progress Progress) (*params.UniversalSetup, []curve.G1Affine, *curve.G2Affine, error) {
	file, err := ptau.Open(u.Ptau, u.Size)
	if err != nil {
		return nil, nil, nil, err
	}
	srs, err := file.KZG(ctx, powers, ptau.Progress(progress))
	if err != nil {
		return nil, nil, nil, err
	}
	if err := file.Verify(ctx, ptau.Progress(progress)); err != nil {
		return nil, nil, nil, err
	}
	digest, err := file.SHA256(ctx, ptau.Progress(progress))
	if err != nil {
		return nil, nil, nil, err
	}
	origin := &params.UniversalSetup{
		Source: u.Source,
		File:   params.File{Size: file.Size(), SHA256: digest},
		Power:  file.Power(),
	}
	for _, c := range file.Chain().Contributions() {
		origin.Contributors = append(origin.Contributors, contributor(c.Name))
	}
	return origin, srs.Pk.G1, &srs.Vk.G2[1], nil
}

// contributor returns a name as a manifest takes it: printable and short.
func contributor(name string) string {
	var out []rune
	for _, r := range name {
		if len(out) == params.MaxContributor {
			break
		}
		if !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		out = append(out, r)
	}
	return strings.TrimSpace(string(out))
}
