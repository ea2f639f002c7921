package audit_test

import (
	"bytes"
	"io"
	"math/big"
	"os"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// The real circuit, once, and made by other code than that which is checked: the
// first phase and the circuit's polynomials from known secrets, by the definition
// (ePrint 2018/691, figure 4), the second phase and the keys by gnark.
func TestRealCircuitOfOtherMake(t *testing.T) {
	ceremonytest.Cache(t)
	system, err := compiled.Circuit(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	s := newSecrets(system)
	srs := s.powers()
	chain := s.chain(t, srs)

	phase2, evals := s.begin()
	phase2.Contribute()
	chain.Links = append(chain.Links, ceremonytest.Link{
		Header: ceremony.Header{
			Format: ceremony.HeaderFormat, Circuit: zkkex.BabyJubjub20.String(), Phase: 2, Number: 1,
			Kind: ceremony.Contribution, Contributor: "gnark", Created: ceremonytest.Created,
		},
		Payload: written(t, phase2.WriteTo),
	}, ceremonytest.Link{Header: ceremony.Header{
		Format: ceremony.HeaderFormat, Circuit: zkkex.BabyJubjub20.String(), Phase: 2, Number: 2,
		Kind:    ceremony.Beacon,
		Beacon:  &ceremony.BeaconValue{Source: ceremonytest.BeaconSource, Value: ceremonytest.BeaconValue},
		Created: ceremonytest.Created,
	}})
	pk, vk := phase2.Seal(srs, evals, ceremonytest.BeaconValue)
	made := set{
		params.ProvingKeyFile:   written(t, pk.WriteRawTo),
		params.VerifyingKeyFile: written(t, vk.WriteTo),
		params.TranscriptFile:   ceremonytest.Transcript(chain.Files(t)),
	}
	m := &params.Manifest{
		Format: params.Format, Kind: params.Ceremony, Created: ceremonytest.Created,
		ProofSystem: params.ProofSystem, Curve: params.Curve, Circuit: chain.Definition.Circuit,
		ProvingKey: params.Describe(made[params.ProvingKeyFile]), VerifyingKey: params.Describe(made[params.VerifyingKeyFile]),
		Ceremony: &params.CeremonyTranscript{
			Transcript: params.Describe(made[params.TranscriptFile]), Contributions: 1, Beacon: ceremonytest.BeaconSource,
		},
	}
	if made[params.ManifestFile], err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, made, audit.Options{}); !report.Sound() {
		for _, check := range report.Failures() {
			t.Error(check)
		}
		t.Error(report.Verdict)
	}
}

func written(t *testing.T, writeTo func(io.Writer) (int64, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := writeTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// secrets is a setup by one party that knows everything.
type secrets struct {
	system           *cs.R1CS
	size             relation.Size
	n                int
	tau, alpha, beta fr.Element
	a, b, c          []fr.Element // of each wire, at tau
}

func newSecrets(system *cs.R1CS) *secrets {
	s := &secrets{system: system, size: relation.SizeOf(system)}
	s.n = mpc.Domain(s.size)
	s.tau.SetUint64(0x7a6b5c4d3e2f1a0b)
	s.alpha.SetUint64(0x1122334455667788)
	s.beta.SetUint64(0x99aabbccddeeff01)
	lagrange := s.lagrange()
	column := func(of func(*constraint.R1C) constraint.LinearExpression) []fr.Element {
		sums := make([]fr.Element, s.size.Wires())
		constraints := system.GetR1CIterator()
		for i, r := 0, constraints.Next(); r != nil; i, r = i+1, constraints.Next() {
			for _, term := range of(r) {
				var e fr.Element
				e.Mul(&system.Coefficients[term.CoeffID()], &lagrange[i])
				sums[term.WireID()].Add(&sums[term.WireID()], &e)
			}
		}
		return sums
	}
	s.a = column(func(r *constraint.R1C) constraint.LinearExpression { return r.L })
	s.b = column(func(r *constraint.R1C) constraint.LinearExpression { return r.R })
	s.c = column(func(r *constraint.R1C) constraint.LinearExpression { return r.O })
	return s
}

// lagrange returns L_i(tau) = w^i/n * (tau^n - 1)/(tau - w^i).
func (s *secrets) lagrange() []fr.Element {
	domain := fft.NewDomain(uint64(s.n))
	vanishing := s.vanishing()
	out := make([]fr.Element, s.n)
	root := fr.One()
	for i := range out {
		out[i].Sub(&s.tau, &root)
		out[i].Inverse(&out[i])
		out[i].Mul(&out[i], &root).Mul(&out[i], &vanishing).Mul(&out[i], &domain.CardinalityInv)
		root.Mul(&root, &domain.Generator)
	}
	return out
}

// vanishing returns tau^n - 1.
func (s *secrets) vanishing() fr.Element {
	var v fr.Element
	one := fr.One()
	v.Exp(s.tau, big.NewInt(int64(s.n)))
	v.Sub(&v, &one)
	return v
}

// sequence returns first * tau^i for i below n.
func (s *secrets) sequence(first fr.Element, n int) []fr.Element {
	out := make([]fr.Element, n)
	for i := range out {
		out[i] = first
		first.Mul(&first, &s.tau)
	}
	return out
}

func inG1(scalars []fr.Element) []curve.G1Affine {
	_, _, g, _ := curve.Generators()
	return curve.BatchScalarMultiplicationG1(&g, scalars)
}

func inG2(scalars []fr.Element) []curve.G2Affine {
	_, _, _, g := curve.Generators()
	return curve.BatchScalarMultiplicationG2(&g, scalars)
}

func (s *secrets) powers() *mpc.SRS {
	srs := new(mpc.SRS)
	srs.G1.Tau = inG1(s.sequence(fr.One(), 2*s.n-1))
	srs.G1.AlphaTau = inG1(s.sequence(s.alpha, s.n))
	srs.G1.BetaTau = inG1(s.sequence(s.beta, s.n))
	srs.G2.Tau = inG2(s.sequence(fr.One(), s.n))
	srs.G2.Beta = inG2([]fr.Element{s.beta})[0]
	return srs
}

// begin returns the beginning of gnark's second phase, and what that leaves as it
// is.
func (s *secrets) begin() (*mpcsetup.Phase2, *mpcsetup.Phase2Evaluations) {
	var evals mpcsetup.Phase2Evaluations
	evals.G1.A, evals.G1.B, evals.G2.B = inG1(s.a), inG1(s.b), inG2(s.b)
	keys := make([]fr.Element, s.size.Wires())
	for i := range keys {
		var e fr.Element
		keys[i].Mul(&s.beta, &s.a[i])
		keys[i].Add(&keys[i], e.Mul(&s.alpha, &s.b[i])).Add(&keys[i], &s.c[i])
	}
	points := inG1(keys)
	evals.G1.VKK = points[:s.size.Public]

	p := new(mpcsetup.Phase2)
	_, _, p.Parameters.G1.Delta, p.Parameters.G2.Delta = curve.Generators()
	p.Parameters.G1.PKK = points[s.size.Public:]
	z := s.sequence(s.vanishing(), s.n)
	utils.BitReverse(z)
	p.Parameters.G1.Z = inG1(z[:s.n-1])
	return p, &evals
}

// chain returns a ceremony that has the powers, and no contribution yet.
func (s *secrets) chain(t *testing.T, srs *mpc.SRS) *ceremonytest.Chain {
	t.Helper()
	dir := t.TempDir() + "/ceremony"
	_, err := ceremony.Init(t.Context(), dir, ceremony.Options{
		Circuit: zkkex.BabyJubjub20, Name: "test", Kind: params.Ceremony, Created: ceremonytest.Created,
		Ptau: &ceremony.PhaseOne{
			SRS: mpc.SRSBytes(srs), Source: "known secrets", File: params.Describe([]byte("none")),
			Power: 12, CeremonyPower: ceremonytest.PtauPower, Chain: publicChain(s.tau, s.alpha, s.beta),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ceremonytest.Read(t, os.DirFS(dir))
}
