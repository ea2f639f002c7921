package circuits

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex/internal/quiet"
)

// compileRelationWithout compiles a circuit less the assertion with a label; ""
// drops none.
func compileRelationWithout(t *testing.T, circuit frontend.Circuit, label string) (*cs.R1CS, *dropper) {
	t.Helper()
	quiet.Gnark()
	var builder *dropper
	newBuilder := func(f *big.Int, config frontend.CompileConfig) (frontend.Builder[constraint.U64], error) {
		inner, err := r1cs.NewBuilder[constraint.U64](f, config)
		builder = &dropper{Builder: inner, drop: []string{label}, labels: make(map[string]int)}
		return builder, err
	}
	system, err := frontend.Compile(ecc.BN254.ScalarField(), newBuilder, circuit)
	if err != nil {
		t.Fatal(err)
	}
	return system.(*cs.R1CS), builder
}

// forgery overrides one call of a hint: the prover says something else.
type forgery struct {
	hint solver.Hint
	// call counts the calls of this hint, from 0, in the order of the circuit: the
	// arithmetic is a chain in which each needs the one before.
	call  int
	forge func(h *hinted, inputs, outputs []*big.Int)
}

// solvesWith reports whether an assignment satisfies a system when hints are
// overridden, each call in order.
func solvesWith(t *testing.T, system *cs.R1CS, assigned frontend.Circuit, forgeries ...forgery) bool {
	t.Helper()
	quiet.Gnark()
	w, err := frontend.NewWitness(assigned, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	options := []solver.Option{solver.WithNbTasks(1)}
	met := 0
	for id, of := range byHint(forgeries) {
		call := -1
		options = append(options, solver.OverrideHint(id, func(q *big.Int, inputs, outputs []*big.Int) error {
			call++
			if err := of[0].hint(q, inputs, outputs); err != nil {
				return err
			}
			for _, f := range of {
				if f.call == call {
					met++
					f.forge(readHint(q, inputs), inputs, outputs)
				}
			}
			return nil
		}))
	}
	solved := system.IsSolved(w, options...) == nil
	if solved && met != len(forgeries) {
		t.Fatalf("%d of %d forged hints were asked for", met, len(forgeries))
	}
	return solved
}

func byHint(forgeries []forgery) map[solver.HintID][]forgery {
	out := make(map[solver.HintID][]forgery)
	for _, f := range forgeries {
		id := solver.GetHintID(f.hint)
		out[id] = append(out[id], f)
	}
	return out
}

// difference is an E = x - k*p other than 0 that passes all but one of the three
// assertions that [residueField.assertZero] makes of it.
func difference(label string, l layout) *big.Int {
	q := ecc.BN254.ScalarField()
	full, half := power2(4*l.limbBits()), power2(2*l.limbBits())
	switch label {
	case "modulo q":
		return full // a multiple of the power of two
	case "upper carry":
		return new(big.Int).Mul(q, half) // its lower half is a multiple, its upper is not
	case "lower carry":
		return smallMultiple(q, full, half) // its upper half is a multiple, its lower is not
	}
	panic("no assertion " + label)
}

// smallMultiple returns the multiple of q that is closest to 0 among those which
// are below bound modulo m, by Euclid's algorithm.
func smallMultiple(q, m, bound *big.Int) *big.Int {
	r0, r1 := new(big.Int).Set(m), new(big.Int).Set(q)
	t0, t1 := new(big.Int), big.NewInt(1)
	for r1.Cmp(bound) >= 0 {
		k := new(big.Int).Div(r0, r1)
		r0, r1 = r1, new(big.Int).Sub(r0, new(big.Int).Mul(k, r1))
		t0, t1 = t1, new(big.Int).Sub(t0, new(big.Int).Mul(k, t1))
	}
	return t1.Mul(t1, q)
}

// forgedResult returns forgeries of one reduction, division or coordinate and of
// its quotient, such that the expression is not a multiple of p but differs from
// one by e.
func forgedResult(result solver.Hint, call, quotientCall int, e *big.Int) []forgery {
	return []forgery{
		{result, call, func(h *hinted, _, outputs []*big.Int) { forgeResult(result, h, e, outputs) }},
		{quotientHint, quotientCall, func(h *hinted, _, outputs []*big.Int) {
			x := h.integer(h.values)
			x.Sub(x, e)
			h.writeSigned(x.Div(x, h.p), outputs)
		}},
	}
}

func forgeResult(result solver.Hint, h *hinted, e *big.Int, outputs []*big.Int) {
	switch solver.GetHintID(result) {
	case solver.GetHintID(remainderHint):
		x := h.integer(h.values)
		h.write(x.Sub(x, e).Mod(x, h.p), outputs)
	case solver.GetHintID(ratioHint):
		num, den := h.integer(h.values[:productSize]), h.integer(h.values[productSize:])
		num.Add(num, e).Mul(num, den.ModInverse(den.Mod(den, h.p), h.p))
		h.write(num.Mod(num, h.p), outputs)
	case solver.GetHintID(canonicalHint):
		x := h.integer(h.values)
		h.writeCanonical(x.Sub(x, e).Mod(x, h.p), outputs)
	default:
		panic("no such hint")
	}
}

// shifted returns a forgery that moves one from a chunk to the one below, so that
// the number stays and two chunks are out of range.
func shifted(hint solver.Hint, call, chunk int) forgery {
	return forgery{hint, call, func(h *hinted, _, outputs []*big.Int) {
		outputs[chunk].Add(outputs[chunk], power2(h.chunkBits))
		outputs[chunk+1].Sub(outputs[chunk+1], big.NewInt(1))
	}}
}

// arithmeticLies returns, for each label of a reduction, division or coordinate,
// forgeries that violate it and nothing else.
func arithmeticLies(label string, result solver.Hint, call, check int) map[string][]forgery {
	out := map[string][]forgery{
		label + ": quotient: chunks":    {shifted(quotientHint, check, 3)},
		label + ": lower carry: chunks": {shifted(lowerCarryHint, check, 3)},
		label + ": upper carry: chunks": {shifted(upperCarryHint, check, 3)},
	}
	for _, assertion := range []string{"modulo q", "lower carry", "upper carry"} {
		out[label+": "+assertion] = forgedResult(result, call, check, difference(assertion, keyLayout))
	}
	if solver.GetHintID(result) != solver.GetHintID(canonicalHint) {
		out[label+": chunks"] = []forgery{shifted(result, call, 3)}
	}
	return out
}
