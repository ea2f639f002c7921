package circuits

import (
	"testing"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// Each public input is alone on the A side of some constraint, so the public
// columns of A are independent, and no input can be traded for another.
func TestPublicInputsAreSquaredAlone(t *testing.T) {
	for _, id := range quickCircuits() {
		system, _ := compileWithout(t, id)
		for i, name := range public.Names() {
			if !aloneInA(system, i) {
				t.Errorf("%v: %s is never alone on the A side", id, name)
			}
		}
		if rank := publicRank(system); rank != public.Count {
			t.Errorf("%v: the public columns of A have rank %d, expected %d", id, rank, public.Count)
		}
	}
}

// Without its square, an input fails the test above: the planted fault.
func TestDroppedSquareIsNoticed(t *testing.T) {
	for i, name := range public.Names() {
		system, _ := compileWithout(t, zkkex.BabyJubjub20, squareLabel(name))
		if aloneInA(system, i) {
			t.Errorf("%s is alone on the A side without its square", name)
		}
	}
}

// aloneInA reports whether public input i has a constraint whose left side is
// that input alone. Wire 0 is the constant one.
func aloneInA(system *cs.R1CS, i int) bool {
	for _, r1c := range constraintsOf(system) {
		if len(r1c.L) == 1 && r1c.L[0].WireID() == i+1 {
			return true
		}
	}
	return false
}

// publicRank returns the rank of A's public columns, by Gaussian elimination.
func publicRank(system *cs.R1CS) int {
	var rows [][public.Count]field.Element
	for _, r1c := range constraintsOf(system) {
		var row [public.Count]field.Element
		used := false
		for _, term := range r1c.L {
			if w := term.WireID(); w >= 1 && w <= public.Count {
				row[w-1] = system.Coefficients[term.CoeffID()]
				used = true
			}
		}
		if used {
			rows = append(rows, row)
		}
	}
	rank := 0
	for column := range public.Count {
		pivot := -1
		for r := rank; r < len(rows); r++ {
			if !rows[r][column].IsZero() {
				pivot = r
				break
			}
		}
		if pivot < 0 {
			continue
		}
		rows[rank], rows[pivot] = rows[pivot], rows[rank]
		for r := rank + 1; r < len(rows); r++ {
			eliminate(&rows[r], &rows[rank], column)
		}
		rank++
	}
	return rank
}

func eliminate(row, pivot *[public.Count]field.Element, column int) {
	var factor, term field.Element
	factor.Div(&row[column], &pivot[column])
	for c := range row {
		row[c].Sub(&row[c], term.Mul(&factor, &pivot[c]))
	}
}

func constraintsOf(system *cs.R1CS) []constraint.R1C { return system.GetR1Cs() }
