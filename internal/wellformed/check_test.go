package wellformed_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"

	"github.com/zkkex/zkkex/internal/wellformed"
)

func TestSealedKeysPass(t *testing.T) {
	keys := fresh()
	before := encoded(t, keys)
	var steps []string
	results := wellformed.Check(context.Background(), keys, func(check string, done, total int) {
		if done != len(steps) || total != len(wellformed.Checks()) {
			t.Errorf("step %d of %d, expected %d of %d", done, total, len(steps), len(wellformed.Checks()))
		}
		steps = append(steps, check)
	})
	for i, result := range results {
		if result.Check != wellformed.Checks()[i] || result.Err != nil {
			t.Errorf("%s: %v", result.Check, result.Err)
		}
	}
	if !slices.Equal(steps, wellformed.Checks()) {
		t.Errorf("steps %v", steps)
	}
	if !bytes.Equal(before, encoded(t, keys)) {
		t.Error("the keys were changed")
	}
}

// Every fault is one that its check alone refuses: the keys are right in every
// other respect, as an attacker who knows all secrets can make them.
func TestPlantedFaults(t *testing.T) {
	for _, fault := range []struct {
		check string
		says  string
		plant func(*testing.T, *wellformed.Keys)
	}{
		{wellformed.Shape, "Z: expected", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G1.Z = append(k.ProvingKey.G1.Z, k.ProvingKey.G1.Z[0])
		}},
		{wellformed.Shape, "A at infinity: expected", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.NbInfinityA++
		}},
		{wellformed.Shape, "powers of tau in G2: expected", func(_ *testing.T, k *wellformed.Keys) {
			srs := *k.SRS
			srs.G2.Tau = srs.G2.Tau[1:]
			k.SRS = &srs
		}},
		{wellformed.Points, "IC: point 2: at infinity", func(t *testing.T, k *wellformed.Keys) {
			*k = ceremony(t, compile(t, &loose{}), true)
		}},
		{wellformed.Points, "B in G2: point 1: not in the subgroup", func(t *testing.T, k *wellformed.Keys) {
			point := &k.ProvingKey.G2.B[1]
			point.Add(point, smallOrder(t))
		}},
		{wellformed.Points, "B in G2: point 1: not on the curve", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G2.B[1].Y.SetOne()
		}},
		{wellformed.Points, "beta, delta and gamma in G2 of the verifying key: point 1: at infinity", func(_ *testing.T, k *wellformed.Keys) {
			k.VerifyingKey.G2.Delta.SetInfinity()
		}},
		{wellformed.Points, "K: point 0: not on the curve", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G1.K[0].Y.SetOne()
		}},
		{wellformed.Points, "A: point 3: at infinity", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G1.A[3].SetInfinity()
		}},
		{wellformed.Domain, "constants", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.Domain.FrMultiplicativeGen.SetUint64(7)
		}},
		{wellformed.Alpha, "proving key", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.Alpha)
			double(&k.VerifyingKey.G1.Alpha)
		}},
		{wellformed.Alpha, "verifying key", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.VerifyingKey.G1.Alpha)
		}},
		{wellformed.BetaG1, "proving key", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.Beta)
			double(&k.VerifyingKey.G1.Beta)
		}},
		{wellformed.BetaG2, "proving key", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G2.Beta.Double(&k.ProvingKey.G2.Beta)
			k.VerifyingKey.G2.Beta.Double(&k.VerifyingKey.G2.Beta)
		}},
		{wellformed.BetaG2, "verifying key", func(_ *testing.T, k *wellformed.Keys) {
			k.VerifyingKey.G2.Beta.Double(&k.VerifyingKey.G2.Beta)
		}},
		{wellformed.DeltaKeys, "different", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.VerifyingKey.G1.Delta)
		}},
		{wellformed.DeltaKeys, "different", func(_ *testing.T, k *wellformed.Keys) {
			k.VerifyingKey.G2.Delta.Double(&k.VerifyingKey.G2.Delta)
		}},
		{wellformed.DeltaGroups, "same multiple", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.Delta)
			double(&k.VerifyingKey.G1.Delta)
		}},
		{wellformed.Gamma, "generator", scaleGamma},
		{wellformed.DeltaGamma, "up to sign", func(t *testing.T, k *wellformed.Keys) {
			*k = withDelta(t, 1)
		}},
		{wellformed.DeltaGamma, "up to sign", func(t *testing.T, k *wellformed.Keys) {
			*k = withDelta(t, -1)
		}},
		{wellformed.A, "wire 0:", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.A[0])
		}},
		{wellformed.A, "wire 5:", moveFlagOfA},
		{wellformed.BInG1, "wire 1:", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.B[0])
		}},
		{wellformed.BInG2, "wire 1:", func(_ *testing.T, k *wellformed.Keys) {
			k.ProvingKey.G2.B[0].Double(&k.ProvingKey.G2.B[0])
		}},
		{wellformed.K, "wire 5:", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.K[2])
		}},
		{wellformed.K, "wire 3:", func(_ *testing.T, k *wellformed.Keys) {
			list := k.ProvingKey.G1.K
			list[0], list[1] = list[1], list[0]
		}},
		{wellformed.IC, "wire 1:", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.VerifyingKey.G1.K[1])
		}},
		{wellformed.Z, "power 4:", func(_ *testing.T, k *wellformed.Keys) {
			double(&k.ProvingKey.G1.Z[1]) // 1 is 4 with three bits reversed
		}},
	} {
		t.Run(fault.check+"/"+fault.says, func(t *testing.T) {
			keys := fresh()
			fault.plant(t, &keys)
			results := wellformed.Check(context.Background(), keys, nil)
			refusedBy(t, results, fault.check, fault.says)
		})
	}
}

// refusedBy fails the test unless check, and no other, failed and says why.
func refusedBy(t *testing.T, results []wellformed.Result, check, says string) {
	t.Helper()
	failed := false
	for _, result := range results {
		switch {
		case result.Check == check:
			failed = result.Err != nil && !errors.Is(result.Err, wellformed.ErrNotRun)
			if !failed || !strings.Contains(result.Err.Error(), says) {
				t.Errorf("%s: %v, expected %q", check, result.Err, says)
			}
		case failed && (check == wellformed.Shape || check == wellformed.Points):
			if !errors.Is(result.Err, wellformed.ErrNotRun) {
				t.Errorf("%s: %v, expected that it does not run after %s", result.Check, result.Err, check)
			}
		case result.Err != nil:
			t.Errorf("%s: %v, expected that only %s fails", result.Check, result.Err, check)
		}
	}
}

func TestOtherCircuit(t *testing.T) {
	keys := fresh()
	keys.System = compile(t, &other{})
	failed := failures(wellformed.Check(context.Background(), keys, nil))
	if len(failed) == 0 {
		t.Fatal("the keys of another circuit pass")
	}
	for _, name := range failed {
		if !slices.Contains([]string{wellformed.A, wellformed.BInG1, wellformed.BInG2, wellformed.K, wellformed.IC}, name) {
			t.Errorf("%s failed", name)
		}
	}
}

func TestOtherFirstPhase(t *testing.T) {
	keys := fresh()
	keys.SRS = ceremony(t, keys.System, true).SRS
	want := []string{wellformed.Alpha, wellformed.BetaG1, wellformed.BetaG2,
		wellformed.A, wellformed.BInG1, wellformed.BInG2, wellformed.K, wellformed.IC, wellformed.Z}
	if got := failures(wellformed.Check(context.Background(), keys, nil)); !slices.Equal(got, want) {
		t.Errorf("failed %v, expected %v", got, want)
	}
}

// TestOtherDelta has a client be given a proving key of its own, of the same first
// phase: with its own delta throughout it is another verifying key's.
func TestOtherDelta(t *testing.T) {
	keys, foreign := fresh(), withDelta(t, 5)
	keys.ProvingKey = foreign.ProvingKey
	if got, want := failures(wellformed.Check(context.Background(), keys, nil)), []string{wellformed.DeltaKeys}; !slices.Equal(got, want) {
		t.Errorf("failed %v, expected %v", got, want)
	}
}

func TestCheckStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	results := wellformed.Check(ctx, fresh(), func(check string, _, _ int) {
		if check == wellformed.BInG2 {
			cancel()
		}
	})
	reached := slices.Index(wellformed.Checks(), wellformed.BInG2)
	for i, result := range results {
		stopped := errors.Is(result.Err, wellformed.ErrNotRun) && errors.Is(result.Err, context.Canceled)
		if stopped != (i >= reached) {
			t.Errorf("%s: %v", result.Check, result.Err)
		}
	}
}

func failures(results []wellformed.Result) []string {
	var names []string
	for _, result := range results {
		if result.Err != nil {
			names = append(names, result.Check)
		}
	}
	return names
}

func double(p *curve.G1Affine) { p.Double(p) }

// smallOrder returns a point of the twist whose order is 10069, the smallest
// factor of the cofactor.
func smallOrder(t *testing.T) *curve.G2Affine {
	t.Helper()
	factor := big.NewInt(10069)
	// The order of the twist is r(2p - r), with p of the base field.
	order := new(big.Int).Lsh(ecc.BN254.BaseField(), 1)
	order.Sub(order, ecc.BN254.ScalarField())
	cofactor, rest := new(big.Int).DivMod(order, factor, new(big.Int))
	if rest.Sign() != 0 {
		t.Fatal("10069 is no factor of the cofactor")
	}
	cofactor.Mul(cofactor, ecc.BN254.ScalarField())
	point := twistPoint()
	var jacobian curve.G2Jac
	jacobian.FromAffine(&point)
	result := plainMultiple(&jacobian, cofactor)
	if result.IsInfinity() || result.IsInSubGroup() {
		t.Fatal("not a point of small order")
	}
	return &result
}

// plainMultiple doubles and adds: the library's own multiplication is for points
// of the subgroup.
func plainMultiple(p *curve.G2Jac, k *big.Int) curve.G2Affine {
	var sum curve.G2Jac
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum.DoubleAssign()
		if k.Bit(i) == 1 {
			sum.AddAssign(p)
		}
	}
	var out curve.G2Affine
	out.FromJacobian(&sum)
	return out
}

// twistPoint returns a point of the twist that is not in the subgroup.
func twistPoint() curve.G2Affine {
	_, _, _, g2 := curve.Generators()
	var b, p curve.G2Affine
	// y^2 = x^3 + b gives b from the generator.
	b.X.Square(&g2.X).Mul(&b.X, &g2.X)
	b.Y.Square(&g2.Y).Sub(&b.Y, &b.X)
	for {
		p.X.A0.SetRandom()
		p.X.A1.SetRandom()
		p.Y.Square(&p.X).Mul(&p.Y, &p.X).Add(&p.Y, &b.Y)
		if p.Y.Legendre() == 1 {
			p.Y.Sqrt(&p.Y)
			return p
		}
	}
}

// scaleGamma gives the verifying key another gamma and the IC that belong to it.
func scaleGamma(_ *testing.T, k *wellformed.Keys) {
	var s fr.Element
	s.SetUint64(3)
	k.VerifyingKey.G2.Gamma.ScalarMultiplication(&k.VerifyingKey.G2.Gamma, integer(s))
	s.Inverse(&s)
	for i := range k.VerifyingKey.G1.K {
		k.VerifyingKey.G1.K[i].ScalarMultiplication(&k.VerifyingKey.G1.K[i], integer(s))
	}
}

// withDelta returns keys whose delta is known, made by the code below from a setup
// whose second phase was never run.
func withDelta(t *testing.T, delta int64) wellformed.Keys {
	t.Helper()
	keys := fresh()
	unscale(t, &keys)
	var d, inverse fr.Element
	d.SetInt64(delta)
	inverse.Inverse(&d)
	_, _, g1, g2 := curve.Generators()
	pk, vk := keys.ProvingKey, keys.VerifyingKey
	pk.G1.Delta.ScalarMultiplication(&g1, integer(d))
	pk.G2.Delta.ScalarMultiplication(&g2, integer(d))
	vk.G1.Delta, vk.G2.Delta = pk.G1.Delta, pk.G2.Delta
	for _, list := range [][]curve.G1Affine{pk.G1.K, pk.G1.Z} {
		for i := range list {
			list[i].ScalarMultiplication(&list[i], integer(inverse))
		}
	}
	return keys
}

func integer(e fr.Element) *big.Int { return e.BigInt(new(big.Int)) }

// unscale gives the keys the K and Z of delta 1, from the first phase and the
// circuit.
func unscale(t *testing.T, keys *wellformed.Keys) {
	t.Helper()
	var start mpcsetup.Phase2
	start.Initialize(keys.System, keys.SRS)
	keys.ProvingKey.G1.K = start.Parameters.G1.PKK
	keys.ProvingKey.G1.Z = start.Parameters.G1.Z
}

// moveFlagOfA has a wire's A taken for another wire's: the numbers stay right.
func moveFlagOfA(t *testing.T, k *wellformed.Keys) {
	t.Helper()
	flags := k.ProvingKey.InfinityA
	flagged := slices.Index(flags, true)
	if flagged < 1 {
		t.Fatal("the circuit has no wire without A")
	}
	flags[flagged-1], flags[flagged] = flags[flagged], flags[flagged-1]
}
