package groth16

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

func TestKeyRoundTrip(t *testing.T) {
	f := load(t)
	if len(f.encVK) != VerifyingKeySize {
		t.Fatalf("gnark writes %d bytes, we expect %d", len(f.encVK), VerifyingKeySize)
	}
	points, err := ParsePoints(f.encVK)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(points.Bytes(), f.encVK) {
		t.Fatal("the encoding changed on the way")
	}
}

// Offsets of an encoded key.
const (
	offAlpha1 = 0
	offBeta1  = offAlpha1 + g1Size
	offBeta2  = offBeta1 + g1Size
	offGamma2 = offBeta2 + g2Size
	offDelta1 = offGamma2 + g2Size
	offDelta2 = offDelta1 + g1Size
	offCount  = offDelta2 + g2Size
	offK      = offCount + 4
	offLists  = offK + (public.Count+1)*g1Size
)

func TestKeyIsParsedStrictly(t *testing.T) {
	f := load(t)
	_, _, outside := badPoints(t)
	infinity := make([]byte, g2Size)
	infinity[0] = flagInfinity
	with := func(at int, part []byte) []byte {
		out := bytes.Clone(f.encVK)
		copy(out[at:], part)
		return out
	}
	tests := []struct {
		name string
		key  []byte
		want error
		says string
	}{
		{"empty", nil, ErrLength, "expected 492 bytes"},
		{"truncated", f.encVK[:VerifyingKeySize-1], ErrLength, "got 491"},
		{"trailing byte", append(bytes.Clone(f.encVK), 0), ErrLength, "got 493"},
		{"alpha at infinity", with(offAlpha1, infinity[:g1Size]), ErrInfinity, "alpha in G1"},
		{"beta1 at infinity", with(offBeta1, infinity[:g1Size]), ErrInfinity, "beta in G1"},
		{"beta2 at infinity", with(offBeta2, infinity), ErrInfinity, "beta in G2"},
		{"gamma at infinity", with(offGamma2, infinity), ErrInfinity, "gamma in G2"},
		{"delta1 at infinity", with(offDelta1, infinity[:g1Size]), ErrInfinity, "delta in G1"},
		{"delta2 at infinity", with(offDelta2, infinity), ErrInfinity, "delta in G2"},
		{"K[0] at infinity", with(offK, infinity[:g1Size]), ErrInfinity, "K[0]"},
		{"K[5] at infinity", with(offK+5*g1Size, infinity[:g1Size]), ErrInfinity, "K[5]"},
		{"gamma outside of the subgroup", with(offGamma2, outside), ErrSubgroup, "gamma in G2"},
		{"delta outside of the subgroup", with(offDelta2, outside), ErrSubgroup, "delta in G2"},
		{"one K more", with(offCount, []byte{0, 0, 0, 7}), ErrLength, "number of K"},
		{"K's without end", with(offCount, []byte{0xff, 0xff, 0xff, 0xff}), ErrLength, "number of K"},
		{"a list of committed wires", with(offLists, []byte{0, 0, 0, 1}), ErrLength, "committed wires"},
		{"a commitment key", with(offLists+4, []byte{0, 0, 0, 1}), ErrLength, "commitment keys"},
	}
	for _, test := range tests {
		_, err := ParsePoints(test.key)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// TestUnusedInputIsRefused is trap C11b: gnark compiles a public input that no
// constraint touches, and its point is at infinity.
func TestUnusedInputIsRefused(t *testing.T) {
	f, err := newFixture(&unused{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParsePoints(f.encVK)
	if !errors.Is(err, ErrInfinity) || !strings.Contains(err.Error(), "K[5]") {
		t.Fatalf("%v, want the point at infinity at K[5]", err)
	}
}

func TestUnsafeKeysAreRefused(t *testing.T) {
	f := load(t)
	points, err := ParsePoints(f.encVK)
	if err != nil {
		t.Fatal(err)
	}
	_, _, g1, g2 := curve.Generators()
	tests := []struct {
		name   string
		change func(p *Points)
		says   string
	}{
		{"alpha is the generator", func(p *Points) { p.Alpha1 = g1 }, "alpha is the generator"},
		{"beta is the generator", func(p *Points) { p.Beta1, p.Beta2 = g1, g2 }, "beta is the generator"},
		{"delta is gamma", func(p *Points) { p.Delta2 = p.Gamma2 }, "delta equals gamma"},
		{"delta is minus gamma", func(p *Points) { p.Delta2.Neg(&p.Gamma2) }, "delta equals gamma"},
		{"delta is the generator", func(p *Points) { p.Delta1, p.Delta2 = g1, g2 }, "delta is the generator"},
		{"delta is minus the generator", func(p *Points) { p.Delta1.Neg(&g1); p.Delta2.Neg(&g2) }, "delta is the generator"},
		{"delta differs between the groups", func(p *Points) { p.Delta1.Double(&p.Delta1) }, "delta: "},
		{"beta differs between the groups", func(p *Points) { p.Beta1.Double(&p.Beta1) }, "beta: "},
	}
	for _, test := range tests {
		changed := *points
		test.change(&changed)
		_, err := NewVerifyingKey(&changed)
		if !errors.Is(err, ErrUnsafeKey) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, ErrUnsafeKey, test.says)
		}
	}
}

// TestForgeryWithEqualGammaAndDelta is trap S1: with delta = gamma, and with
// delta = -gamma, everybody proves every statement. The equation itself accepts
// the forgery, and only the check of the key refuses it.
func TestForgeryWithEqualGammaAndDelta(t *testing.T) {
	f := load(t)
	for _, negative := range []bool{false, true} {
		points, err := ParsePoints(f.encVK)
		if err != nil {
			t.Fatal(err)
		}
		// Gamma moves, so that delta stays the same in both groups, and no
		// other check of the key has anything to say.
		points.Gamma2 = points.Delta2
		if negative {
			points.Gamma2.Neg(&points.Delta2)
		}
		var inputs [public.Count]field.Element
		for i := range inputs {
			inputs[i].MustSetRandom()
		}
		forgedC := newSumTable(points.K[0], points.K[1:]).eval(inputs[:])
		sum := *new(curve.G1Affine).FromJacobian(&forgedC)
		forged := Proof{A: points.Alpha1, B: points.Beta2, C: sum}
		if !negative {
			forged.C.Neg(&sum)
		}
		if err := unchecked(t, points).Verify(&forged, inputs); err != nil {
			t.Fatalf("the forgery does not show the attack: %v", err)
		}
		if _, err := NewVerifyingKey(points); !errors.Is(err, ErrUnsafeKey) {
			t.Fatalf("%v, want %v", err, ErrUnsafeKey)
		}
		if err := f.key(t).Verify(&forged, inputs); !errors.Is(err, ErrNoProof) {
			t.Fatalf("the forgery under a sound key: %v, want %v", err, ErrNoProof)
		}
	}
}

// unchecked prepares a key without checking it.
func unchecked(t *testing.T, p *Points) *VerifyingKey {
	t.Helper()
	vk, err := prepare(p)
	if err != nil {
		t.Fatal(err)
	}
	return vk
}

func FuzzParsePoints(f *testing.F) {
	_, _, g1, g2 := curve.Generators()
	p := Points{Alpha1: g1, Beta1: g1, Delta1: g1, Beta2: g2, Gamma2: g2, Delta2: g2}
	for i := range p.K {
		p.K[i].ScalarMultiplication(&g1, big.NewInt(int64(i+1)))
	}
	seed := p.Bytes()
	f.Add(seed)
	f.Add(seed[:offK])
	f.Add(binary.BigEndian.AppendUint32(bytes.Clone(seed[:offLists]), 1))
	p.Commitment = &CommitmentPoints{Challenge: g1, G: g2, GSigmaNeg: g2}
	f.Add(p.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		points, err := ParsePoints(b)
		if err != nil {
			return
		}
		if !bytes.Equal(points.Bytes(), b) {
			t.Fatalf("%x is accepted and encoded as %x", b, points.Bytes())
		}
	})
}
