package frost

import (
	"fmt"
	"math/big"
)

// Signature is a Schnorr signature: s*base = R + c*key.
type Signature struct {
	R Element
	S *big.Int
}

// session is what a message and a list of commitments fix.
type session struct {
	signers []Identifier
	factors []*big.Int // binding factors, by position in signers
	nonce   Element    // R, the group's commitment
	points  []Element  // each signer's part of R, by position
	c       *big.Int
}

// Sign returns the share's part of the group's signature on msg, with the
// commitments of all signers, ascending by identifier (RFC 9591, section 5.2).
// It deletes the nonces first, whatever comes of it. It returns an error
// wrapping [ErrNonces] if they have signed before, or their commitment is not in
// the list exactly, [ErrIdentifier] or [ErrThreshold] for a bad list, and the
// ciphersuite's error for a bad message.
func (g *Group) Sign(share *KeyShare, nonces *Nonces, msg []byte, commitments []Commitment) (*big.Int, error) {
	hiding, binding, err := nonces.take()
	if err != nil {
		return nil, err
	}
	defer wipe(hiding)
	defer wipe(binding)
	s, err := g.session(msg, commitments)
	if err != nil {
		return nil, err
	}
	at := s.position(share.id)
	if at < 0 || !nonces.commitment.equal(&commitments[at]) {
		return nil, fmt.Errorf("the list of commitments: %w", ErrNonces)
	}
	order := g.Suite.Order()
	z := new(big.Int).Mul(lagrange(order, s.signers, share.id, 0), s.c)
	z.Mod(z, order)
	z.Mul(z, share.secret)
	z.Add(z, hiding)
	z.Add(z, binding.Mul(binding, s.factors[at]))
	return z.Mod(z, order), nil
}

// VerifyShare returns nil if z is signer id's part of the signature (RFC 9591,
// section 5.4). It returns a [Culprit] wrapping [ErrShare] if it is not, and an
// error as [Group.Sign] does.
func (g *Group) VerifyShare(id Identifier, z *big.Int, msg []byte, commitments []Commitment) error {
	s, err := g.session(msg, commitments)
	if err != nil {
		return err
	}
	at := s.position(id)
	if at < 0 {
		return fmt.Errorf("%w: %d does not sign", ErrIdentifier, id)
	}
	if z.Sign() < 0 || z.Cmp(g.Suite.Order()) >= 0 {
		return &Culprit{id, fmt.Errorf("%w: not below the order", ErrShare)}
	}
	weight := new(big.Int).Mul(s.c, lagrange(g.Suite.Order(), s.signers, id, 0))
	weight.Mod(weight, g.Suite.Order())
	right := s.points[at].Add(g.Shares[id-1].Mul(weight))
	if !g.Suite.Base().Mul(z).Equal(right) {
		return &Culprit{id, ErrShare}
	}
	return nil
}

// Aggregate sums the signers' shares, in the order of commitments (RFC 9591,
// section 5.3), and verifies the signature. It returns an error wrapping
// [ErrSignature] if it is none: then [Group.VerifyShare] says whose share is wrong.
func (g *Group) Aggregate(msg []byte, commitments []Commitment, shares []*big.Int) (*Signature, error) {
	s, err := g.session(msg, commitments)
	if err != nil {
		return nil, err
	}
	if len(shares) != len(commitments) {
		return nil, fmt.Errorf("%w: %d shares of %d signers", ErrThreshold, len(shares), len(commitments))
	}
	z := new(big.Int)
	for _, share := range shares {
		z.Add(z, share)
	}
	sig := &Signature{R: s.nonce, S: z.Mod(z, g.Suite.Order())}
	return sig, Verify(g.Suite, g.Key, msg, sig)
}

// Verify returns nil if sig is a signature of msg by key, an error wrapping
// [ErrSignature] if it is not, and the ciphersuite's error for a bad message.
func Verify(s Ciphersuite, key Element, msg []byte, sig *Signature) error {
	if sig.S.Sign() < 0 || sig.S.Cmp(s.Order()) >= 0 {
		return fmt.Errorf("%w: s is not below the order", ErrSignature)
	}
	c, err := s.Challenge(sig.R, key, msg)
	if err != nil {
		return err
	}
	if !s.Base().Mul(sig.S).Equal(sig.R.Add(key.Mul(c))) {
		return ErrSignature
	}
	return nil
}

// session computes what follows from msg and commitments.
func (g *Group) session(msg []byte, commitments []Commitment) (*session, error) {
	signers, err := g.signers(commitments)
	if err != nil {
		return nil, err
	}
	s := &session{signers: signers, nonce: g.Suite.Identity()}
	s.factors = g.bindingFactors(msg, commitments)
	for i := range commitments {
		point := commitments[i].Hiding.Add(commitments[i].Binding.Mul(s.factors[i]))
		s.points = append(s.points, point)
		s.nonce = s.nonce.Add(point)
	}
	if s.nonce.IsIdentity() {
		return nil, fmt.Errorf("the group's commitment: %w", ErrIdentity)
	}
	s.c, err = g.Suite.Challenge(s.nonce, g.Key, msg)
	return s, err
}

// signers returns who signs, if the list is one that can sign.
func (g *Group) signers(commitments []Commitment) ([]Identifier, error) {
	if len(commitments) < g.Threshold || len(commitments) > len(g.Shares) {
		return nil, fmt.Errorf("%w, got %d signers", ErrThreshold, len(commitments))
	}
	var signers []Identifier
	last := Identifier(0)
	for i := range commitments {
		c := &commitments[i]
		if err := g.check(c.ID); err != nil {
			return nil, err
		}
		if c.ID <= last {
			return nil, fmt.Errorf("%w, got %d after %d", ErrIdentifier, c.ID, last)
		}
		if c.Hiding.IsIdentity() || c.Binding.IsIdentity() {
			return nil, &Culprit{c.ID, fmt.Errorf("commitment: %w", ErrIdentity)}
		}
		last = c.ID
		signers = append(signers, c.ID)
	}
	return signers, nil
}

// bindingFactors is RFC 9591, section 4.4.
func (g *Group) bindingFactors(msg []byte, commitments []Commitment) []*big.Int {
	prefix := g.bindingPrefix(msg, commitments)
	factors := make([]*big.Int, len(commitments))
	for i := range commitments {
		factors[i] = g.Suite.H1(append(prefix[:len(prefix):len(prefix)], g.encodeIdentifier(commitments[i].ID)...))
	}
	return factors
}

// bindingPrefix is what all binding factors of a session are made of.
func (g *Group) bindingPrefix(msg []byte, commitments []Commitment) []byte {
	var list []byte
	for i := range commitments {
		c := &commitments[i]
		list = append(list, g.encodeIdentifier(c.ID)...)
		list = append(list, c.Hiding.Bytes()...)
		list = append(list, c.Binding.Bytes()...)
	}
	prefix := append([]byte(nil), g.Key.Bytes()...)
	prefix = append(prefix, g.Suite.H4(msg)...)
	return append(prefix, g.Suite.H5(list)...)
}

func (g *Group) encodeIdentifier(id Identifier) []byte {
	return g.Suite.EncodeScalar(big.NewInt(int64(id)))
}

// position returns where id stands among the signers, or -1.
func (s *session) position(id Identifier) int {
	for i, signer := range s.signers {
		if signer == id {
			return i
		}
	}
	return -1
}
