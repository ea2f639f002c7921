package frost

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/zkkex/zkkex/internal/redact"
)

// Dealing is one participant's secret side of a key generation or a refresh: a
// polynomial of a degree below the threshold. It prints as a fixed text.
type Dealing struct {
	redact.Silent
	suite        Ciphersuite
	coefficients []*big.Int
	refresh      bool
}

// Proof is a proof of knowledge of a constant term: a Schnorr signature by it.
type Proof struct {
	R Element
	S *big.Int
}

// Deal draws a polynomial for a key generation. It returns an error if the
// system has no randomness to give.
func Deal(s Ciphersuite, threshold int) (*Dealing, error) { return deal(s, threshold, false) }

// DealRefresh draws a polynomial whose constant term is zero: what it deals
// changes every share and leaves the key.
func DealRefresh(s Ciphersuite, threshold int) (*Dealing, error) { return deal(s, threshold, true) }

func deal(s Ciphersuite, threshold int, refresh bool) (*Dealing, error) {
	if err := CheckSize(threshold, MaxParticipants); err != nil {
		return nil, err
	}
	d := &Dealing{suite: s, refresh: refresh}
	for i := range threshold {
		if i == 0 && refresh {
			d.coefficients = append(d.coefficients, new(big.Int))
			continue
		}
		c, err := randomScalar(s.Order())
		if err != nil {
			return nil, err
		}
		d.coefficients = append(d.coefficients, c)
	}
	return d, nil
}

// Commitments returns the base times each coefficient, from the constant term on;
// in a refresh from the linear term on, as everybody knows that the constant term
// is zero.
func (d *Dealing) Commitments() []Element {
	var out []Element
	for i, c := range d.coefficients {
		if i == 0 && d.refresh {
			continue
		}
		out = append(out, d.suite.Base().Mul(c))
	}
	return out
}

// Share returns the share dealt to a participant, encoded: a secret of the two.
func (d *Dealing) Share(to Identifier) []byte {
	share := evaluate(d.suite.Order(), d.coefficients, to)
	defer wipe(share)
	return d.suite.EncodeScalar(share)
}

// Wipe overwrites the polynomial.
func (d *Dealing) Wipe() {
	for _, c := range d.coefficients {
		wipe(c)
	}
}

// Prove proves that the dealer from knows the constant term. The proof is good in
// the one context, which names the generation and attempt. It returns an error if
// the system has no randomness to give.
func (d *Dealing) Prove(context []byte, from Identifier) (*Proof, error) {
	k, err := randomScalar(d.suite.Order())
	if err != nil {
		return nil, err
	}
	defer wipe(k)
	r := d.suite.Base().Mul(k)
	c := proofChallenge(d.suite, context, from, d.suite.Base().Mul(d.coefficients[0]), r)
	c.Mul(c, d.coefficients[0])
	s := c.Add(c, k)
	return &Proof{R: r, S: s.Mod(s, d.suite.Order())}, nil
}

// VerifyProof returns nil if p proves that the dealer from knows the constant
// term of commitments, and a [Culprit] wrapping [ErrProof] if not.
func VerifyProof(s Ciphersuite, context []byte, from Identifier, commitments []Element, p *Proof) error {
	c := proofChallenge(s, context, from, commitments[0], p.R)
	if p.S.Sign() < 0 || p.S.Cmp(s.Order()) >= 0 || !s.Base().Mul(p.S).Equal(p.R.Add(commitments[0].Mul(c))) {
		return &Culprit{from, ErrProof}
	}
	return nil
}

// proofChallenge hashes the length of the context, the context, the dealer, the
// constant term and R.
func proofChallenge(s Ciphersuite, context []byte, from Identifier, constant, r Element) *big.Int {
	m := binary.BigEndian.AppendUint32(nil, uint32(len(context)))
	m = append(m, context...)
	m = binary.BigEndian.AppendUint16(m, uint16(from))
	m = append(m, constant.Bytes()...)
	return s.HDKG(append(m, r.Bytes()...))
}

// CheckCommitments returns a [Culprit] wrapping [ErrCommitments] unless the dealer
// committed to as many coefficients as the threshold asks for, and [ErrIdentity]
// if one of them is the identity.
func CheckCommitments(threshold int, refresh bool, from Identifier, commitments []Element) error {
	want := threshold
	if refresh {
		want--
	}
	if len(commitments) != want {
		return &Culprit{from, fmt.Errorf("%w: %d, got %d", ErrCommitments, want, len(commitments))}
	}
	for i, c := range commitments {
		if c.IsIdentity() {
			return &Culprit{from, fmt.Errorf("commitment %d: %w", i, ErrIdentity)}
		}
	}
	return nil
}

// CheckShare returns nil if share is what the dealer from committed to give
// participant to, and a [Culprit] if not, wrapping [ErrShare] or the
// ciphersuite's error. commitments have passed [CheckCommitments].
func CheckShare(s Ciphersuite, refresh bool, from, to Identifier, commitments []Element, share []byte) error {
	v, err := s.DecodeScalar(share)
	if err != nil {
		return &Culprit{from, err}
	}
	defer wipe(v)
	if !s.Base().Mul(v).Equal(evaluatePublic(s, polynomial(s, refresh, commitments), to)) {
		return &Culprit{from, ErrShare}
	}
	return nil
}

// polynomial returns commitments from the constant term on.
func polynomial(s Ciphersuite, refresh bool, commitments []Element) []Element {
	if !refresh {
		return commitments
	}
	return append([]Element{s.Identity()}, commitments...)
}

// Found returns the group that all dealers' commitments make: dealers[i-1] are
// those of participant i. It returns an error wrapping [ErrThreshold], or
// [ErrIdentity] if the key would be the identity.
func Found(s Ciphersuite, threshold int, dealers [][]Element) (*Group, error) {
	if err := CheckSize(threshold, len(dealers)); err != nil {
		return nil, err
	}
	sum, err := total(s, threshold, dealers)
	if err != nil {
		return nil, err
	}
	if sum[0].IsIdentity() {
		return nil, fmt.Errorf("the group's key: %w", ErrIdentity)
	}
	g := &Group{Suite: s, Threshold: threshold, Key: sum[0]}
	for i := range dealers {
		g.Shares = append(g.Shares, evaluatePublic(s, sum, Identifier(i+1)))
	}
	return g, nil
}

// Refreshed returns the group after a refresh with all dealers' commitments: the
// same key, other shares. It returns an error wrapping [ErrThreshold] if not
// every participant dealt.
func (g *Group) Refreshed(dealers [][]Element) (*Group, error) {
	if len(dealers) != len(g.Shares) {
		return nil, fmt.Errorf("%w: %d of %d dealt", ErrThreshold, len(dealers), len(g.Shares))
	}
	sum, err := total(g.Suite, g.Threshold-1, dealers)
	if err != nil {
		return nil, err
	}
	next := &Group{Suite: g.Suite, Threshold: g.Threshold, Key: g.Key}
	for i, share := range g.Shares {
		next.Shares = append(next.Shares, share.Add(evaluatePublic(g.Suite, polynomial(g.Suite, true, sum), Identifier(i+1))))
	}
	return next, nil
}

// total adds the dealers' commitments up, coefficient by coefficient.
func total(s Ciphersuite, coefficients int, dealers [][]Element) ([]Element, error) {
	var sum []Element
	for range coefficients {
		sum = append(sum, s.Identity())
	}
	for i, commitments := range dealers {
		if len(commitments) != coefficients {
			return nil, &Culprit{Identifier(i + 1), fmt.Errorf("%w: %d, got %d", ErrCommitments, coefficients, len(commitments))}
		}
		for j, c := range commitments {
			sum[j] = sum[j].Add(c)
		}
	}
	return sum, nil
}

// Collect adds up what was dealt to participant id, and in a refresh the share
// it had, to its share of the group, and checks it. It returns an error wrapping
// [ErrShare] if the sum is not the participant's.
func (g *Group) Collect(id Identifier, old *KeyShare, dealt [][]byte) (*KeyShare, error) {
	if err := g.check(id); err != nil {
		return nil, err
	}
	sum := new(big.Int)
	defer wipe(sum)
	if old != nil {
		sum.Set(old.secret)
	}
	for _, encoded := range dealt {
		v, err := g.Suite.DecodeScalar(encoded)
		if err != nil {
			return nil, err
		}
		sum.Add(sum, v)
		sum.Mod(sum, g.Suite.Order())
		wipe(v)
	}
	encoded := g.Suite.EncodeScalar(sum)
	defer clear(encoded)
	return g.NewKeyShare(id, encoded)
}
