package mpc

import (
	"context"
	"errors"
	"slices"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
)

// refused returns the names of the checks that do not hold, each run on its own.
func refused(checks []check) []string {
	var names []string
	for _, c := range checks {
		if !c.holds() {
			names = append(names, c.name)
		}
	}
	return names
}

// fault is a contribution or an SRS that an attacker made, who knows all its own
// secrets.
type fault[S any] struct {
	name string
	make func(t *testing.T) S
	// refused are the checks that do not hold. Where it is one alone, a
	// verifier without that check lets the fault through.
	refused []string
	// lenient: gnark's verifier lets it through.
	lenient bool
}

// verdicts runs every check on every fault: exactly the named ones fail, and of
// all checks each has a fault that it alone refuses.
func verdicts[S any](t *testing.T, faults []fault[S], checks func(S) []check, verdict func(S) error, gnark func(*testing.T, S) error) {
	t.Helper()
	alone := map[string]bool{}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := f.make(t)
			if got := refused(checks(s)); !slices.Equal(got, f.refused) {
				t.Errorf("refused by %q, expected %q", got, f.refused)
			}
			var failed *CheckError
			err := verdict(s)
			if !errors.As(err, &failed) || failed.Check != f.refused[0] {
				t.Errorf("%v, expected the check %q", err, f.refused[0])
			}
			if !errors.Is(err, zkkex.ErrRejected) || errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v, expected %v", err, zkkex.ErrRejected)
			}
			if gnark == nil {
				return
			}
			if err := gnark(t, s); (err == nil) != f.lenient {
				t.Errorf("gnark says %v", err)
			}
		})
		if len(f.refused) == 1 {
			alone[f.refused[0]] = true
		}
	}
	for _, c := range checks(faults[0].make(t)) {
		if !alone[c.name] {
			t.Errorf("no fault is refused by the check %q alone", c.name)
		}
	}
}

// twoG1 doubles a point in place: the smallest change that leaves it in the group.
func twoG1(p *curve.G1Affine) { p.Double(p) }

func twoG2(p *curve.G2Affine) { p.Double(p) }

func TestPhase1Faults(t *testing.T) {
	c := held(t)
	before := c.phase1[1]
	// other is a contribution with other factors, of which parts are taken.
	make1 := func(f *factors1) *Phase1 {
		p, err := before.contribute(context.Background(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	honest := &factors1{tau: scalar(t), alpha: scalar(t), beta: scalar(t)}
	change := func(do func(p *Phase1)) func(*testing.T) *Phase1 {
		return func(*testing.T) *Phase1 {
			p := make1(honest)
			do(p)
			return p
		}
	}
	// with has factors of which one was exchanged, and nothing else.
	with := func(do func(f *factors1)) func(*testing.T) *Phase1 {
		return func(*testing.T) *Phase1 {
			f := *honest
			do(&f)
			return make1(&f)
		}
	}
	// applied proves the honest factors and applies others.
	applied := func(do func(f *factors1)) func(*testing.T) *Phase1 {
		return func(t *testing.T) *Phase1 {
			p := with(do)(t)
			proved := make1(honest)
			p.tau, p.alpha, p.beta = proved.tau, proved.alpha, proved.beta
			return p
		}
	}
	// borrowed commits to another factor than is known and applied.
	borrowed := func(of *proof, separate byte, x fr.Element) {
		_, _, g1, _ := curve.Generators()
		of.commitment = timesG1(&g1, number(3))
		r := of.base(before.hash(), separate)
		of.knowledge = timesG2(&r, &x)
	}
	minus := number(-1)

	faults := []fault[*Phase1]{
		{"another challenge", change(func(p *Phase1) { p.challenge[31] ^= 1 }), []string{CheckChallenge}, false},
		{"upon another state", func(t *testing.T) *Phase1 {
			p, err := c.phase1[0].contribute(t.Context(), honest, nil)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}, []string{CheckChallenge, CheckTauProof, CheckAlphaProof, CheckBetaProof, CheckTau, CheckAlpha, CheckBetaG1, CheckBetaG2}, false},
		{"proofs of the contribution before", change(func(p *Phase1) { p.tau, p.alpha, p.beta = before.tau, before.alpha, before.beta }),
			[]string{CheckTauProof, CheckAlphaProof, CheckBetaProof, CheckTau, CheckAlpha, CheckBetaG1, CheckBetaG2}, false},

		{"tau: committed to a factor that is not known", change(func(p *Phase1) { borrowed(&p.tau, separateTau, honest.tau) }), []string{CheckTauProof}, false},
		{"tau: times 1", with(func(f *factors1) { f.tau.SetOne() }), []string{CheckTauProof}, true},
		{"tau: times -1", with(func(f *factors1) { f.tau = *minus }), []string{CheckTauProof}, true},
		{"tau: times 0", with(func(f *factors1) { f.tau.SetZero() }), []string{CheckTauProof}, false},
		{"alpha: committed to a factor that is not known", change(func(p *Phase1) { borrowed(&p.alpha, separateAlpha, honest.alpha) }), []string{CheckAlphaProof}, false},
		{"alpha: times 1", with(func(f *factors1) { f.alpha.SetOne() }), []string{CheckAlphaProof}, true},
		{"alpha: times 0", with(func(f *factors1) { f.alpha.SetZero() }), []string{CheckAlphaProof}, false},
		{"beta: committed to a factor that is not known", change(func(p *Phase1) {
			borrowed(&p.beta, separateBeta, honest.beta)
			p.srs.G2.Beta = timesG2(&before.srs.G2.Beta, number(3))
		}), []string{CheckBetaProof}, false},
		{"beta: times 1", with(func(f *factors1) { f.beta.SetOne() }), []string{CheckBetaProof}, true},
		{"beta: times 0", with(func(f *factors1) { f.beta.SetZero() }), []string{CheckBetaProof}, false},
		{"proof of alpha for beta", change(func(p *Phase1) { p.beta = p.alpha }), []string{CheckBetaProof, CheckBetaG1, CheckBetaG2}, false},

		{"tau: another factor than was proved", applied(func(f *factors1) { f.tau = *number(5) }), []string{CheckTau}, false},
		{"alpha: another factor than was proved", applied(func(f *factors1) { f.alpha = *number(5) }), []string{CheckAlpha}, false},
		{"beta: another factor in G1", func(t *testing.T) *Phase1 {
			p := applied(func(f *factors1) { f.beta = *number(5) })(t)
			p.srs.G2.Beta = timesG2(&before.srs.G2.Beta, &honest.beta)
			return p
		}, []string{CheckBetaG1}, false},
		{"beta: another factor in G2", change(func(p *Phase1) { twoG2(&p.srs.G2.Beta) }), []string{CheckBetaG2}, false},
		{"beta: not changed in G2", change(func(p *Phase1) { p.srs.G2.Beta = before.srs.G2.Beta }), []string{CheckBetaG2}, false},

		{"tau in G1: the last power", change(func(p *Phase1) { twoG1(&p.srs.G1.Tau[2*c.domain-2]) }), []string{CheckTauPowersG1}, false},
		{"tau in G1: one in the middle", change(func(p *Phase1) { twoG1(&p.srs.G1.Tau[c.domain]) }), []string{CheckTauPowersG1}, false},
		{"tau in G1: two exchanged", change(func(p *Phase1) { s := p.srs.G1.Tau; s[3], s[4] = s[4], s[3] }), []string{CheckTauPowersG1}, false},
		{"tau in G1: the second half with another tau", func(t *testing.T) *Phase1 {
			p, q := make1(honest), with(func(f *factors1) { f.tau = *number(5) })(t)
			copy(p.srs.G1.Tau[c.domain:], q.srs.G1.Tau[c.domain:])
			return p
		}, []string{CheckTauPowersG1}, false},
		{"tau in G2: the last power", change(func(p *Phase1) { twoG2(&p.srs.G2.Tau[c.domain-1]) }), []string{CheckTauPowersG2}, false},
		{"tau in G2: all from the second on doubled", change(func(p *Phase1) {
			for i := 2; i < c.domain; i++ {
				twoG2(&p.srs.G2.Tau[i])
			}
		}), []string{CheckTauPowersG2}, false},
		{"tau in G2: powers of another tau", func(t *testing.T) *Phase1 {
			p, q := make1(honest), with(func(f *factors1) { f.tau = *number(5) })(t)
			p.srs.G2.Tau = q.srs.G2.Tau
			return p
		}, []string{CheckTauPowersG1, CheckTauPowersG2, CheckAlphaPowers, CheckBetaPowers}, false},
		{"alpha: the last power", change(func(p *Phase1) { twoG1(&p.srs.G1.AlphaTau[c.domain-1]) }), []string{CheckAlphaPowers}, false},
		{"alpha: all but the first with another factor", change(func(p *Phase1) {
			for i := 1; i < c.domain; i++ {
				twoG1(&p.srs.G1.AlphaTau[i])
			}
		}), []string{CheckAlphaPowers}, false},
		{"beta: the last power", change(func(p *Phase1) { twoG1(&p.srs.G1.BetaTau[c.domain-1]) }), []string{CheckBetaPowers}, false},
		{"beta: not changed but the first", change(func(p *Phase1) { copy(p.srs.G1.BetaTau[1:], before.srs.G1.BetaTau[1:]) }), []string{CheckBetaPowers}, false},
	}
	verdicts(t, faults, before.checks,
		func(p *Phase1) error { return before.Verify(t.Context(), p) },
		func(t *testing.T, p *Phase1) error { return phase1AsGnark(t, before).Verify(phase1AsGnark(t, p)) })
}

func TestPhase2Faults(t *testing.T) {
	c := held(t)
	before := c.phase2[1]
	honest := scalar(t)
	make2 := func(delta fr.Element) *Phase2 {
		p, err := before.contribute(context.Background(), &delta, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	change := func(do func(p *Phase2)) func(*testing.T) *Phase2 {
		return func(*testing.T) *Phase2 {
			p := make2(honest)
			do(p)
			return p
		}
	}
	with := func(delta *fr.Element) func(*testing.T) *Phase2 {
		return func(*testing.T) *Phase2 { return make2(*delta) }
	}
	other := make2(*number(5))
	last := func(points []curve.G1Affine) *curve.G1Affine { return &points[len(points)-1] }

	faults := []fault[*Phase2]{
		{"another challenge", change(func(p *Phase2) { p.challenge[0] ^= 0x80 }), []string{CheckChallenge}, false},
		{"upon another state", func(t *testing.T) *Phase2 {
			p, err := c.phase2[0].contribute(t.Context(), &honest, nil)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}, []string{CheckChallenge, CheckDeltaProof, CheckDeltaG1, CheckDeltaG2, CheckZ, CheckK}, false},
		{"proof of the contribution before", change(func(p *Phase2) { p.proof = before.proof }),
			[]string{CheckDeltaProof, CheckDeltaG1, CheckDeltaG2, CheckZ, CheckK}, false},
		{"committed to a factor that is not known", change(func(p *Phase2) {
			_, _, g1, _ := curve.Generators()
			p.proof.commitment = timesG1(&g1, number(3))
			r := p.proof.base(before.hash(), separateDelta)
			p.proof.knowledge = timesG2(&r, &honest)
			p.delta2 = timesG2(&before.delta2, number(3))
		}), []string{CheckDeltaProof}, false},
		{"times 1", with(number(1)), []string{CheckDeltaProof}, true},
		{"times -1", with(number(-1)), []string{CheckDeltaProof}, true},
		{"times 0", with(number(0)), []string{CheckDeltaProof, CheckZ, CheckK}, false},

		{"delta in G1: twice", change(func(p *Phase2) { twoG1(&p.delta1) }), []string{CheckDeltaG1}, false},
		{"delta in G1: not changed", change(func(p *Phase2) { p.delta1 = before.delta1 }), []string{CheckDeltaG1}, false},
		{"delta in G2: twice", change(func(p *Phase2) { twoG2(&p.delta2) }), []string{CheckDeltaG2}, false},
		{"delta in G2: not changed", change(func(p *Phase2) { p.delta2 = before.delta2 }), []string{CheckDeltaG2}, false},
		{"delta in both groups by another factor", change(func(p *Phase2) { p.delta1, p.delta2 = other.delta1, other.delta2 }), []string{CheckDeltaG1, CheckDeltaG2}, false},
		{"Z: the last", change(func(p *Phase2) { twoG1(last(p.z)) }), []string{CheckZ}, false},
		{"Z: by another factor", change(func(p *Phase2) { p.z = other.z }), []string{CheckZ}, false},
		{"Z: not changed", change(func(p *Phase2) { p.z = before.z }), []string{CheckZ}, false},
		{"K: the first", change(func(p *Phase2) { twoG1(&p.k[0]) }), []string{CheckK}, false},
		{"K: multiplied, not divided", change(func(p *Phase2) {
			for i := range p.k {
				p.k[i] = timesG1(&before.k[i], &honest)
			}
		}), []string{CheckK}, false},
		{"K: one added to another", change(func(p *Phase2) { p.k[1].Add(&p.k[1], &p.k[0]) }), []string{CheckK}, false},
		{"K: two exchanged", change(func(p *Phase2) { p.k[0], p.k[1] = p.k[1], p.k[0] }), []string{CheckK}, false},
	}
	verdicts(t, faults, before.checks,
		func(p *Phase2) error { return before.Verify(t.Context(), p) },
		func(t *testing.T, p *Phase2) error { return phase2AsGnark(t, before).Verify(phase2AsGnark(t, p)) })
}

func TestSRSFaults(t *testing.T) {
	domain := 8
	ctx := context.Background()
	// made has the secrets of the attacker.
	made := func(tau, alpha, beta *fr.Element) *SRS {
		srs, err := NewPhase1(domain).scale(ctx, &factors1{*tau, *alpha, *beta}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return srs
	}
	tau, alpha, beta := scalar(t), scalar(t), scalar(t)
	if err := CheckSRS(ctx, made(&tau, &alpha, &beta)); err != nil {
		t.Fatal(err)
	}
	change := func(do func(srs *SRS)) func(*testing.T) *SRS {
		return func(*testing.T) *SRS {
			srs := made(&tau, &alpha, &beta)
			do(srs)
			return srs
		}
	}
	with := func(tau, alpha, beta *fr.Element) func(*testing.T) *SRS {
		return func(*testing.T) *SRS { return made(tau, alpha, beta) }
	}
	omega := rootOfUnity(t, domain)

	faults := []fault[*SRS]{
		{"another generator of G1", change(func(srs *SRS) {
			for i := range srs.G1.Tau {
				twoG1(&srs.G1.Tau[i])
			}
		}), []string{CheckGenerators}, false},
		{"another generator of G2", change(func(srs *SRS) {
			for i := range srs.G2.Tau {
				twoG2(&srs.G2.Tau[i])
			}
		}), []string{CheckGenerators}, false},
		{"tau is 0", with(number(0), &alpha, &beta), []string{CheckTauValue}, false},
		{"tau is 1", with(number(1), &alpha, &beta), []string{CheckTauValue}, false},
		{"tau is -1", with(number(-1), &alpha, &beta), []string{CheckTauValue}, false},
		{"tau is in the domain", with(&omega, &alpha, &beta), []string{CheckTauValue}, false},
		{"alpha is 0", with(&tau, number(0), &beta), []string{CheckAlphaValue}, false},
		{"alpha is 1", with(&tau, number(1), &beta), []string{CheckAlphaValue}, false},
		{"alpha is -1", with(&tau, number(-1), &beta), []string{CheckAlphaValue}, false},
		{"beta is 0", with(&tau, &alpha, number(0)), []string{CheckBetaValue}, false},
		{"beta is 1", with(&tau, &alpha, number(1)), []string{CheckBetaValue}, false},
		{"beta is -1", with(&tau, &alpha, number(-1)), []string{CheckBetaValue}, false},
		{"beta in G2 is another", change(func(srs *SRS) { twoG2(&srs.G2.Beta) }), []string{CheckBetaG2}, false},
		{"the last power in G1", change(func(srs *SRS) { twoG1(&srs.G1.Tau[2*domain-2]) }), []string{CheckTauPowersG1}, false},
		{"tau in G1 is another", change(func(srs *SRS) { srs.G1.Tau = made(number(5), &alpha, &beta).G1.Tau }), []string{CheckTauPowersG1, CheckTauPowersG2}, false},
		{"the last power in G2", change(func(srs *SRS) { twoG2(&srs.G2.Tau[domain-1]) }), []string{CheckTauPowersG2}, false},
		{"the last power times alpha", change(func(srs *SRS) { twoG1(&srs.G1.AlphaTau[domain-1]) }), []string{CheckAlphaPowers}, false},
		{"alpha with another tau", change(func(srs *SRS) { srs.G1.AlphaTau = made(number(5), &alpha, &beta).G1.AlphaTau }), []string{CheckAlphaPowers}, false},
		{"the first power times beta", change(func(srs *SRS) { twoG1(&srs.G1.BetaTau[1]) }), []string{CheckBetaPowers}, false},
	}
	verdicts(t, faults, srsChecks, func(srs *SRS) error { return CheckSRS(ctx, srs) }, nil)
}

// rootOfUnity returns a generator of the domain.
func rootOfUnity(t *testing.T, domain int) fr.Element {
	t.Helper()
	omega, err := fr.Generator(uint64(domain))
	if err != nil {
		t.Fatal(err)
	}
	return omega
}

// TestAnotherCircuitIsRefused verifies states of other sizes.
func TestAnotherCircuitIsRefused(t *testing.T) {
	c := held(t)
	var failed *CheckError
	if err := NewPhase1(8).Verify(t.Context(), c.phase1[1]); !errors.As(err, &failed) || failed.Check != CheckEncoding {
		t.Errorf("another domain: %v", err)
	}
	short := *c.phase2[1]
	short.z = short.z[1:]
	if err := c.phase2[0].Verify(t.Context(), &short); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("another Z: %v", err)
	}
	short = *c.phase2[1]
	short.k = short.k[1:]
	if err := c.phase2[0].Verify(t.Context(), &short); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("another K: %v", err)
	}
	srs := cloneSRS(c.srs)
	srs.G1.BetaTau = srs.G1.BetaTau[1:]
	if err := CheckSRS(t.Context(), srs); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("another SRS: %v", err)
	}
}
