package ceremonytest

import (
	"slices"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony"
)

// Fault is a change of a payload that one check of the mathematics is there for.
type Fault struct {
	// Check is the name of the check.
	Check string
	// Phase is the phase whose contributions have the fault, 1 or 2, or 0 for an
	// imported phase 1.
	Phase int

	change func(t testing.TB, d *ceremony.Definition, payload []byte)
}

// Apply returns a payload with the fault. All its points are points of their
// groups.
func (f Fault) Apply(t testing.TB, d ceremony.Definition, payload []byte) []byte {
	t.Helper()
	out := slices.Clone(payload)
	f.change(t, &d, out)
	return out
}

// Sizes of encoded points and of the proof that a factor is known: the factor in
// G1, and a point of G2.
const (
	g1Size    = 32
	g2Size    = 64
	proofSize = g1Size + g2Size
)

// Faults returns a fault for each check that a changed point or challenge fails.
func Faults() []Fault {
	return slices.Concat(faultsOf1(), faultsOf2(), faultsOfImported())
}

func faultsOf1() []Fault {
	at := func(check string, offset func(s srs) int, change func(testing.TB, []byte)) Fault {
		return Fault{Check: check, Phase: 1, change: func(t testing.TB, d *ceremony.Definition, b []byte) {
			t.Helper()
			change(t, b[offset(srs{start: 3 * proofSize, domain: d.Domain}):])
		}}
	}
	proof := func(i int) func(srs) int { return func(srs) int { return i * proofSize } }
	return []Fault{
		{Check: mpc.CheckEncoding, Phase: 1, change: notAPoint},
		{Check: mpc.CheckChallenge, Phase: 1, change: otherChallenge},
		at(mpc.CheckTauProof, proof(0), doubleG1),
		at(mpc.CheckAlphaProof, proof(1), doubleG1),
		at(mpc.CheckBetaProof, proof(2), doubleG1),
		at(mpc.CheckTau, srs.tau1, doubleG1),
		at(mpc.CheckAlpha, srs.alpha, doubleG1),
		at(mpc.CheckBetaG1, srs.beta1, doubleG1),
		at(mpc.CheckBetaG2, srs.beta2, doubleG2),
		at(mpc.CheckTauPowersG1, srs.tau1Last, doubleG1),
		at(mpc.CheckTauPowersG2, srs.tau2Last, doubleG2),
		at(mpc.CheckAlphaPowers, srs.alphaLast, doubleG1),
		at(mpc.CheckBetaPowers, srs.beta1Last, doubleG1),
	}
}

func faultsOfImported() []Fault {
	at := func(check string, offset func(s srs) int, change func(testing.TB, []byte)) Fault {
		return Fault{Check: check, change: func(t testing.TB, d *ceremony.Definition, b []byte) {
			t.Helper()
			change(t, b[offset(srs{domain: d.Domain}):])
		}}
	}
	return []Fault{
		{Check: mpc.CheckEncoding, change: notAPoint},
		at(mpc.CheckBetaG2, srs.beta2, doubleG2),
		at(mpc.CheckTauPowersG1, srs.tau1Last, doubleG1),
		at(mpc.CheckTauPowersG2, srs.tau2Last, doubleG2),
		at(mpc.CheckAlphaPowers, srs.alphaLast, doubleG1),
		at(mpc.CheckBetaPowers, srs.beta1Last, doubleG1),
		{Check: mpc.CheckTauValue, change: func(_ testing.TB, d *ceremony.Definition, b []byte) {
			copy(b, mpc.NewPhase1(d.Domain).Bytes()[3*proofSize:][:len(b)])
		}},
	}
}

func faultsOf2() []Fault {
	at := func(check string, offset func(p points) int, change func(testing.TB, []byte)) Fault {
		return Fault{Check: check, Phase: 2, change: func(t testing.TB, d *ceremony.Definition, b []byte) {
			t.Helper()
			change(t, b[offset(points{k: d.Wires - d.Circuit.PublicInputs - 1, z: d.Domain - 1}):])
		}}
	}
	return []Fault{
		{Check: mpc.CheckEncoding, Phase: 2, change: notAPoint},
		{Check: mpc.CheckChallenge, Phase: 2, change: otherChallenge},
		at(mpc.CheckDeltaProof, points.proof, doubleG1),
		at(mpc.CheckDeltaG1, points.delta1, doubleG1),
		at(mpc.CheckDeltaG2, points.delta2, doubleG2),
		at(mpc.CheckZ, points.lastZ, doubleG1),
		at(mpc.CheckK, points.lastK, doubleG1),
	}
}

// srs has the offsets of an encoded SRS.
type srs struct{ start, domain int }

func (s srs) beta2() int     { return s.start + 8 }
func (s srs) tau1() int      { return s.beta2() + g2Size }
func (s srs) tau2() int      { return s.tau1() + (2*s.domain-2)*g1Size }
func (s srs) beta1() int     { return s.tau2() + (s.domain-1)*g2Size }
func (s srs) alpha() int     { return s.beta1() + s.domain*g1Size }
func (s srs) tau1Last() int  { return s.tau2() - g1Size }
func (s srs) tau2Last() int  { return s.beta1() - g2Size }
func (s srs) beta1Last() int { return s.alpha() - g1Size }
func (s srs) alphaLast() int { return s.alpha() + (s.domain-1)*g1Size }

// points has the offsets of an encoded phase 2 with k and z points of these names.
type points struct{ k, z int }

func (p points) delta1() int { return 2 }
func (p points) lastK() int  { return p.delta1() + g1Size + 4 + (p.k-1)*g1Size }
func (p points) lastZ() int  { return p.lastK() + g1Size + 4 + (p.z-1)*g1Size }
func (p points) delta2() int { return p.lastZ() + g1Size }
func (p points) proof() int  { return p.delta2() + g2Size }

// otherChallenge changes the challenge, which is at the end.
func otherChallenge(_ testing.TB, _ *ceremony.Definition, b []byte) { b[len(b)-1] ^= 1 }

// notAPoint overwrites points in the middle with what encodes none.
func notAPoint(_ testing.TB, _ *ceremony.Definition, b []byte) {
	middle := b[len(b)/2:][:2*g2Size]
	for i := range middle {
		middle[i] = 0xff
	}
}

func doubleG1(t testing.TB, b []byte) {
	t.Helper()
	var p curve.G1Affine
	if _, err := p.SetBytes(b[:g1Size]); err != nil {
		t.Fatal(err)
	}
	p.Double(&p)
	encoded := p.Bytes()
	copy(b, encoded[:])
}

func doubleG2(t testing.TB, b []byte) {
	t.Helper()
	var p curve.G2Affine
	if _, err := p.SetBytes(b[:g2Size]); err != nil {
		t.Fatal(err)
	}
	p.Double(&p)
	encoded := p.Bytes()
	copy(b, encoded[:])
}
