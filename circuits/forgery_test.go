package circuits

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys/envelope"
)

const testLimit = 4

// newAssignment returns random values that satisfy the relation, for a registry
// of random neighbours.
func newAssignment(t *testing.T, id zkkex.CircuitID) *assignment {
	t.Helper()
	a := &assignment{statementValues: newStatementValues(t, id.CapacityBits()), digits: *random(t)}
	a.complete(t)
	return a
}

// newSubject is newAssignment for a circuit of any relation.
func newSubject(t *testing.T, id zkkex.CircuitID) subject {
	t.Helper()
	if envelope.OfCircuit(id) != 0 {
		return newSignatureSubject(t, id)
	}
	switch id.KeyType() {
	case zkkex.KeyBabyJubjub:
		return newAssignment(t, id)
	case zkkex.KeyEdDSA:
		return newEdDSAAssignment(t, id)
	case zkkex.KeyP256, zkkex.KeySecp256k1:
		n := primeCurveOf(id.KeyType()).n
		return newECKeyAssignment(t, id.KeyType(), id.CapacityBits(), randomScalar(t, n))
	default:
		t.Fatalf("no assignment for %v", id)
		return nil
	}
}

// newStatementValues returns random values of the second of testLimit slots,
// without what follows from them and the key: path, root, limit and nullifier.
func newStatementValues(t *testing.T, capacityBits int) statementValues {
	t.Helper()
	v := statementValues{
		nk:     randomElement(t),
		groups: make([][8]field.Element, levels(capacityBits)),
		slot:   slotValues(1),
		rest:   slotValues(testLimit - 1 - 1),
	}
	v.inputs[public.Scope] = randomElement(t)
	v.inputs[public.Binding] = randomElement(t)
	return v
}

// complete derives what follows from the key's digits, the nullifier key and
// the slot's bits, whatever they are: leaf, path, root, limit and nullifier.
func (a *assignment) complete(t *testing.T) {
	t.Helper()
	a.completeStatement(t, a.leaf())
}

// completeStatement derives what follows from a leaf.
func (v *statementValues) completeStatement(t *testing.T, leaf field.Element) {
	t.Helper()
	v.completePath(t, 0, leaf)
	slot, rest, one := composeNative(v.slot), composeNative(v.rest), field.FromUint64(1)
	limit := &v.inputs[public.Limit]
	limit.Add(&slot, &rest).Add(limit, &one)
	lane := field.NullifierTag()
	lane.Add(&lane, &slot)
	v.inputs[public.Nullifier] = field.Compress3([3]field.Element{lane, v.inputs[public.Scope], v.nk})
}

func (a *assignment) leaf() field.Element {
	return field.Leaf(uint16(zkkex.KeyBabyJubjub), a.digits.fixedBaseY(), field.HashNullifierKey(a.nk))
}

// completePath fills the groups from a level upwards with random neighbours of
// the running hash, and sets the root.
func (v *statementValues) completePath(t *testing.T, level int, running field.Element) {
	t.Helper()
	for l := level; l < len(v.groups); l++ {
		for i := range v.groups[l] {
			v.groups[l][i] = randomElement(t)
		}
		v.groups[l][(3*l+1)%8] = running
		running = field.Compress8(v.groups[l])
	}
	for i := range v.top {
		v.top[i] = randomElement(t)
	}
	v.top[2] = running
	v.inputs[public.Root] = field.Compress4(v.top)
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
