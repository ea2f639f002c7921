package setup

import (
	"context"
	"fmt"
	"io"
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
	domain, powers, err := plonkset.Domain(u.Circuit)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(dir); err == nil { // before the work
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, os.ErrExist)
	}
	origin, points, tau, err := u.read(ctx, powers, progress)
	if err != nil {
		return nil, fmt.Errorf("powers of tau: %w", err)
	}
	progress("Lagrange basis", 0, 1)
	srs, err := plonk.NewSRS(domain, points, tau)
	if err != nil {
		return nil, err
	}
	progress("Lagrange basis", 1, 1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	progress("keys", 0, 1)
	files, manifest, err := plonkset.Files(u.Circuit, srs, *origin, u.Created)
	if err != nil {
		return nil, err
	}
	progress("keys", 1, 1)
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	return manifest, nil
}

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
