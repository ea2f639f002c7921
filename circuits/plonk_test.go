package circuits

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys"
)

// pairs are the circuits of the two proof systems for one relation.
func pairs(t *testing.T) map[zkkex.CircuitID]zkkex.CircuitID {
	t.Helper()
	out := make(map[zkkex.CircuitID]zkkex.CircuitID)
	for _, twin := range zkkex.Plonk.Circuits() {
		id, err := zkkex.Groth16.Circuit(twin.KeyType(), twin.CapacityBits())
		if err != nil {
			t.Fatal(err)
		}
		out[id] = twin
	}
	return out
}

// compileSparseWithout is compileWithout for PLONK.
func compileSparseWithout(t *testing.T, id zkkex.CircuitID, labels ...string) (*cs.SparseR1CS, *dropper) {
	t.Helper()
	system, builder := compileDropping(t, id, labels, scs.NewBuilder[constraint.U64])
	return system.(*cs.SparseR1CS), builder
}

// solvesSparse reports whether the assignment satisfies the system.
func solvesSparse(t *testing.T, system *cs.SparseR1CS, assignment frontend.Circuit) bool {
	t.Helper()
	w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return system.IsSolved(w) == nil
}

// The two systems of a relation come to one verdict about everything: what is
// right, and each lie that one assertion alone refuses. Without that assertion the
// sparse system accepts the lie too, so nothing else of it refuses.
func TestSystemsAgree(t *testing.T) {
	for id, twin := range pairs(t) {
		t.Run(twin.String(), func(t *testing.T) {
			t.Parallel()
			full, _ := compileWithout(t, id)
			sparse, builder := compileSparseWithout(t, twin)
			if builder.announced-int(public.Count) != builder.made {
				t.Fatalf("%d assertions have a label and %d reach the builder", builder.announced-int(public.Count), builder.made)
			}
			right := newAssignment(t, id).circuit()
			if !solves(t, full, right) || !solvesSparse(t, sparse, right) {
				t.Fatal("a correct assignment is refused")
			}
			cases := lies(t, id)
			checkLabels(t, builder.labels, cases)
			for label, lie := range cases {
				a := newAssignment(t, id)
				lie(a)
				if solves(t, full, a.circuit()) || solvesSparse(t, sparse, a.circuit()) {
					t.Errorf("%q: the lie passes with the assertion", label)
				}
				if !checkedSparse(label) {
					continue
				}
				without, _ := compileSparseWithout(t, twin, label)
				if !solvesSparse(t, without, a.circuit()) {
					t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
				}
			}
		})
	}
}

// checkedSparse says which labels are also left out, one by one. Windows and bits
// are alike; the deep check tries every one of them.
func checkedSparse(label string) bool {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return true
	}
	for _, kind := range []string{"membership: ", "nullifier: ", "slot: slot and rest", "slot: bit 31", "key: top", "key: window 0 "} {
		if strings.HasPrefix(label, kind) {
			return true
		}
	}
	return false
}

// The vectors, with real keys and registry: right for both, and each change refused
// by both.
func TestVectorsWithPlonk(t *testing.T) {
	var v circuitVectors
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	secret, err := keys.ParseSecret(hex32(t, v.Scalar), hex32(t, v.NullifierKey))
	if err != nil {
		t.Fatal(err)
	}
	for id, twin := range pairs(t) {
		assigned := v.assign(t, twin, v.Roots[id.String()], secret)
		system, err := CompilePlonk(twin)
		if err != nil {
			t.Fatal(err)
		}
		if !solvesSparse(t, system, assigned) {
			t.Errorf("%v: the vector does not satisfy the circuit", twin)
		}
		for _, r := range v.Refused {
			changed := *assigned.(*BabyJubjub)
			r.apply(t, &changed)
			if solvesSparse(t, system, &changed) {
				t.Errorf("%v: %s = %s is accepted", twin, r.Input, r.Value)
			}
		}
	}
}

// Two leaves of one value prove, as with Groth16.
func TestTwinLeavesProveWithPlonk(t *testing.T) {
	system, err := CompilePlonk(zkkex.BabyJubjub20Plonk)
	if err != nil {
		t.Fatal(err)
	}
	a := newAssignment(t, zkkex.BabyJubjub20Plonk)
	a.groups[0][2], a.groups[0][6] = a.leaf(), a.leaf()
	running := field.Compress8(a.groups[0])
	a.groups[1][4] = running
	a.completePath(t, 2, field.Compress8(a.groups[1]))
	if !solvesSparse(t, system, a.circuit()) {
		t.Error("a leaf that stands twice cannot be proved")
	}
}

// The public inputs are the first wires, in their order, with a row each that takes
// the value from the verifier; there is no constant wire, no hint, no commitment.
func TestSparseSystems(t *testing.T) {
	for _, id := range zkkex.Plonk.Circuits() {
		system, err := CompilePlonk(id)
		if err != nil {
			t.Fatal(err)
		}
		if n := system.GetNbPublicVariables(); n != public.Count || len(system.Public) != public.Count {
			t.Errorf("%v: %d public wires, expected %d", id, n, public.Count)
		}
		for i, name := range public.Names() {
			if got := system.Public[i]; !strings.EqualFold(got, name) {
				t.Errorf("%v: public wire %d is %s, expected %s", id, i, got, name)
			}
		}
		if n := len(system.MHintsDependencies); n != 0 {
			t.Errorf("%v depends on %d hints, expected none", id, n)
		}
		constraints := system.GetSparseR1CIterator()
		for c := constraints.Next(); c != nil; c = constraints.Next() {
			if c.Commitment != constraint.NOT {
				t.Fatalf("%v has a commitment", id)
			}
		}
	}
}

// The golden file has the sparse systems too; the specification states the counts.
func TestSparseCounts(t *testing.T) {
	rows := goldenRows(t)
	spec, err := os.ReadFile("../docs/spec/plonk.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range zkkex.Plonk.Circuits() {
		system, err := CompilePlonk(id)
		if err != nil {
			t.Fatal(err)
		}
		internal, secret, publicWires := system.GetNbVariables()
		got := []int{system.GetNbConstraints(), publicWires, secret, internal}
		if want := rows[id.String()]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: constraints, public, secret and internal wires are %v, %s has %v", id, got, goldenFile, want)
		}
		if row := fmt.Sprintf("| `%v` | %d |", id, got[0]); !strings.Contains(string(spec), row) {
			t.Errorf("docs/spec/plonk.md has no row %s", row)
		}
	}
}

func TestCompileRefusesTheOtherProofSystem(t *testing.T) {
	if _, err := Compile(zkkex.BabyJubjub20Plonk); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("Compile of a circuit of PLONK: %v", err)
	}
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, 0x0203, 0} {
		if _, err := CompilePlonk(id); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("CompilePlonk of %v: %v", id, err)
		}
	}
}
