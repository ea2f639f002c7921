package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// ptauFile stands for the powers-of-tau file, whose name is the caller's.
const ptauFile = "powers of tau"

// Checks of the powers-of-tau file of an imported first phase.
const (
	// CheckPtauFile: it is the file that the ceremony's definition describes.
	CheckPtauFile = "file of the imported phase"
	// CheckPtauContributions: the contributions to it verify, of the transcript and,
	// if it is at hand, of the file, and are the same.
	CheckPtauContributions = "contributions of the imported phase"
	// CheckPtauPowers: its powers are those that the ceremony went on from.
	CheckPtauPowers = "powers of the imported phase"
)

// imported describes an imported first phase and compares it with its file, if
// that is at hand.
func (a *auditor) imported(c *ceremony.Ceremony) error {
	definition := c.Definition()
	about, claimed := subject{file: ptauFile}, definition.Imported
	if claimed == nil {
		if a.options.Ptau != nil {
			a.record(CheckPtauFile, about, errors.New("a powers-of-tau file was given, and the ceremony has a first phase of its own"))
		}
		return nil
	}
	a.report.Imported = &Imported{Source: claimed.Source, File: claimed.File, Contributions: c.ImportedContributions()}
	a.record(ceremony.CheckNames, subject{file: ceremony.DefinitionFile}, nil) // or it would not be open
	if a.options.Ptau == nil {
		return nil
	}
	same, err := a.comparePtau(c, claimed, definition.Domain)
	a.report.Imported.Compared = same
	return err
}

// verifyChain verifies the contributions to an imported first phase, which led to the
// powers srs.
func (a *auditor) verifyChain(c *ceremony.Ceremony, srs *mpc.SRS) error {
	about, imported := subject{file: ceremony.ChainFile}, c.Definition().Imported
	b, err := fs.ReadFile(c.FS(), ceremony.ChainFile)
	if err != nil {
		return err
	}
	if params.Describe(b) != imported.Chain {
		return fmt.Errorf("%s: %w", ceremony.ChainFile, errChanged)
	}
	chain, err := ptau.ParseChain(b, imported.CeremonyPower)
	if err == nil {
		err = chain.Verify(a.ctx, srs, ptau.Progress(a.within("phase 1")))
	}
	a.report.Imported.Verified = err == nil
	return a.ptauOutcome(CheckPtauContributions, about, err)
}

func (a *auditor) comparePtau(c *ceremony.Ceremony, claimed *ceremony.ImportedPhase, domain int) (bool, error) {
	about := subject{file: ptauFile}
	file, err := ptau.Open(a.options.Ptau, a.options.PtauSize)
	if err != nil {
		return false, a.ptauOutcome(CheckPtauFile, about, err)
	}
	digest, err := file.SHA256(a.ctx, a.within(ptauFile))
	if err != nil {
		return false, err
	}
	got := params.File{Size: file.Size(), SHA256: digest}
	var wrong error
	switch {
	case got != claimed.File:
		wrong = fmt.Errorf("expected %d bytes with SHA-256 %v, got %d bytes with %v", claimed.File.Size, claimed.File.SHA256, got.Size, got.SHA256)
	case file.Power() != claimed.Power:
		wrong = fmt.Errorf("expected the power %d that the definition says, got %d", claimed.Power, file.Power())
	}
	same := a.record(CheckPtauFile, about, wrong)
	chain, err := a.compareChain(c, file)
	if err != nil {
		return false, err
	}
	powers, err := a.comparePowers(c, file, domain)
	return same && chain && powers, err
}

// compareChain verifies the contributions of the file and compares them with those in
// the transcript.
func (a *auditor) compareChain(c *ceremony.Ceremony, file *ptau.File) (bool, error) {
	about := subject{file: ptauFile}
	if err := file.Verify(a.ctx, a.within(ptauFile)); err != nil {
		return false, a.ptauOutcome(CheckPtauContributions, about, err)
	}
	used, err := fs.ReadFile(c.FS(), ceremony.ChainFile)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(file.Chain().Bytes(), used) {
		err = fmt.Errorf("%s has other contributions than the file", ceremony.ChainFile)
	}
	return a.record(CheckPtauContributions, about, err), nil
}

// comparePowers compares the powers of the file with those in the transcript.
func (a *auditor) comparePowers(c *ceremony.Ceremony, file *ptau.File, domain int) (bool, error) {
	srs, err := file.Groth16(a.ctx, domain, a.within(ptauFile))
	if err != nil {
		return false, a.ptauOutcome(CheckPtauPowers, subject{file: ptauFile}, err)
	}
	used, err := fs.ReadFile(c.FS(), ceremony.PhaseOneFile)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(mpc.SRSBytes(srs), used) {
		err = fmt.Errorf("%s has other powers than the file", ceremony.PhaseOneFile)
	}
	return a.record(CheckPtauPowers, subject{file: ptauFile}, err), nil
}

// ptauOutcome records what reading a file came to, or returns an error that says
// nothing about the file.
func (a *auditor) ptauOutcome(check string, about subject, err error) error {
	var fault *ptau.Error
	if err != nil && !errors.As(err, &fault) {
		return err
	}
	a.record(check, about, err)
	return nil
}

// interrupted is a reader that ends with its context.
type interrupted struct {
	ctx context.Context
	r   io.Reader
}

// Read implements [io.Reader].
func (r *interrupted) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
