package relation_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
)

// printEnv makes this test binary print the digest of the small circuit.
const printEnv = "ZKKEX_TEST_PRINT_DIGEST"

func TestMain(m *testing.M) {
	quiet.Gnark()
	if os.Getenv(printEnv) != "" {
		system, err := circuits.Compile(zkkex.BabyJubjub20)
		if err != nil {
			os.Exit(1)
		}
		fmt.Printf("%x", relation.Digest(system))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestDigestIsTheSameInEveryProcess(t *testing.T) {
	system, err := circuits.Compile(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	want := fmt.Sprintf("%x", relation.Digest(system))
	t.Logf("digest in %v", time.Since(start))
	for range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), printEnv+"=1")
		got, err := child.Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Fatalf("digest %s here, %s in another process", want, got)
		}
	}
}

// affine asserts X*Scale + Shift == Y*Y.
type affine struct {
	X            frontend.Variable
	Y            frontend.Variable `gnark:",public"`
	Scale, Shift int
}

func (c *affine) Define(api frontend.API) error {
	api.AssertIsEqual(api.Add(api.Mul(c.X, c.Scale), c.Shift), api.Mul(c.Y, c.Y))
	return nil
}

func TestDigestCoversCoefficients(t *testing.T) {
	seen := map[[32]byte]affine{}
	for _, c := range []affine{{Scale: 3, Shift: 5}, {Scale: 4, Shift: 5}, {Scale: 3, Shift: 6}} {
		digest := relation.Digest(compile(t, &c))
		if other, ok := seen[digest]; ok {
			t.Errorf("%+v and %+v have one digest", c, other)
		}
		seen[digest] = c
	}
	again := relation.Digest(compile(t, &affine{Scale: 3, Shift: 5}))
	if _, ok := seen[again]; !ok {
		t.Error("the digest of one circuit changed")
	}
}

func compile(t *testing.T, c frontend.Circuit) *cs.R1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.R1CS)
}

func sparse(t *testing.T, c frontend.Circuit) *cs.SparseR1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.SparseR1CS)
}

// The digest of a sparse system covers coefficients, and is that of no other kind.
func TestSparseDigest(t *testing.T) {
	seen := map[[32]byte]string{relation.Digest(compile(t, &affine{Scale: 3, Shift: 5})): "the rank-1 system"}
	for _, c := range []affine{{Scale: 3, Shift: 5}, {Scale: 4, Shift: 5}, {Scale: 3, Shift: 6}} {
		digest := relation.DigestSparse(sparse(t, &c))
		if other, ok := seen[digest]; ok {
			t.Errorf("%+v and %s have one digest", c, other)
		}
		seen[digest] = fmt.Sprintf("%+v", c)
	}
	if _, ok := seen[relation.DigestSparse(sparse(t, &affine{Scale: 3, Shift: 5}))]; !ok {
		t.Error("the digest of one circuit changed")
	}
}

// Each number of a constraint is covered: wires, also those that a coefficient of 0
// leaves without effect but the permutation covers, and coefficients.
func TestSparseDigestCoversEverything(t *testing.T) {
	system := sparse(t, &affine{Scale: 3, Shift: 5})
	want := relation.DigestSparse(system)
	covered := 0
	for at, word := range system.CallData {
		system.CallData[at] = 1
		if word == 1 {
			system.CallData[at] = 0
		}
		switch {
		case commits(system): // what no circuit of ours does
		case relation.DigestSparse(system) == want:
			t.Errorf("word %d of the constraints is not covered", at)
		default:
			covered++
		}
		system.CallData[at] = word
	}
	if covered < 8 {
		t.Errorf("%d words are covered", covered)
	}
	if relation.DigestSparse(system) != want {
		t.Error("the digest changed for good")
	}
}

// commits reports whether the system has commitments.
func commits(system *cs.SparseR1CS) bool {
	constraints := system.GetSparseR1CIterator()
	for c := constraints.Next(); c != nil; c = constraints.Next() {
		if c.Commitment != constraint.NOT {
			return true
		}
	}
	return false
}

// The specification states the digests that this program compiles.
func TestSparseDigestsAreSpecified(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/params.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range zkkex.Plonk.Circuits() {
		system, err := circuits.CompilePlonk(id)
		if err != nil {
			t.Fatal(err)
		}
		if row := fmt.Sprintf("| `%v` | `%x` |", id, relation.DigestSparse(system)); !strings.Contains(string(spec), row) {
			t.Errorf("docs/spec/params.md has no row %s", row)
		}
		size := relation.SizeOf(system)
		if size.Public != 5 || size.Constraints != system.GetNbConstraints() || size.Wires() != size.Public+size.Secret+size.Internal {
			t.Errorf("%v: %+v", id, size)
		}
	}
}
