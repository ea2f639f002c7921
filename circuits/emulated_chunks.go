package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/multicommit"
)

// chunkTable checks that wires hold integers below 2^bits, all at once, by the
// logarithmic derivative (Haböck, Multivariate lookups based on logarithmic
// derivatives, 2022/1530): with x the circuit's commitment to the wires and to
// how often each entry is met,
//
//	sum(count_j/(x-j), j < 2^bits) = sum(1/(x-chunk), chunks)
//
// holds with a chunk that is no entry for at most as many x as there are
// entries and chunks. It makes the circuit's one commitment, of private wires
// only.
type chunkTable struct {
	api  frontend.API
	bits int
	// wires are committed to; looked up are they and multiples of them.
	wires, lookedUp []frontend.Variable
}

// newChunkTable returns a table, one for all that a circuit emulates. The
// assertion is made when the circuit is otherwise complete.
func newChunkTable(api frontend.API, bits int) *chunkTable {
	t := &chunkTable{api: api, bits: bits}
	api.Compiler().Defer(func(frontend.API) error { return t.assertAll() })
	return t
}

// check asserts that each of the wires is below 2^bits.
func (t *chunkTable) check(label string, wires []frontend.Variable) {
	if !kept(t.api, label) {
		return
	}
	t.wires = append(t.wires, wires...)
	t.lookedUp = append(t.lookedUp, wires...)
}

// checkNarrow asserts that a wire is below 2^width, for a width of at most
// bits: it and its multiple by 2^(bits-width) are both below 2^bits.
func (t *chunkTable) checkNarrow(label string, wire frontend.Variable, width int) {
	if !kept(t.api, label) {
		return
	}
	t.wires = append(t.wires, wire)
	t.lookedUp = append(t.lookedUp, wire, t.api.Mul(wire, power2(t.bits-width)))
}

// recompose returns sum(chunks[i]*2^(i*bits)).
func (t *chunkTable) recompose(chunks []frontend.Variable) frontend.Variable {
	sum := frontend.Variable(0)
	for i, chunk := range chunks {
		sum = t.api.Add(sum, t.api.Mul(chunk, power2(i*t.bits)))
	}
	return sum
}

func (t *chunkTable) assertAll() error {
	if len(t.wires) == 0 {
		return nil
	}
	counts, err := t.api.Compiler().NewHint(countHint, 1<<t.bits, t.lookedUp...)
	if err != nil {
		return fmt.Errorf("counting chunks: %w", err)
	}
	committed := append(append([]frontend.Variable(nil), t.wires...), counts...)
	multicommit.WithCommitment(t.api, func(_ frontend.API, x frontend.Variable) error {
		t.assertSums(x, counts)
		return nil
	}, committed...)
	return nil
}

// assertSums compares the two sums. A division by x-j is unchecked: x is a hash,
// and meets an entry as rarely as a collision is found.
func (t *chunkTable) assertSums(x frontend.Variable, counts []frontend.Variable) {
	table, chunks := frontend.Variable(0), frontend.Variable(0)
	for j, count := range counts {
		table = t.api.Add(table, t.api.DivUnchecked(count, t.api.Sub(x, j)))
	}
	for _, chunk := range t.lookedUp {
		chunks = t.api.Add(chunks, t.api.Inverse(t.api.Sub(x, chunk)))
	}
	assertEqual(t.api, "chunks: every chunk is in the table", table, chunks)
}

// countHint returns how often each entry of the table is looked up.
func countHint(_ *big.Int, inputs, outputs []*big.Int) error {
	counts := make([]int64, len(outputs))
	for _, in := range inputs {
		if in.IsInt64() && in.Int64() < int64(len(outputs)) {
			counts[in.Int64()]++
		}
	}
	for i, n := range counts {
		outputs[i].SetInt64(n)
	}
	return nil
}
