package ptau

import (
	"context"
	"encoding/binary"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/mpc"
)

// TestingOnlySecrets is what somebody contributes to a [TestingOnlyCeremony].
type TestingOnlySecrets struct {
	// Name is what they call themselves, at most 255 bytes.
	Name string
	// Tau, Alpha and Beta are not 0. They are not used with a beacon.
	Tau, Alpha, Beta fr.Element
	// Beacon has the secrets follow from a value instead.
	Beacon *Beacon
}

// TestingOnlyCeremony is a ceremony whose secrets everybody knows: tests cannot
// wait for a real one.
type TestingOnlyCeremony struct {
	chain            []byte
	tau, alpha, beta fr.Element
}

// TestingOnlyRun runs a ceremony of a power from 1 to [MaxPower]. Nothing is
// checked: it makes chains that are refused, too.
func TestingOnlyRun(power int, contributors []TestingOnlySecrets) *TestingOnlyCeremony {
	c := &TestingOnlyCeremony{
		chain: binary.LittleEndian.AppendUint32(nil, uint32(len(contributors))),
		tau:   fr.One(), alpha: fr.One(), beta: fr.One(),
	}
	challenge := firstChallenge(power)
	for i := range contributors {
		one := &contributors[i]
		tau, alpha, beta, k := one.keys(i, challenge)
		c.tau.Mul(&c.tau, &tau)
		c.alpha.Mul(&c.alpha, &alpha)
		c.beta.Mul(&c.beta, &beta)
		at := len(c.chain)
		c.append(k)
		var state [partialSize]byte // any will do
		h, _ := resume(state)
		keys := c.chain[at+accumulatorSize:]
		public, _ := uncompressed(nil, keys[:6*g1Size], g1Size)
		public, _ = uncompressed(public, keys[6*g1Size:], g2Size)
		h.Write(public)
		response := h.Sum(nil)
		h = newHash()
		h.Write(response)
		h.Sum(challenge[:0])
		c.chain = append(c.chain, state[:]...)
		c.chain = append(c.chain, challenge[:]...)
		c.chain = append(c.chain, one.parameters()...)
	}
	return c
}

// Chain returns the contributions, for [ParseChain].
func (c *TestingOnlyCeremony) Chain() []byte { return c.chain }

// SRS returns what the ceremony led to, for a domain of the given size.
func (c *TestingOnlyCeremony) SRS(domain int) *mpc.SRS {
	_, _, g1, g2 := curve.Generators()
	one := fr.One()
	srs := new(mpc.SRS)
	srs.G1.Tau = curve.BatchScalarMultiplicationG1(&g1, c.powers(&one, 2*domain-1))
	srs.G2.Tau = curve.BatchScalarMultiplicationG2(&g2, c.powers(&one, domain))
	srs.G1.AlphaTau = curve.BatchScalarMultiplicationG1(&g1, c.powers(&c.alpha, domain))
	srs.G1.BetaTau = curve.BatchScalarMultiplicationG1(&g1, c.powers(&c.beta, domain))
	srs.G2.Beta = curve.BatchScalarMultiplicationG2(&g2, []fr.Element{c.beta})[0]
	return srs
}

func (c *TestingOnlyCeremony) powers(factor *fr.Element, n int) []fr.Element {
	out := make([]fr.Element, n)
	out[0] = *factor
	for i := 1; i < n; i++ {
		out[i].Mul(&out[i-1], &c.tau)
	}
	return out
}

// keys returns the secrets, and the proofs that they are known.
func (s *TestingOnlySecrets) keys(place int, challenge [64]byte) (tau, alpha, beta fr.Element, k keys) {
	if s.Beacon == nil {
		g := newGenerator(binary.BigEndian.AppendUint32(make([]byte, 28), uint32(place)))
		number := func(e *fr.Element) *big.Int { return e.BigInt(new(big.Int)) }
		return s.Tau, s.Alpha, s.Beta, keys{
			newKey(g, 0, number(&s.Tau), challenge), newKey(g, 1, number(&s.Alpha), challenge), newKey(g, 2, number(&s.Beta), challenge),
		}
	}
	seed, err := s.Beacon.seed(context.Background(), nil)
	if err != nil {
		panic("a beacon without an end: " + err.Error())
	}
	g := newGenerator(seed)
	tau.SetBigInt(g.scalar())
	alpha.SetBigInt(g.scalar())
	beta.SetBigInt(g.scalar())
	return tau, alpha, beta, beaconKeys(seed, challenge)
}

// append adds the points of a contribution.
func (c *TestingOnlyCeremony) append(k keys) {
	srs := c.SRS(2)
	for _, p := range []any{
		&srs.G1.Tau[1], &srs.G2.Tau[1], &srs.G1.AlphaTau[0], &srs.G1.BetaTau[0], &srs.G2.Beta,
		&k.tau.s, &k.tau.sx, &k.alpha.s, &k.alpha.sx, &k.beta.s, &k.beta.sx,
		&k.tau.spx, &k.alpha.spx, &k.beta.spx,
	} {
		switch p := p.(type) {
		case *curve.G1Affine:
			c.chain = appendNumbers(c.chain, &p.X, &p.Y)
		case *curve.G2Affine:
			c.chain = appendG2(c.chain, p)
		}
	}
}

// parameters returns the type, and the name and the beacon.
func (s *TestingOnlySecrets) parameters() []byte {
	kind, b := typeContribution, []byte(nil)
	if s.Name != "" {
		b = append([]byte{parameterName, byte(len(s.Name))}, s.Name...)
	}
	if s.Beacon != nil {
		kind = typeBeacon
		b = append(b, parameterExponent, byte(s.Beacon.Exponent), parameterBeacon, byte(len(s.Beacon.Value)))
		b = append(b, s.Beacon.Value...)
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(kind))
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
}

func appendG2(b []byte, p *curve.G2Affine) []byte {
	return appendNumbers(b, &p.X.A0, &p.X.A1, &p.Y.A0, &p.Y.A1)
}

func appendNumbers(b []byte, numbers ...*fp.Element) []byte {
	for _, e := range numbers {
		for _, limb := range e {
			b = binary.LittleEndian.AppendUint64(b, limb)
		}
	}
	return b
}
