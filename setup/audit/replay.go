package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// CheckBegin is the check that phase 2 can begin with what phase 1 made.
const CheckBegin = "beginning of phase 2"

var errChanged = errors.New("the file changed while it was read: try again when nobody writes here")

// Checks of package mpc, in its order.
var (
	phase1Checks = []string{
		mpc.CheckEncoding, mpc.CheckChallenge,
		mpc.CheckTauProof, mpc.CheckAlphaProof, mpc.CheckBetaProof,
		mpc.CheckTau, mpc.CheckAlpha, mpc.CheckBetaG1, mpc.CheckBetaG2,
		mpc.CheckTauPowersG1, mpc.CheckTauPowersG2, mpc.CheckAlphaPowers, mpc.CheckBetaPowers,
	}
	phase2Checks = []string{
		mpc.CheckEncoding, mpc.CheckChallenge,
		mpc.CheckDeltaProof, mpc.CheckDeltaG1, mpc.CheckDeltaG2, mpc.CheckZ, mpc.CheckK,
	}
	srsChecks = []string{
		mpc.CheckEncoding, mpc.CheckGenerators,
		mpc.CheckTauValue, mpc.CheckAlphaValue, mpc.CheckBetaValue, mpc.CheckBetaG2,
		mpc.CheckTauPowersG1, mpc.CheckTauPowersG2, mpc.CheckAlphaPowers, mpc.CheckBetaPowers,
	}
)

// made is what a ceremony leads to. A part is nil if it does not lead there.
type made struct {
	srs                      *mpc.SRS
	provingKey, verifyingKey []byte
}

// replay verifies every contribution and computes the keys. A contribution is
// compared with the one before it, whether that passed or not, so that each answers
// for itself.
func (a *auditor) replay(c *ceremony.Ceremony) (*made, error) {
	if a.system == nil {
		a.skip(CheckBegin, subject{file: ceremony.DefinitionFile}, "the circuit does not compile")
		return &made{}, nil
	}
	r := &replayer{auditor: a, c: c, size: relation.SizeOf(a.system)}
	if err := r.run(); err != nil {
		return nil, err
	}
	return &r.made, nil
}

// replayer follows a ceremony.
type replayer struct {
	*auditor
	c    *ceremony.Ceremony
	size relation.Size
	made made

	one   *mpc.Phase1 // after the last contribution to phase 1 that decodes
	two   *mpc.Phase2 // after that to phase 2
	evals *mpc.Evaluations
	// lost is why the state before the next file is not known, or "".
	lost string
}

func (r *replayer) run() error {
	definition := r.c.Definition()
	if definition.Imported != nil {
		if err := r.readSRS(); err != nil {
			return err
		}
	} else {
		r.one = mpc.NewPhase1(mpc.Domain(r.size))
	}
	entries := r.c.Status().Entries
	for i, entry := range entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		r.step(fmt.Sprintf("verifying %s", entry.File), i, len(entries))
		if err := r.file(&entry); err != nil {
			return err
		}
	}
	return nil
}

// file follows one file of the chain.
func (r *replayer) file(entry *ceremony.Entry) error {
	about := subject{entry.File, entry.Contributor}
	switch {
	case entry.Kind == ceremony.Beacon && entry.Phase == 1:
		return r.sealPhase1(entry.Beacon.Value, about)
	case entry.Kind == ceremony.Beacon:
		return r.sealPhase2(entry.Beacon.Value)
	case entry.Phase == 1:
		return contribution(r, entry, about, phase1Checks, &r.one, func(b []byte) (*mpc.Phase1, error) {
			return mpc.ParsePhase1(b, mpc.Domain(r.size))
		})
	default:
		return contribution(r, entry, about, phase2Checks, &r.two, func(b []byte) (*mpc.Phase2, error) {
			return mpc.ParsePhase2(b, r.size)
		})
	}
}

// verifier is a state of either phase.
type verifier[T any] interface {
	Verify(ctx context.Context, next T) error
}

// contribution verifies one contribution to either phase and goes on from it.
func contribution[T interface {
	comparable
	verifier[T]
}](r *replayer, entry *ceremony.Entry, about subject, checks []string, state *T, parse func([]byte) (T, error)) error {
	b, err := fs.ReadFile(r.c.FS(), entry.File)
	if err != nil {
		return err
	}
	_, payload, err := ceremony.ParseContribution(b)
	if err == nil && params.Describe(b).SHA256 != entry.Digest {
		err = errChanged
	}
	if err != nil {
		return fmt.Errorf("%s: %w", entry.File, err) // it was accepted when the ceremony was opened
	}
	var none T
	previous := *state
	next, err := parse(payload)
	if err != nil {
		*state, r.lost = none, fmt.Sprintf("%s cannot be read", entry.File)
		return r.recordAll(checks, about, err)
	}
	*state = next
	if previous == none {
		r.record(checks[0], about, nil)
		for _, name := range checks[1:] {
			r.skip(name, about, r.lost)
		}
		return nil
	}
	return r.recordAll(checks, about, previous.Verify(r.ctx, next))
}

// recordAll records a list of checks of which err is the outcome: the first that
// failed. Those before it passed, and those after it did not run.
func (a *auditor) recordAll(names []string, about subject, err error) error {
	var failed *mpc.CheckError
	if err != nil && !errors.As(err, &failed) {
		if stopped(err) {
			return err
		}
		failed = &mpc.CheckError{Check: names[0], Err: err}
	}
	at := len(names)
	if failed != nil {
		if at = slices.Index(names, failed.Check); at < 0 {
			names, at = append(slices.Clone(names), failed.Check), len(names)
		}
	}
	for i, name := range names {
		switch {
		case i < at:
			a.record(name, about, nil)
		case i == at:
			a.record(name, about, failed.Err)
		default:
			a.skip(name, about, fmt.Sprintf("the check %q of the same file failed", failed.Check))
		}
	}
	return nil
}

// readSRS reads an imported phase 1.
func (r *replayer) readSRS() error {
	b, err := fs.ReadFile(r.c.FS(), ceremony.PhaseOneFile)
	if err != nil {
		return err
	}
	if params.Describe(b) != r.c.Definition().Imported.SRS {
		return fmt.Errorf("%s: %w", ceremony.PhaseOneFile, errChanged)
	}
	about := subject{file: ceremony.PhaseOneFile}
	srs, err := mpc.ParseSRS(b, mpc.Domain(r.size))
	if err != nil {
		r.lost = ceremony.PhaseOneFile + " cannot be read"
		r.skip(CheckPtauContributions, subject{file: ceremony.ChainFile}, r.lost)
		return r.recordAll(srsChecks, about, err)
	}
	if err := r.verifyChain(r.c, srs); err != nil {
		return err
	}
	return r.begin(srs, about)
}

// sealPhase1 computes what phase 1 made, with its beacon.
func (r *replayer) sealPhase1(beacon []byte, about subject) error {
	if r.one == nil {
		r.skip(CheckBegin, about, r.lost)
		return nil
	}
	srs, err := r.one.Seal(r.ctx, beacon, r.within("phase 1"))
	if err != nil {
		return err
	}
	return r.begin(srs, about)
}

// begin checks the result of phase 1, however it came about, and begins phase 2.
func (r *replayer) begin(srs *mpc.SRS, about subject) error {
	r.made.srs = srs
	err := mpc.CheckSRS(r.ctx, srs)
	if err := r.recordAll(srsChecks, about, err); err != nil {
		return err
	}
	r.findings.srs = err == nil
	r.two, r.evals, err = mpc.NewPhase2(r.ctx, r.system, srs, r.within("phase 2"))
	if err != nil {
		if stopped(err) {
			return err
		}
		r.two, r.lost = nil, "phase 2 cannot begin"
	}
	r.record(CheckBegin, about, err)
	return nil
}

// sealPhase2 computes the keys, with the beacon of phase 2.
func (r *replayer) sealPhase2(beacon []byte) error {
	if r.two == nil || r.evals == nil {
		return nil // that the keys are not known is said where they are compared
	}
	r.step("computing the keys", 0, 1)
	pk, vk, err := r.two.Seal(r.ctx, r.made.srs, r.evals, beacon)
	if err != nil {
		return err
	}
	if r.made.provingKey, err = encode(pk.WriteRawTo); err != nil {
		return err
	}
	r.made.verifyingKey, err = encode(vk.WriteTo)
	return err
}

func encode(writeTo func(io.Writer) (int64, error)) ([]byte, error) {
	var b bytes.Buffer
	if _, err := writeTo(&b); err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return b.Bytes(), nil
}
