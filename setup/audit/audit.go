// Package audit checks a sealed parameter set from its files alone: that its keys
// come from the ceremony in its transcript, that the ceremony was run by its rules,
// and that the keys are well-formed, whoever made them. It says who could cheat.
//
// Every check has a name and a meaning, in docs/spec/setup-verify.md. Why these
// checks are enough, above all for the anonymity of members, is in
// docs/design/0030-setup-verify.md.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// Progress is told how far a step is: done of total parts of it. It is called from
// one goroutine at a time, and may be nil.
type Progress func(step string, done, total int)

// Options say what a set is compared with, besides itself.
type Options struct {
	// Digest, unless nil, is the digest that the set must have.
	Digest *zkkex.ParamsDigest
	// Ptau, unless nil, is the powers-of-tau file of an imported first phase, of
	// PtauSize bytes.
	Ptau     io.ReaderAt
	PtauSize int64
	// Signers, unless nil, says whose keys are whose. Every signature must then be
	// by one of them; contributions without a signature stay what they are.
	Signers *sshsig.AllowedSigners
}

// Verify runs every check on the set in fsys and reports all outcomes; a check that
// fails does not keep others from running as long as they make sense. The time it
// takes follows from the circuit and the number of contributions, which have
// bounds.
//
// An error means that there is no answer: a file could not be read, there is no
// manifest or it is of a kind that has no ceremony ([zkkex.ErrMalformed],
// [zkkex.ErrUnsupported]), or ctx ended. A set that is not what it should be is no
// error; [Report.Err] has what is wrong.
func Verify(ctx context.Context, fsys fs.FS, o Options, progress Progress) (*Report, error) {
	a := &auditor{ctx: ctx, fsys: fsys, options: o, progress: progress, report: newReport()}
	if err := a.run(); err != nil {
		return nil, fmt.Errorf("verifying parameters: %w", err)
	}
	return a.report, nil
}

func newReport() *Report {
	return &Report{Format: ReportFormat, Contributions: []Contribution{}, Checks: []Check{}}
}

// auditor runs the checks of one set.
type auditor struct {
	ctx      context.Context
	fsys     fs.FS
	options  Options
	progress Progress
	report   *Report

	manifest *params.Manifest
	system   *cs.R1CS
	findings findings
}

func (a *auditor) run() error {
	if err := a.readManifest(); err != nil {
		return err
	}
	a.compile()
	keys, err := a.readKeys()
	if err != nil {
		return err
	}
	made, err := a.ceremony()
	if err != nil {
		return err
	}
	if err := a.compareKeys(keys, made); err != nil {
		return err
	}
	a.report.conclude()
	a.report.Trust = judge(a.report, a.findings)
	return a.ctx.Err()
}

// step reports progress of a step.
func (a *auditor) step(name string, done, total int) {
	if a.progress != nil {
		a.progress(name, done, total)
	}
}

// within returns the progress of a part of the work that names its own steps.
func (a *auditor) within(where string) mpc.Progress {
	return func(step string, done, total int) { a.step(where+": "+step, done, total) }
}

// subject is what a check is about.
type subject struct{ file, contributor string }

// record adds the outcome of a check and reports whether it passed.
func (a *auditor) record(name string, s subject, err error) bool {
	check := Check{Name: name, File: s.file, Contributor: s.contributor, Outcome: Passed}
	if err != nil {
		check.Outcome, check.Detail, check.Err = Failed, err.Error(), err
	}
	a.report.Checks = append(a.report.Checks, check)
	return err == nil
}

// skip adds a check that did not run.
func (a *auditor) skip(name string, s subject, why string) {
	a.report.Checks = append(a.report.Checks, Check{Name: name, File: s.file, Contributor: s.contributor, Outcome: NotRun, Detail: why})
}

// stopped returns an error that is no outcome of a check: ctx ended.
func stopped(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
