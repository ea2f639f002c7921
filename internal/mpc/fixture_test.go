package mpc

import (
	"bytes"
	"context"
	"math/big"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
)

// tiny is a relation with a domain of 16 whose coefficients are of every kind:
// 0 by cancellation, 1, -1, 2, small and large ones of both signs.
type tiny struct {
	Result  frontend.Variable `gnark:",public"`
	A, B, C frontend.Variable
}

func (c *tiny) Define(api frontend.API) error {
	product := api.Mul(api.Add(c.A, c.B, 7), api.Sub(c.B, api.Mul(3, c.C), 1))
	square := api.Mul(product, product)
	for i := range 7 {
		square = api.Mul(api.Add(api.Mul(square, -i-2), c.A, c.B), api.Add(square, product, -2))
	}
	api.AssertIsEqual(api.Mul(square, api.Sub(1, api.Mul(c.A, "0x123456789abcdef0123456789abcdef0123456789abcdef"))), c.Result)
	return nil
}

// unused has a secret input that no constraint uses.
type unused struct {
	Result frontend.Variable `gnark:",public"`
	A, B   frontend.Variable
}

func (c *unused) Define(api frontend.API) error {
	api.AssertIsEqual(api.Mul(c.A, api.Add(c.A, 1)), c.Result)
	return nil
}

// committed asks for a commitment.
type committed struct {
	Result frontend.Variable `gnark:",public"`
	A      frontend.Variable
}

func (c *committed) Define(api frontend.API) error {
	commitment, err := api.(frontend.Committer).Commit(c.A, c.Result)
	if err != nil {
		return err
	}
	api.AssertIsDifferent(commitment, 0)
	return nil
}

func compile(t testing.TB, c frontend.Circuit, options ...frontend.CompileOption) *cs.R1CS {
	t.Helper()
	system, err := compileCircuit(c, options...)
	if err != nil {
		t.Fatal(err)
	}
	return system
}

func compileCircuit(c frontend.Circuit, options ...frontend.CompileOption) (*cs.R1CS, error) {
	quiet.Gnark()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c, options...)
	if err != nil {
		return nil, err
	}
	return compiled.(*cs.R1CS), nil
}

var (
	beacon1 = []byte("a value that came after phase 1")
	beacon2 = []byte("a value that came after phase 2")
)

// ceremony is one that was held, of two contributions a phase.
type ceremony struct {
	system *cs.R1CS
	size   relation.Size
	domain int
	phase1 []*Phase1 // the beginning, then the contributions
	srs    *SRS
	phase2 []*Phase2
	evals  *Evaluations
}

var hold = sync.OnceValues(func() (*ceremony, error) {
	ctx := context.Background()
	system, err := compileCircuit(new(tiny))
	if err != nil {
		return nil, err
	}
	c := &ceremony{system: system, size: relation.SizeOf(system)}
	c.domain = Domain(c.size)
	c.phase1 = []*Phase1{NewPhase1(c.domain)}
	for i := range 2 {
		next, err := c.phase1[i].Contribute(ctx, []byte{byte(i)}, nil)
		if err != nil {
			return nil, err
		}
		c.phase1 = append(c.phase1, next)
	}
	if c.srs, err = c.phase1[2].Seal(ctx, beacon1, nil); err != nil {
		return nil, err
	}
	begin, evals, err := NewPhase2(ctx, system, c.srs, nil)
	if err != nil {
		return nil, err
	}
	c.phase2, c.evals = []*Phase2{begin}, evals
	for i := range 2 {
		next, err := c.phase2[i].Contribute(ctx, nil, nil)
		if err != nil {
			return nil, err
		}
		c.phase2 = append(c.phase2, next)
	}
	return c, nil
})

func held(t testing.TB) *ceremony {
	t.Helper()
	c, err := hold()
	if err != nil {
		t.Fatal(err)
	}
	if c.domain != 16 {
		t.Fatalf("a domain of %d, expected 16", c.domain)
	}
	return c
}

func number(v int64) *fr.Element {
	var x fr.Element
	x.SetInt64(v)
	return &x
}

func scalar(t testing.TB) fr.Element {
	t.Helper()
	x, err := newSource(nil).secret("test")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// phase1AsGnark reads the encoding of a state with gnark.
func phase1AsGnark(t testing.TB, p *Phase1) *mpcsetup.Phase1 {
	t.Helper()
	g := new(mpcsetup.Phase1)
	if _, err := g.ReadFrom(bytes.NewReader(p.Bytes())); err != nil {
		t.Fatal(err)
	}
	return g
}

// phase2AsGnark is phase1AsGnark for phase 2.
func phase2AsGnark(t testing.TB, p *Phase2) *mpcsetup.Phase2 {
	t.Helper()
	g := new(mpcsetup.Phase2)
	if _, err := g.ReadFrom(bytes.NewReader(p.Bytes())); err != nil {
		t.Fatal(err)
	}
	return g
}

// smallOrder is the smallest prime factor of the cofactor of G2.
const smallOrder = 10069

// outsideG2 returns a point of G2's curve of the order smallOrder. Pairings have an
// order that it does not divide, so they cannot tell it from the point at infinity.
func outsideG2(t testing.TB) curve.G2Affine {
	t.Helper()
	cofactor := new(big.Int).Lsh(fp.Modulus(), 1)
	cofactor.Sub(cofactor, fr.Modulus())
	rest, odd := new(big.Int).DivMod(cofactor, big.NewInt(smallOrder), new(big.Int))
	if odd.Sign() != 0 {
		t.Fatalf("%d does not divide the cofactor", smallOrder)
	}
	rest.Mul(rest, fr.Modulus())
	for x := byte(0); x < 255; x++ {
		b := make([]byte, point.G2Size)
		b[0], b[len(b)-1] = 0b10<<6, x
		var p curve.G2Affine
		if curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks()).Decode(&p) != nil {
			continue
		}
		if p = multiply(&p, rest); !p.IsInfinity() {
			return p
		}
	}
	t.Fatal("no point found")
	return curve.G2Affine{}
}

// multiply is for points outside of the subgroup too, unlike gnark-crypto's.
func multiply(p *curve.G2Affine, k *big.Int) curve.G2Affine {
	var sum, addend curve.G2Jac
	addend.FromAffine(p)
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum.DoubleAssign()
		if k.Bit(i) == 1 {
			sum.AddAssign(&addend)
		}
	}
	var out curve.G2Affine
	out.FromJacobian(&sum)
	return out
}
