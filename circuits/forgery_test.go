package circuits

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

const testLimit = 4

// newAssignment returns random values that satisfy the relation, for a registry
// of random neighbours.
func newAssignment(t *testing.T, id zkkex.CircuitID) *assignment {
	t.Helper()
	a := &assignment{
		digits: *random(t),
		nk:     randomElement(t),
		groups: make([][8]field.Element, levels(id.CapacityBits())),
		slot:   slotValues(1),
		rest:   slotValues(testLimit - 1 - 1),
	}
	a.inputs[public.Scope] = randomElement(t)
	a.inputs[public.Binding] = randomElement(t)
	a.complete(t)
	return a
}

// complete derives what follows from the key's digits, the nullifier key and
// the slot's bits, whatever they are: leaf, path, root, limit and nullifier.
func (a *assignment) complete(t *testing.T) {
	t.Helper()
	a.completePath(t, 0, a.leaf())
	slot, rest, one := composeNative(a.slot), composeNative(a.rest), field.FromUint64(1)
	limit := &a.inputs[public.Limit]
	limit.Add(&slot, &rest).Add(limit, &one)
	lane := field.NullifierTag()
	lane.Add(&lane, &slot)
	a.inputs[public.Nullifier] = field.Compress3([3]field.Element{lane, a.inputs[public.Scope], a.nk})
}

func (a *assignment) leaf() field.Element {
	return field.Leaf(uint16(zkkex.KeyBabyJubjub), a.digits.fixedBaseY(), field.HashNullifierKey(a.nk))
}

// completePath fills the groups from a level upwards with random neighbours of
// the running hash, and sets the root.
func (a *assignment) completePath(t *testing.T, level int, running field.Element) {
	t.Helper()
	for l := level; l < len(a.groups); l++ {
		for i := range a.groups[l] {
			a.groups[l][i] = randomElement(t)
		}
		a.groups[l][(3*l+1)%8] = running
		running = field.Compress8(a.groups[l])
	}
	for i := range a.top {
		a.top[i] = randomElement(t)
	}
	a.top[2] = running
	a.inputs[public.Root] = field.Compress4(a.top)
}

// composeNative is the native twin of the gadget compose.
func composeNative(bits [SlotBits]field.Element) (sum field.Element) {
	for i := range bits {
		weight := field.FromUint64(1 << i)
		sum.Add(&sum, weight.Mul(&weight, &bits[i]))
	}
	return sum
}

func randomElement(t *testing.T) (e field.Element) {
	t.Helper()
	if _, err := e.SetRandom(); err != nil {
		t.Fatal(err)
	}
	return e
}

// solves reports whether the assignment satisfies the system.
func solves(t *testing.T, system *cs.R1CS, assignment frontend.Circuit) bool {
	t.Helper()
	w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return system.IsSolved(w) == nil
}
