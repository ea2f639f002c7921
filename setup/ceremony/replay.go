package ceremony

import (
	"context"
	"errors"
	"fmt"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// replay computes what a ceremony's files lead to. What it has computed it keeps,
// where it takes long and is wanted again.
type replay struct {
	c        *Ceremony
	progress Progress
	meter    *meter // of the work under way
	system   *cs.R1CS

	last int // number of the contribution that one or two is of
	one  *mpc.Phase1
	two  *mpc.Phase2
}

// beginning is where phase 2 begins.
type beginning struct {
	of    params.Digest    // of the file that fixes phase 1
	srs   *mpc.SRS         // result of phase 1
	start *mpc.Phase2      // delta is 1
	evals *mpc.Evaluations // of the circuit, at the powers of tau
}

// newReplay compiles the circuit and compares it with the definition.
func newReplay(c *Ceremony, progress Progress) (*replay, error) {
	d := c.definition
	progress.report("compiling the circuit", 0, 1)
	system, err := compiled.Circuit(d.Circuit.ID)
	if err != nil {
		return nil, err
	}
	size := relation.SizeOf(system)
	fault := func(msg string, args ...any) error {
		return &FileError{File: DefinitionFile, Check: CheckCircuit, Err: fmt.Errorf(msg, args...)}
	}
	switch got := params.Digest(relation.Digest(system)); {
	case got != d.Circuit.Digest:
		return nil, fault("the digest is %v, this program compiles %s to %v: the ceremony is for another version of the circuit, or its definition lies", d.Circuit.Digest, d.Circuit.Name, got)
	case size.Constraints != d.Circuit.Constraints || size.Public-1 != d.Circuit.PublicInputs || size.Wires() != d.Wires:
		return nil, fault("%d constraints, %d public inputs and %d wires, but the circuit has %d, %d and %d",
			d.Circuit.Constraints, d.Circuit.PublicInputs, d.Wires, size.Constraints, size.Public-1, size.Wires())
	}
	progress.report("compiling the circuit", 1, 1)
	return &replay{c: c, progress: progress, system: system}, nil
}

// steps returns how many steps there are to verify: the beginning, and each file.
func (r *replay) steps() int { return len(r.c.files) + 1 }

// digest returns what fixes everything up to a step.
func (r *replay) digest(step int) params.Digest {
	if step == 0 {
		return r.c.digest
	}
	return r.c.files[step-1].content.SHA256
}

// check verifies a step, the mathematics of a file: 0 is an imported phase 1. The
// steps before it have been verified.
func (r *replay) check(ctx context.Context, step int) error {
	if step == 0 {
		return r.c.verifyImported(ctx, r.meter)
	}
	f := &r.c.files[step-1]
	if f.Header.Kind == Beacon {
		return nil // its effect is computed, not claimed
	}
	var err error
	if f.Header.Phase == 1 {
		err = r.checkPhase1(ctx, f.Header.Number)
	} else {
		err = r.checkPhase2(ctx, f.Header.Number)
	}
	return named(f, err)
}

func (r *replay) checkPhase1(ctx context.Context, number int) error {
	previous, err := r.phase1(number - 1)
	if err != nil {
		return err
	}
	next, err := r.phase1(number)
	if err != nil {
		return err
	}
	r.meter.did(costRead1)
	err = previous.Verify(ctx, next)
	r.meter.did(costVerify1)
	return err
}

func (r *replay) checkPhase2(ctx context.Context, number int) error {
	previous, err := r.phase2(ctx, number-1)
	if err != nil {
		return err
	}
	next, err := r.phase2(ctx, number)
	if err != nil {
		return err
	}
	r.meter.did(costRead2)
	err = previous.Verify(ctx, next)
	r.meter.did(costVerify2)
	return err
}

// phase1 returns phase 1 as it is after a file of it, or at its beginning.
func (r *replay) phase1(number int) (*mpc.Phase1, error) {
	if number == 0 {
		return mpc.NewPhase1(r.c.definition.Domain), nil
	}
	if r.one != nil && r.last == number {
		return r.one, nil
	}
	b, err := r.c.Payload(number)
	if err != nil {
		return nil, err
	}
	p, err := mpc.ParsePhase1(b, r.c.definition.Domain)
	if err != nil {
		return nil, err
	}
	r.one, r.two, r.last = p, nil, number
	return p, nil
}

// phase2 returns phase 2 as it is after a file of it, or at its beginning, which
// is after the beacon of phase 1.
func (r *replay) phase2(ctx context.Context, number int) (*mpc.Phase2, error) {
	if number == 0 || r.c.files[number-1].Header.Phase == 1 {
		b, err := r.begin(ctx)
		if err != nil {
			return nil, err
		}
		return b.start, nil
	}
	if r.two != nil && r.last == number {
		return r.two, nil
	}
	b, err := r.c.Payload(number)
	if err != nil {
		return nil, err
	}
	p, err := mpc.ParsePhase2(b, relation.SizeOf(r.system))
	if err != nil {
		return nil, err
	}
	r.one, r.two, r.last = nil, p, number
	return p, nil
}

// begin returns where phase 2 begins, which takes long to compute.
func (r *replay) begin(ctx context.Context) (*beginning, error) {
	closing, err := r.closing()
	if err != nil {
		return nil, err
	}
	of := r.digest(closing)
	if r.c.begun != nil && r.c.begun.of == of {
		return r.c.begun, nil
	}
	within, end := r.meter.part(r.beginning()...)
	srs, err := r.phase1Result(ctx, closing, within)
	if err != nil {
		return nil, err
	}
	start, evals, err := mpc.NewPhase2(ctx, r.system, srs, within)
	if err != nil {
		return nil, err
	}
	end()
	r.c.begun = &beginning{of: of, srs: srs, start: start, evals: evals}
	return r.c.begun, nil
}

// closing returns the number of the beacon that closed phase 1, or 0 if that was
// imported.
func (r *replay) closing() (int, error) {
	if r.c.definition.Imported != nil {
		return 0, nil
	}
	for i := range r.c.files {
		if r.c.files[i].Header.Kind == Beacon {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("%w: phase 1 is open", ErrNotNow)
}

// phase1Result returns what phase 1 made, which the beacon of a number closed.
func (r *replay) phase1Result(ctx context.Context, closing int, progress mpc.Progress) (*mpc.SRS, error) {
	if imported := r.c.definition.Imported; imported != nil {
		b, err := r.c.whole(PhaseOneFile, imported.SRS)
		if err != nil {
			return nil, err
		}
		return mpc.ParseSRS(b, r.c.definition.Domain)
	}
	p, err := r.phase1(closing - 1)
	if err != nil {
		return nil, err
	}
	return p.Seal(ctx, r.c.files[closing-1].Header.Beacon.Value, progress)
}

// named gives an error of a file's mathematics the file and the check.
func named(f *file, err error) error {
	if err == nil {
		return nil
	}
	return namedFile(&FileError{File: f.name, Number: f.Header.Number, Contributor: f.Header.Contributor}, err,
		"take this file and all after it away; its contributor, and those after, must contribute again")
}

// namedFile gives an error of mathematics the check, and says what to do.
func namedFile(e *FileError, err error, advice string) error {
	var failed *mpc.CheckError
	if !errors.As(err, &failed) {
		return err
	}
	e.Check = failed.Check
	e.Err = fmt.Errorf("%w: %s", failed.Err, advice)
	if errors.Is(err, zkkex.ErrMalformed) {
		e.Err = &zkkex.ParseError{Format: "payload", Err: e.Err}
	}
	return e
}
