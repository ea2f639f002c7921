package relation_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

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
