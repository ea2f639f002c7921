package mpc

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	"github.com/consensys/gnark/frontend"
	"pgregory.net/rapid"

	"github.com/zkkex/zkkex/internal/relation"
)

// squares has as many constraints as it is told, and one more.
type squares struct {
	Result frontend.Variable `gnark:",public"`
	Secret frontend.Variable
	times  int
}

func (c *squares) Define(api frontend.API) error {
	x := c.Secret
	for range c.times {
		x = api.Mul(x, api.Add(x, 5))
	}
	api.AssertIsEqual(x, c.Result)
	return nil
}

// TestBeginningIsGnarks compares every point, at domains that are full, nearly
// empty, and as small as can be.
func TestBeginningIsGnarks(t *testing.T) {
	for _, times := range []int{1, 2, 3, 4, 15, 16, 31} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			system := compile(t, &squares{times: times})
			domain := Domain(relation.SizeOf(system))
			srs, err := NewPhase1(domain).Seal(t.Context(), beacon1, nil)
			if err != nil {
				t.Fatal(err)
			}
			ours, evals, err := NewPhase2(t.Context(), system, srs, nil)
			if err != nil {
				t.Fatal(err)
			}
			theirs := new(mpcsetup.Phase2)
			theirEvals := theirs.Initialize(system, srs)
			if !bytes.Equal(ours.Bytes(), written(t, theirs)) {
				t.Error("another state")
			}
			if !reflect.DeepEqual(evals, &theirEvals) {
				t.Error("other evaluations")
			}
			if got, want := len(ours.Bytes()), Phase2Size(relation.SizeOf(system))-challengeSize; got != want {
				t.Errorf("%d bytes, expected %d", got, want)
			}
		})
	}
}

func TestNoBeginning(t *testing.T) {
	c := held(t)
	omega := rootOfUnity(t, c.domain)
	inside, err := NewPhase1(c.domain).scale(t.Context(), &factors1{omega, *number(3), *number(5)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewPhase1(2*c.domain).Seal(t.Context(), beacon1, nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := cloneSRS(c.srs)
	broken.G1.Tau = broken.G1.Tau[1:]
	ignored := compile(t, new(unused), frontend.IgnoreUnconstrainedInputs())
	small, err := NewPhase1(Domain(relation.SizeOf(ignored))).Seal(t.Context(), beacon1, nil)
	if err != nil {
		t.Fatal(err)
	}

	if _, _, err := NewPhase2(t.Context(), c.system, other, nil); !errors.Is(err, ErrDomain) {
		t.Errorf("another domain: %v, expected %v", err, ErrDomain)
	}
	if _, _, err := NewPhase2(t.Context(), c.system, broken, nil); err == nil {
		t.Error("an SRS without all powers: no error")
	}
	if _, _, err := NewPhase2(t.Context(), compile(t, new(committed)), c.srs, nil); !errors.Is(err, ErrCommitments) {
		t.Errorf("a commitment: %v, expected %v", err, ErrCommitments)
	}
	if _, _, err := NewPhase2(t.Context(), ignored, small, nil); !errors.Is(err, ErrUnusedWire) {
		t.Errorf("an unused wire: %v, expected %v", err, ErrUnusedWire)
	}
	var failed *CheckError
	if _, _, err := NewPhase2(t.Context(), c.system, inside, nil); !errors.As(err, &failed) || failed.Check != CheckTauValue {
		t.Errorf("tau in the domain: %v, expected the check %q", err, CheckTauValue)
	}
}

// TestSignedDigits adds the digits up again.
func TestSignedDigits(t *testing.T) {
	value := func(digits signedDigits) fr.Element {
		sum, power := new(big.Int), big.NewInt(1)
		for _, d := range digits {
			sum.Add(sum, new(big.Int).Mul(power, big.NewInt(int64(d))))
			power.Lsh(power, 1)
		}
		var x fr.Element
		x.SetBigInt(sum)
		return x
	}
	check := func(t interface{ Errorf(string, ...any) }, x *fr.Element) {
		digits := newSignedDigits(x)
		if got := value(digits); !got.Equal(x) {
			t.Errorf("%v: the digits are %v", x, got)
		}
		for i, d := range digits {
			if d != 0 && (d%2 == 0 || d < 1-2*oddMultiples || d > 2*oddMultiples-1) {
				t.Errorf("%v: digit %d is %d", x, i, d)
			}
		}
	}
	var half fr.Element
	half.SetUint64(2)
	half.Inverse(&half)
	before := half
	before.Sub(&before, number(1))
	for _, x := range []*fr.Element{number(0), number(1), number(-1), number(2), number(-2), number(7), number(8), number(-9), &half, &before} {
		check(t, x)
	}
	if n := len(newSignedDigits(number(-1))); n != 1 {
		t.Errorf("-1 has %d digits, expected 1", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		var x fr.Element
		x.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
		check(t, &x)
	})
}

func TestDomain(t *testing.T) {
	for constraints, want := range map[int]int{0: MinDomain, 1: MinDomain, 2: 2, 3: 4, 4096: 4096, 4097: 8192, 3931: 4096, 5415: 8192} {
		if got := Domain(relation.Size{Constraints: constraints}); got != want {
			t.Errorf("%d constraints: a domain of %d, expected %d", constraints, got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a domain of 3 did not panic")
		}
	}()
	NewPhase1(3)
}
