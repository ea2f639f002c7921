package mpc

import (
	"context"
	"crypto/sha256"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/mpcsetup"
)

// Phase1 is a state of phase 1: where it begins, or what it is after a
// contribution. It is not changed once it is made.
type Phase1 struct {
	srs              SRS
	tau, alpha, beta proof
	// challenge is the hash of the state before; there is none at the beginning.
	challenge []byte
}

// NewPhase1 returns where phase 1 begins: tau, alpha and beta are 1. It panics if
// [CheckDomain] refuses the domain.
func NewPhase1(domain int) *Phase1 {
	mustDomain(domain)
	p := new(Phase1)
	srs := &p.srs
	makeSRS(srs, domain)
	g1, g2 := srs.G1.Tau[0], srs.G2.Tau[0]
	for i := range srs.G1.Tau {
		srs.G1.Tau[i] = g1
	}
	for i := range domain {
		srs.G2.Tau[i], srs.G1.AlphaTau[i], srs.G1.BetaTau[i] = g2, g1, g1
	}
	srs.G2.Beta = g2
	return p
}

// Domain returns the number of powers of tau in G2.
func (p *Phase1) Domain() int { return domainOf(&p.srs) }

// Phase1Size returns the size of an encoded contribution to phase 1 in bytes.
func Phase1Size(domain int) int {
	return 3*proofSize + SRSSize(domain) + 1 + challengeSize
}

// ParsePhase1 decodes a contribution to phase 1, strictly: the size is that of
// the domain, every point is canonical, on the curve, in the subgroup and
// finite, and the challenge has 32 bytes. It returns a [CheckError] of
// [CheckEncoding]. The contribution is checked by [Phase1.Verify].
func ParsePhase1(b []byte, domain int) (*Phase1, error) {
	if err := CheckDomain(domain); err != nil {
		return nil, &CheckError{Check: CheckEncoding, Err: err}
	}
	r, p := read(b, Phase1Size(domain)), new(Phase1)
	r.proof(CheckTauProof, &p.tau)
	r.proof(CheckAlphaProof, &p.alpha)
	r.proof(CheckBetaProof, &p.beta)
	r.srs(&p.srs, domain)
	p.challenge = r.challenge()
	if err := r.finish(); err != nil {
		return nil, err
	}
	return p, nil
}

// Bytes encodes the state: the proofs of tau, alpha and beta, the SRS so far as
// [SRSBytes] has it, and the challenge behind its length (1 byte).
func (p *Phase1) Bytes() []byte {
	b := make([]byte, 0, Phase1Size(p.Domain()))
	b = p.tau.append(b)
	b = p.alpha.append(b)
	b = p.beta.append(b)
	b = appendSRS(b, &p.srs)
	return appendChallenge(b, p.challenge)
}

// hash returns what the next contribution has as its challenge.
func (p *Phase1) hash() []byte {
	h := sha256.Sum256(p.Bytes())
	return h[:]
}

// factors1 are the secrets of a contribution to phase 1.
type factors1 struct{ tau, alpha, beta fr.Element }

func (f *factors1) wipe() { *f = factors1{} }

func (s *source) factors1() (f factors1, err error) {
	if f.tau, err = s.secret("tau"); err != nil {
		return f, err
	}
	if f.alpha, err = s.secret("alpha"); err != nil {
		return f, err
	}
	f.beta, err = s.secret("beta")
	return f, err
}

// Contribute returns the state after a contribution with secrets of its own,
// made of 64 fresh bytes each from the system's generator and of entropy, which
// may be empty. The secrets are forgotten. It looks at ctx every 64 points and
// returns its error.
func (p *Phase1) Contribute(ctx context.Context, entropy []byte, progress Progress) (*Phase1, error) {
	f, err := newSource(entropy).factors1()
	if err != nil {
		return nil, err
	}
	defer f.wipe()
	return p.contribute(ctx, &f, progress)
}

func (p *Phase1) contribute(ctx context.Context, f *factors1, progress Progress) (*Phase1, error) {
	next := &Phase1{challenge: p.hash()}
	next.tau = prove(&f.tau, next.challenge, separateTau)
	next.alpha = prove(&f.alpha, next.challenge, separateAlpha)
	next.beta = prove(&f.beta, next.challenge, separateBeta)
	srs, err := p.scale(ctx, f, progress)
	if err != nil {
		return nil, err
	}
	next.srs = *srs
	return next, nil
}

// scale returns the SRS for tau, alpha and beta times the factors.
func (p *Phase1) scale(ctx context.Context, f *factors1, progress Progress) (*SRS, error) {
	var one fr.Element
	one.SetOne()
	tau := &sequence{one, f.tau}
	alpha := &sequence{f.alpha, f.tau}
	beta := &sequence{f.beta, f.tau}
	defer tau.wipe()
	defer alpha.wipe()
	defer beta.wipe()

	srs, w := new(SRS), newStep("powers of tau", 0, progress).part()
	srs.G1.Tau = scaleG1(w, p.srs.G1.Tau, tau)
	srs.G2.Tau = scaleG2(w, p.srs.G2.Tau, tau)
	srs.G1.AlphaTau = scaleG1(w, p.srs.G1.AlphaTau, alpha)
	srs.G1.BetaTau = scaleG1(w, p.srs.G1.BetaTau, beta)
	srs.G2.Beta = timesG2(&p.srs.G2.Beta, &f.beta)
	return srs, w.run(ctx)
}

// Verify checks that next is a contribution made upon p, which the caller has
// verified or begun with. It changes neither, and returns a [CheckError] with the
// first check that fails, or the error of ctx, looked at between checks.
func (p *Phase1) Verify(ctx context.Context, next *Phase1) error {
	if err := sameLength("powers of tau in G2", p.srs.G2.Tau, next.srs.G2.Tau); err != nil {
		return err
	}
	return verify(ctx, p.checks(next))
}

func (p *Phase1) checks(next *Phase1) []check {
	challenge := p.hash()
	tau := newFactor(&next.tau, challenge, separateTau)
	alpha := newFactor(&next.alpha, challenge, separateAlpha)
	beta := newFactor(&next.beta, challenge, separateBeta)
	was, is := &p.srs, &next.srs
	checks := []check{
		isChallenge(challenge, next.challenge),
		tau.known(CheckTauProof),
		alpha.known(CheckAlphaProof),
		beta.known(CheckBetaProof),
		tau.scaledG1(CheckTau, &is.G1.Tau[1], &was.G1.Tau[1]),
		alpha.scaledG1(CheckAlpha, &is.G1.AlphaTau[0], &was.G1.AlphaTau[0]),
		beta.scaledG1(CheckBetaG1, &is.G1.BetaTau[0], &was.G1.BetaTau[0]),
		beta.scaledG2(CheckBetaG2, &is.G2.Beta, &was.G2.Beta),
	}
	return append(checks, powersChecks(is)...)
}

// Seal ends phase 1 with a beacon, a public value that came after the last
// contribution: its factors follow from the beacon and the hash of p, as in
// gnark's Seal, so that anyone can repeat it. It does not change p. It looks at
// ctx every 64 points and returns its error.
func (p *Phase1) Seal(ctx context.Context, beacon []byte, progress Progress) (*SRS, error) {
	drawn := mpcsetup.BeaconContributions(p.hash(), []byte("Groth16 MPC Setup - Phase 1"), beacon, 3)
	return p.scale(ctx, &factors1{tau: drawn[0], alpha: drawn[1], beta: drawn[2]}, progress)
}
