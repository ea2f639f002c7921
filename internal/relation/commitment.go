package relation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
)

// ErrCommitment reports a system whose commitments are not of the one form that
// is proved: at most one, to private wires alone, hidden by a random one.
var ErrCommitment = errors.New("unsupported commitment")

// maskHint is the name of gnark's hint that draws a uniform element.
const maskHint = "github.com/consensys/gnark/internal/hints.Randomize"

// Commitment says what a system commits to.
type Commitment struct {
	// Wires are the committed wires, private and in ascending order.
	Wires []int
	// Mask is the one among them that is uniform and that no constraint says
	// anything about: it hides the others.
	Mask int
	// Challenge is the wire that the hash of the commitment goes to.
	Challenge int
	// Hint is the solver's hint whose output that wire is. Its inputs are a
	// constant and the committed wires.
	Hint solver.HintID
}

// CommitmentOf returns what a system commits to, or nil if that is nothing. It
// returns an error wrapping [ErrCommitment] if there is more than one commitment,
// if a public wire is committed to, or if no committed wire hides the others: a
// commitment to values with little entropy could then be opened by trying them
// (CVE-2024-45040).
func CommitmentOf(system *cs.R1CS) (*Commitment, error) {
	infos, ok := system.CommitmentInfo.(constraint.Groth16Commitments)
	if !ok {
		return nil, fmt.Errorf("%w: expected one of Groth16, got %T", ErrCommitment, system.CommitmentInfo)
	}
	switch {
	case len(infos) == 0:
		return nil, nil
	case len(infos) > 1:
		return nil, fmt.Errorf("%w: expected at most 1, got %d", ErrCommitment, len(infos))
	case len(infos[0].PublicAndCommitmentCommitted) > 0:
		return nil, fmt.Errorf("%w: to %d public wires, expected none", ErrCommitment, len(infos[0].PublicAndCommitmentCommitted))
	}
	c := &Commitment{Wires: infos[0].PrivateCommitted, Challenge: infos[0].CommitmentIndex}
	if err := c.checkWires(system); err != nil {
		return nil, err
	}
	return c, c.findHints(system)
}

// checkWires checks that the wires are private, in order, and not the challenge.
func (c *Commitment) checkWires(system *cs.R1CS) error {
	size := SizeOf(system)
	last := size.Public - 1
	for _, wire := range append(slices.Clone(c.Wires), size.Wires()) {
		if wire <= last {
			return fmt.Errorf("%w: wire %d after wire %d, expected private ones in ascending order", ErrCommitment, wire, last)
		}
		last = wire
	}
	if c.Challenge < size.Public || c.Challenge >= size.Wires() || slices.Contains(c.Wires, c.Challenge) {
		return fmt.Errorf("%w: wire %d for the challenge, expected a private one that is not committed to", ErrCommitment, c.Challenge)
	}
	return nil
}

// findHints finds the hints of the challenge and of the mask.
func (c *Commitment) findHints(system *cs.R1CS) error {
	found := false
	var masks []int
	var hint constraint.HintMapping
	for i, packed := range system.Instructions {
		blueprint, ok := system.Blueprints[packed.BlueprintID].(constraint.BlueprintHint)
		if !ok {
			continue
		}
		blueprint.DecompressHint(&hint, system.GetInstruction(i))
		start, end := int(hint.OutputRange.Start), int(hint.OutputRange.End)
		switch {
		case start <= c.Challenge && c.Challenge < end:
			if found = start+1 == end && len(hint.Inputs) == 1+len(c.Wires); found {
				c.Hint = hint.HintID
			}
		case system.MHintsDependencies[hint.HintID] == maskHint && len(hint.Inputs) == 0:
			for wire := start; wire < end; wire++ {
				if _, committed := slices.BinarySearch(c.Wires, wire); committed {
					masks = append(masks, wire)
				}
			}
		}
	}
	if !found {
		return fmt.Errorf("%w: no hint makes the challenge of wire %d", ErrCommitment, c.Challenge)
	}
	bound := constrained(system, masks)
	free := slices.IndexFunc(masks, func(wire int) bool { return !bound[wire] })
	if free < 0 {
		return fmt.Errorf("%w: none of the %d committed wires is random and free: the commitment would hide nothing", ErrCommitment, len(c.Wires))
	}
	c.Mask = masks[free]
	return nil
}

// constrained returns which of some wires are in another constraint than wire*1 =
// wire, which holds for every value.
func constrained(system *cs.R1CS, wires []int) map[int]bool {
	bound := make(map[int]bool)
	constraints := system.GetR1CIterator()
	for r := constraints.Next(); r != nil; r = constraints.Next() {
		if len(r.L) == 1 && slices.Equal(r.L, r.O) && isOne(r.R) {
			continue
		}
		for _, terms := range []constraint.LinearExpression{r.L, r.R, r.O} {
			for _, term := range terms {
				if slices.Contains(wires, term.WireID()) {
					bound[term.WireID()] = true
				}
			}
		}
	}
	return bound
}

// isOne reports whether an expression is the constant 1.
func isOne(terms constraint.LinearExpression) bool {
	return len(terms) == 1 && terms[0].WireID() == 0 && terms[0].CoeffID() == constraint.CoeffIdOne
}
