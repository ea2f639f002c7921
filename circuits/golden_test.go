package circuits

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/consensys/gnark/constraint"

	"github.com/zkkex/zkkex"
)

const goldenFile = "../testdata/constraints.csv"

// The golden file lists circuit, constraints and wires. A missing row fails,
// and so does a row for a circuit that is gone.
func TestConstraintCounts(t *testing.T) {
	rows := goldenRows(t)
	for _, id := range quickCircuits() {
		system, err := Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		internal, secret, publicWires := system.GetNbVariables()
		got := []int{system.GetNbConstraints(), publicWires, secret, internal}
		want, ok := rows[id.String()]
		if !ok {
			t.Errorf("%s has no row for %v; it would be %v", goldenFile, id, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%v: constraints, public, secret and internal wires are %v, %s has %v", id, got, goldenFile, want)
				break
			}
		}
	}
}

// The specifications state the counts too.
func TestSpecificationStatesTheCounts(t *testing.T) {
	for _, relation := range []string{"babyjubjub", "eddsa", "p256-key", "secp256k1-key"} { // signatures: TestSignatureSpecification
		name := relation
		if strings.HasSuffix(relation, "-key") {
			name = "ecdsa-key" // both curves in one
		}
		spec, err := os.ReadFile("../docs/spec/circuit-" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		rows := goldenRows(t)
		small, large := rows[relation+"-20"][0], rows[relation+"-32"][0]
		want := fmt.Sprintf("| constraints | %d,%03d | %d,%03d |", small/1000, small%1000, large/1000, large%1000)
		if !strings.Contains(string(spec), want) {
			t.Errorf("circuit-%s.md: expected the row %q", name, want)
		}
	}
}

// The budgets: below 4,097 constraints, and again below 8,193, 16,385 and 65,537, the
// prover's FFT domain halves.
func TestBudgets(t *testing.T) {
	rows := goldenRows(t)
	for name, budget := range map[string]int{"babyjubjub-20": 4096, "babyjubjub-32": 5700, "eddsa-20": 6400, "eddsa-32": 8192,
		"p256-key-20": 11500, "p256-key-32": 16384, "secp256k1-key-20": 11500, "secp256k1-key-32": 16384,
		"p256-sig-20": 60000, "p256-sig-32": 65536, "secp256k1-sig-20": 60000, "secp256k1-sig-32": 65536} {
		if row, ok := rows[name]; !ok || row[0] > budget {
			t.Errorf("%s: %v constraints, the budget is %d", name, row, budget)
		}
	}
}

func goldenRows(t *testing.T) map[string][]int {
	t.Helper()
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]int)
	for _, record := range records[1:] {
		var row []int
		for _, s := range record[1:] {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, n)
		}
		rows[record[0]] = row
	}
	return rows
}

// Circuits in the native field have no hints: every value is an input or the output
// of a product or division. The others have one commitment, to private wires alone.
func TestHintsAndCommitments(t *testing.T) {
	for _, id := range quickCircuits() {
		system, err := Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(system.MHintsDependencies); n != 0 && id.Commitments() == 0 {
			t.Errorf("%v depends on %d hints, expected none", id, n)
		}
		commitments := system.CommitmentInfo.(constraint.Groth16Commitments)
		if len(commitments) != id.Commitments() {
			t.Errorf("%v has %d commitments, expected %d", id, len(commitments), id.Commitments())
		}
		for _, c := range commitments {
			if n := len(c.PublicAndCommitmentCommitted); n != 0 {
				t.Errorf("%v commits to %d public wires, expected none", id, n)
			}
		}
	}
}

func TestCompileIsDeterministic(t *testing.T) {
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.P256Key20} {
		var first, second bytes.Buffer
		for _, buffer := range []*bytes.Buffer{&first, &second} {
			system, err := Compile(id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := system.WriteTo(buffer); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("compiling %v twice gives two serialised systems", id)
		}
	}
}
