package circuits

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

const goldenFile = "../testdata/constraints.csv"

// The golden file lists circuit, constraints and wires. A missing row fails,
// and so does a row for a circuit that is gone.
func TestConstraintCounts(t *testing.T) {
	rows := goldenRows(t)
	for _, id := range zkkex.Groth16.Circuits() {
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
	for _, relation := range []string{"babyjubjub", "eddsa"} {
		spec, err := os.ReadFile("../docs/spec/circuit-" + relation + ".md")
		if err != nil {
			t.Fatal(err)
		}
		rows := goldenRows(t)
		small, large := rows[relation+"-20"][0], rows[relation+"-32"][0]
		want := fmt.Sprintf("| constraints | %d,%03d | %d,%03d |", small/1000, small%1000, large/1000, large%1000)
		if !strings.Contains(string(spec), want) {
			t.Errorf("circuit-%s.md: expected the row %q", relation, want)
		}
	}
}

// The budgets: below 4,097 constraints, and again below 8,193, the prover's FFT
// domain halves.
func TestBudgets(t *testing.T) {
	rows := goldenRows(t)
	for name, budget := range map[string]int{"babyjubjub-20": 4096, "babyjubjub-32": 5700, "eddsa-20": 6400, "eddsa-32": 8192} {
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

// No hints: every value is an input or the output of a product or division.
func TestNoHintsNoCommitments(t *testing.T) {
	for _, id := range zkkex.Groth16.Circuits() {
		system, err := Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(system.MHintsDependencies); n != 0 {
			t.Errorf("%v depends on %d hints, expected none", id, n)
		}
		if system.CommitmentInfo != nil && len(system.CommitmentInfo.CommitmentIndexes()) != 0 {
			t.Errorf("%v has commitments, expected none", id)
		}
	}
}

func TestCompileIsDeterministic(t *testing.T) {
	var first, second bytes.Buffer
	for _, buffer := range []*bytes.Buffer{&first, &second} {
		system, err := Compile(zkkex.BabyJubjub20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := system.WriteTo(buffer); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatal("compiling twice gives two serialised systems")
	}
}
